# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host may have containers, which is asked of every host, and so by a few paths alone.

podman-systemd.unit(5) for the folders of Quadlet; Podman and Docker have the others once they were used.
"""

from __future__ import annotations

import os

from ansible_collections.inference.ollama.plugins.module_utils._places import DOCKER_SOCKET

QUADLET_FOLDERS = ("/run/containers/systemd", "/etc/containers/systemd", "/usr/share/containers/systemd")
PODMAN_USED = ("/run/libpod", "/var/lib/containers/storage")
DOCKER_LEFT = "/var/lib/docker/containers"


def may_have_some(prefix: str = "") -> bool:
    """Whether files of Quadlet are there, or an engine is used."""
    return any(os.path.exists(prefix + path) for path in (*QUADLET_FOLDERS, *PODMAN_USED, DOCKER_SOCKET, DOCKER_LEFT))
