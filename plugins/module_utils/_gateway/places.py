# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the gateway on its host."""

from __future__ import annotations

GATEWAY_UNIT = "inference-ollama-gateway.service"
GATEWAY_UNIT_FILE = f"/etc/systemd/system/{GATEWAY_UNIT}"
GATEWAY_FOLDER = "/etc/inference.ollama/gateway"
GATEWAY_CONFIG = f"{GATEWAY_FOLDER}/haproxy.cfg"
GATEWAY_KEYS = f"{GATEWAY_FOLDER}/keys.map"
GATEWAY_RUN_FOLDER = "/run/inference-ollama-gateway"
GATEWAY_SOCKET = f"{GATEWAY_RUN_FOLDER}/admin.sock"
GATEWAY_STATE = f"{GATEWAY_RUN_FOLDER}/servers.state"
# What keeps over a reload which servers are drained, and the program that it runs.
GATEWAY_KEEPER = "/usr/local/lib/inference.ollama/gateway"
GATEWAY_ARCHIVE = "/usr/local/lib/inference.ollama/gateway.zip"
