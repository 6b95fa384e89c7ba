# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the key is, and where nobody finds it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(variable="ollama_api_key")


def test_server_has_the_key(server, variables):
    assert server["environ"]["OLLAMA_API_KEY"] == variables["ollama_api_key"]


def test_key_is_in_one_file_that_root_alone_reads(host, observed):
    (path,) = observed["leaks"]["holders"]
    file = host.file(path)
    assert path == "/etc/ollama/secrets.env"
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


def test_unprivileged_user_finds_the_key_nowhere(observed):
    """Not by systemctl, in /proc, on a command line, in a file or in the service's journal."""
    assert observed["leaks"]["nobody"] == []


def test_journal_has_no_key(observed):
    assert observed["leaks"]["journal"] is False
