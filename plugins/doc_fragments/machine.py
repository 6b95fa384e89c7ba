# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that reads a machine; their spec is OPTIONS in _topology/options.py."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment inference.ollama.machine."""

    DOCUMENTATION = r"""
options:
  root:
    description:
      - Where the host's file system begins.
      - With another folder than V(/) the captured C(/proc) and C(/sys) of another machine are read instead,
        and no program is run.
    type: path
    default: /
  command_timeout:
    description:
      - After how many seconds a program such as C(nvidia-smi) is stopped. Above 0 and up to 3600.
    type: float
    default: 5
"""
