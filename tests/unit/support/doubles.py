# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in for a host or a library answers as a test says, with an exception too."""

from __future__ import annotations


def said(answer):
    """Return the answer, or raise it."""
    if isinstance(answer, BaseException):
        raise answer
    return answer
