# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of the collection, run as an operator does, on trees of files in the place of hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"
# The tests also run with the oldest Python of a target, where Ansible is not installed; where it is, none is left out.
installed = pytest.mark.skipif(not ANSIBLE.exists(), reason=f"no {ANSIBLE}")
# Variables of a host that is this one.
LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"


def play(folder, inventory, trees, *arguments, callback="ansible.builtin.default"):
    """Exit status and output of ansible-playbook, given playbooks and options; what is in the trees stays."""
    collections = folder / "ansible_collections/inference"
    collections.mkdir(parents=True)
    (collections / "ollama").symlink_to(ROOT)
    (folder / "hosts").write_text(inventory, encoding="utf-8")
    before = _files(trees)
    done = subprocess.run(
        [ANSIBLE, "-i", "hosts", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PWD": str(folder),
            "ANSIBLE_CONFIG": str(ROOT / "playbooks/ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(folder),
            "ANSIBLE_STDOUT_CALLBACK": callback,
            "ANSIBLE_NOCOLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert _files(trees) == before
    return done.returncode, done.stdout + done.stderr


def _files(trees):
    found = (path for tree in trees for path in sorted(Path(tree).rglob("*")))
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in found if path.is_file()}
