# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that the operator had is lost: the drop-in of Ollama's own guide is asked about, kept, restored, given up."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.on(position=[0])

DROP_IN = "/etc/systemd/system/ollama.service.d/override.conf"
KEPT = "/etc/systemd/system/ollama.service.d/override-found.conf"
GUIDE = {"OLLAMA_HOST": "0.0.0.0", "OLLAMA_MODELS": "/srv/models", "OLLAMA_KEEP_ALIVE": "24h", "SOMEBODY_ELSE": "1"}


@pytest.mark.parametrize("run", ["plan", "check", "site"])
def test_address_and_store_are_asked_about_with_file_and_line(recorded, run):
    output = " ".join(recorded(f"unsaid-{run}")["output"].split())
    for words in (f"OLLAMA_HOST=0.0.0.0 ({DROP_IN}:2;", f"OLLAMA_MODELS=/srv/models ({DROP_IN}:3;"):
        assert words in output
    assert "ollama_adopt: keep to keep" in output


def test_a_refused_run_has_changed_nothing(recorded):
    assert recorded("refused") == recorded("guide")


def test_the_file_stays_as_it_was_under_a_name_that_systemd_reads(recorded):
    files, before = recorded("kept-state")["files"], recorded("guide")["files"]
    assert files[KEPT] == before[DROP_IN]
    assert files[DROP_IN] != before[DROP_IN]
    assert not [path for path in files if path.endswith("~") and path not in before]


def test_the_server_has_all_of_it_and_what_the_role_adds(recorded):
    environ = recorded("kept-services")["services"]["ollama.service"]["environ"]
    assert {name: environ.get(name) for name in GUIDE} == GUIDE
    assert "OLLAMA_CONTEXT_LENGTH" in environ


def test_a_dry_run_shows_both_files_and_a_second_run_changes_nothing(recorded):
    assert KEPT in recorded("kept-check")["output"]
    assert recorded("kept")["changed"] > 0
    assert recorded("kept-again")["changed"] == 0


def test_going_back_puts_the_file_back_under_its_name(recorded):
    files, before = recorded("went-back-state")["files"], recorded("guide")["files"]
    assert files[DROP_IN] == before[DROP_IN]
    assert KEPT not in files


def test_what_is_given_up_is_named_and_left_as_a_copy(host, recorded):
    output = " ".join(recorded("replaced")["output"].replace("'", "").replace(" - ", " ").split())
    assert f"was OLLAMA_HOST=0.0.0.0 in {DROP_IN}:2; not kept; ollama_host keeps it" in output
    assert recorded("replaced-again")["changed"] == 0
    copies = host.check_output("cat %s.*~", DROP_IN)
    assert all(f"{name}={value}" in copies for name, value in GUIDE.items())
    assert host.socket("tcp://127.0.0.1:11434").is_listening
    assert not re.search("OLLAMA_HOST=0", host.file(DROP_IN).content_string)
