# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering into a folder gives the files of a host; ../../shared/unchanged looks at the rest."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0, -1])

FOLDER = "/root/staging"


@pytest.fixture(scope="module", autouse=True)
def folder(host):
    yield
    host.check_output("rm -r %s", FOLDER)


def test_folder_holds_the_files_of_the_service_with_their_modes_and_no_other(host, variables):
    units = ("ollama.service", "ollama.slice")
    expected = {f"644 etc/systemd/system/{unit}.d/override.conf" for unit in units} | {
        "644 etc/inference.ollama/variables.json"
    }
    if "ollama_api_key" in variables:
        expected.add("600 etc/ollama/secrets.env")
    found = host.check_output("find %s -type f -printf '%%m %%P\\n'", FOLDER)
    assert set(found.splitlines()) == expected


def test_rendered_drop_in_is_the_one_in_force(host, drop_in):
    assert host.file(FOLDER + drop_in.path).content == drop_in.content
