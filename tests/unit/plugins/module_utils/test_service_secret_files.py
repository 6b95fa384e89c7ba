# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that variables come from, and what is hidden of processes because of them."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._service.secret_files import read_secret_files

UNIT, FILE = "/etc/systemd/system/ollama.service", "/etc/ollama/secrets.env"
SET = 'HOUSE_WORD="open sesame 77"\nDIGITS=774411998822\n'


@pytest.fixture
def read(tmp_path):
    """Read a host with a unit and a file of this mode; the files found, and an environment as it is shown."""

    def read(unit, mode=0o600):
        for path, text in ((UNIT, unit), (FILE, SET)):
            (tmp_path / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path[1:]).write_text(text)
        (tmp_path / FILE[1:]).chmod(mode)
        redactor = Redactor()
        named = [FILE, "/etc/absent.env", "/etc"] if "EnvironmentFile" in unit else []
        found = read_secret_files(Proc(str(tmp_path)), [UNIT], named, redactor)
        shown = redactor.environment({"HOUSE_WORD": "open sesame 77", "DIGITS": "5", "OTHER": "x"})
        return found, shown, redactor.everywhere({"line": "it said open sesame 77"})

    return read


@pytest.mark.parametrize("unit", ["EnvironmentFile=/etc/ollama/secrets.env", f"LoadCredential=a.env:{FILE}"])
def test_what_a_private_file_sets_is_hidden_whatever_its_name(read, unit):
    """By its name, whatever value the process has, and by its value, wherever it stands."""
    found, shown, everywhere = read(f"[Service]\n{unit}\nLoadCredential=b\n")
    assert [(each["path"], each["mode"]) for each in found] == [(FILE, "0600")]
    assert shown == {"HOUSE_WORD": "***", "DIGITS": "***", "OTHER": "x"}
    assert everywhere == {"line": "it said ***"}


def test_what_everybody_can_read_is_shown(read):
    """It is no secret; that its file is open is for the verification to say."""
    found, shown, _everywhere = read("[Service]\nEnvironmentFile=/etc/ollama/secrets.env\n", 0o644)
    assert found[0]["mode"] == "0644"
    assert shown["HOUSE_WORD"] == "open sesame 77"
