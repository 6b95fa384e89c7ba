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
  secrets_paths:
    description: Secrets files elsewhere than at C(/etc/ollama/secrets.env), to be written and restored too.
    type: list
    elements: path
    default: []
  lock_timeout:
    description: How many seconds to wait for another module call on the same host to end. From 0 to 3600.
    type: float
    default: 30
  run:
    description:
      - Who changes the host, as Ansible fills it in. A pending change is its run's until the run confirms or undoes
        it, is dead, or has made no call for as long as C(lease) in it says.
    type: dict
  takeover:
    description: The id of a run that is known to be dead, whose change is taken over. Ansible fills it in.
    type: str
"""
