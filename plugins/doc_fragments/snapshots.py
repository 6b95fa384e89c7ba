# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that keeps what a host has; their spec is OPTIONS in _snapshots/host.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment inference.ollama.snapshots."""

    DOCUMENTATION = r"""
options:
  units_folder:
    description: The folder with the links by which services start at boot.
    type: path
    default: /etc/systemd/system
  command_timeout:
    description: After how many seconds C(systemctl) is no longer waited for. Above 0 and up to 3600.
    type: float
    default: 5
"""
