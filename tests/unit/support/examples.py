# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many random cases a property is tried with, where it is not tried with as many as the profile has."""

from __future__ import annotations

from hypothesis import settings

# What hypothesis tries without a profile.
USUAL = 100


def examples(number):
    """So many cases, or the share of them that the profile in use has of the usual number."""
    return max(1, number * settings().max_examples // USUAL)
