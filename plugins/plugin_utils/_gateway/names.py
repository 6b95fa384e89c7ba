# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the gateway's configuration names servers and backends; whoever talks to HAProxy uses these names."""

from __future__ import annotations


def server_name(host: str, instance: str) -> str:
    """Return the name of a server of HAProxy: the inventory's name of the host, and the instance's."""
    return f"{host}:{instance}"


def backend_name(number: int) -> str:
    """Return the name of the backend of a routed model, which are counted from 1."""
    return f"model-{number}"
