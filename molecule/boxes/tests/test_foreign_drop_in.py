# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drop-in of somebody else's stays in force beside the role's."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(variable="lab_foreign_dropin")

FOREIGN = "/etc/systemd/system/ollama.service.d/10-gpu.conf"


def test_both_drop_ins_are_in_force(host, drop_in):
    paths = host.service("ollama.service").systemd_properties["DropInPaths"].split()
    assert paths == [FOREIGN, drop_in.path]


def test_foreign_drop_in_is_as_it_was(host, variables):
    assert host.file(FOREIGN).content_string == variables["lab_foreign_dropin"]


def test_server_has_the_variable_of_the_foreign_drop_in(server):
    assert server["environ"]["SOMEBODY_ELSE"] == "1"
