# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as the role renders them, and systemd's verdict on them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._render import render_dropin, render_template_unit

# What install.sh writes, as far as it matters to a drop-in.
INSTALLED = """[Unit]
Description=Ollama Service
[Service]
ExecStart=/bin/true
User=root
Restart=always
"""


def render(source, plan, instance=None):
    """A template of the role for one instance of a plan."""
    return render_template_unit(plan) if source == "template.service.j2" else render_dropin(plan, instance)


def verdict(folder, unit, files):
    """The exit status and output of systemd-analyze for a unit that these files make.

    The programs of the planned host are not on this one, and systemd asks for them.
    """
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: rendered units are not verified by systemd here")
    for path, text in files.items():
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        here = (
            text.replace("/usr/bin/numactl", "/bin/true")
            .replace("/usr/local/bin/ollama", "/bin/true")
            .replace("/opt/ollama/bin/ollama", "/bin/true")
        )
        target.write_text(here, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(Path(folder, unit))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr
