# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what servers run, by the values of ollama_deployment."""

from __future__ import annotations

SYSTEMD, PODMAN, DOCKER = "systemd", "podman", "docker"
ENGINES = frozenset({PODMAN, DOCKER})


def engine_of(deployment: object) -> str | None:
    """Return the engine of a deployment; None where systemd starts the program."""
    return str(deployment) if isinstance(deployment, str) and deployment in ENGINES else None
