# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation that every module shares which reads or changes a host."""

from __future__ import annotations


class ModuleDocFragment:
    """It has to be named before ansible.builtin.action_common_attributes, which fills in what it leaves out."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: linux
requirements:
  - Python 3.9 or later on the host.
author:
  - The inference.ollama authors (@inference-ollama)
"""
