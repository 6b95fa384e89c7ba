# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happened to the hosts, each of them serves in the end."""

from __future__ import annotations


def test_service_runs_in_the_end(host):
    assert host.service("ollama.service").is_running
    assert host.socket("tcp://127.0.0.1:11434").is_listening
