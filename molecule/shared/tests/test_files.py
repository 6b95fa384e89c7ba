# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role has left on the disk, and that all of it acts."""

from __future__ import annotations

SLICE = "/etc/systemd/system/ollama.slice.d/override.conf"
SECRETS = "/etc/ollama/secrets.env"


def test_drop_in_is_root_owned_0644(drop_in):
    assert drop_in.is_file
    assert (drop_in.user, drop_in.group, drop_in.mode) == ("root", "root", 0o644)


def test_role_wrote_its_own_files_and_touched_no_other(drop_in, observed, recorded, variables):
    """Of all files below /etc/systemd and /etc/ollama."""
    before, now = recorded("prepared")["files"], observed["files"]
    own = {drop_in.path} | ({SECRETS} if "ollama_api_key" in variables else set())
    own |= {SLICE} if "Slice=ollama.slice" in drop_in.content_string else set()
    assert {path for path in now if now[path] != before.get(path)} == own
    assert {path for path in before if before[path] != now.get(path)} == set()


def test_every_variable_of_the_drop_in_is_in_the_environment_of_the_server(planned_environment, server):
    assert planned_environment.items() <= server["environ"].items()
