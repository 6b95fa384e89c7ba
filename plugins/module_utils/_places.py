# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths on a host that readers and deciders share, and the header of files that the role writes."""

from __future__ import annotations

# The first line of every file of the role begins with it (roles/ollama/templates).
HEADER = "# Managed by Ansible, role inference.ollama.ollama:"
UNITS_FOLDER = "/etc/systemd/system"
# The variables that the files were made with, for every user to read.
VARIABLES_FILE = "/etc/inference.ollama/variables.json"
# Documentation/admin-guide/mm/transhuge.rst and sysctl/kernel.rst.
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
HUGE_PAGES_DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"
NUMA_BALANCING = "/proc/sys/kernel/numa_balancing"
