# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module as Ansible does on a target."""

from __future__ import annotations

import importlib
import json

import pytest

MODULES = "ansible_collections.inference.ollama.plugins.modules"


@pytest.fixture
def run(request, capsys):
    """Run the module that the test file is named after with arguments; its exit status and its result."""
    return running(request.module.__name__.rpartition("test_")[2], capsys)


def running(name, capsys):
    """The same of the module of a name."""
    testing = pytest.importorskip("ansible.module_utils.testing")
    module = importlib.import_module(f"{MODULES}.{name}")

    def run(**args):
        with testing.patch_module_args(args), pytest.raises(SystemExit) as end:
            module.main()
        return end.value.code, json.loads(capsys.readouterr().out)

    return run
