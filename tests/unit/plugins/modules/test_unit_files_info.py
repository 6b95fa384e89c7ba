# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module unit_files_info: which files it knows, and what it does without."""

from __future__ import annotations

import json

import pytest

testing = pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.modules import unit_files_info

HEADER = "# Managed by"


@pytest.fixture
def run(capsys):
    """Run the module on a folder; its result."""

    def run(folder):
        with testing.patch_module_args({"folder": str(folder), "header": HEADER}), pytest.raises(SystemExit) as end:
            unit_files_info.main()
        assert end.value.code == 0
        return json.loads(capsys.readouterr().out)

    return run


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def test_files_with_the_header_and_links_are_told(run, tmp_path):
    """A header in any line counts, in any encoding; copies that systemd does not read, and other folders, do not."""
    ours = write(tmp_path / "ollama@.service", b"[Unit]\n# Managed by Ansible\n")
    dropin = write(tmp_path / "ollama.service.d/override.conf", b"# Managed by Ansible\n\xff\xfe\n")
    theirs = write(tmp_path / "ollama.service.d/zz.conf", b"# Not Managed by\n")
    write(tmp_path / "ollama.service.d/override.conf.2026~", b"# Managed by Ansible\n")
    write(tmp_path / "ollama.service.d/deeper/x.conf", b"# Managed by Ansible\n")
    write(tmp_path / "default.target.wants/plain.service", b"# Managed by Ansible\n")
    link = tmp_path / "default.target.wants/ollama.service"
    link.symlink_to("/etc/systemd/system/ollama.service")
    result = run(tmp_path)
    assert result["changed"] is False
    assert result["headed"] == sorted([ours, dropin])
    assert result["files"] == sorted([ours, dropin, theirs])
    assert result["boot_links"] == [str(link)]
    assert result["problems"] == []


def test_a_folder_that_is_not_there_has_no_files(run, tmp_path):
    """A host without units, and an empty image, are no error."""
    result = run(tmp_path / "none")
    assert (result["files"], result["headed"], result["boot_links"]) == ([], [], [])


def test_a_file_that_cannot_be_read_is_named(run, tmp_path, monkeypatch):
    """Nobody knows whose it is, so it is not called ours, and the reason is told."""
    path = write(tmp_path / "a.service", b"# Managed by Ansible\n")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(unit_files_info, "open", refuse, raising=False)
    result = run(tmp_path)
    assert (result["files"], result["headed"]) == ([path], [])
    assert result["problems"] == [f"{path}: it cannot be read (Permission denied)"]
