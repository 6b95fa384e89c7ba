# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back to one server, on a host that then gets a template of somebody else's."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_dry_run_shows_the_files_by_name(recorded):
    shown = recorded("dry-run")["output"]
    for file in (
        "ollama@.service",
        "ollama@chat.service.d/override.conf",
        "ollama@rank.service.d/override.conf",
        "ollama.service.d/override.conf",
    ):
        assert file in shown


def test_foreign_template_is_refused_with_the_variable_the_file_and_the_remedy(recorded):
    seen = recorded("foreign-template")
    assert seen["changed"] == 0
    for words in ("ollama_instances", "/etc/systemd/system/ollama@.service", "Move it away"):
        assert words in seen["output"]
