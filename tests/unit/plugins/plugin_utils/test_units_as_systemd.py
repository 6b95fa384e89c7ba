# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated units are read as systemd reads them: what it passes over is a finding, and what it keeps is not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.inference.ollama.tests.unit.support.unit_texts import answers, differences, generate


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_generated_units_are_read_as_systemd_reads_them(tmp_path):
    """600 units with some 2,500 lines of every kind: the same lines lost, the same units refused."""
    units = generate(4, 600)
    for name, text in units.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in units)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    said = answers(done.stderr.decode("utf-8", "replace"), "")
    assert len(said) > 300
    wrong = {name: found for name, text in units.items() if (found := differences(name, text, said.get(name, {})))}
    assert wrong == {}
