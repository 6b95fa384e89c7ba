# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the page of many hosts small: the details of those that are not the worst are compressed."""

from __future__ import annotations

import base64
import zlib
from itertools import accumulate
from typing import Sequence

# Details of so many bytes are elements of the page, which any browser shows without a script.
PLAIN_BYTES = 8_000_000
# Of larger ones so many.
_FIRST_BYTES = 1_000_000


def plain_hosts(lengths: Sequence[int], plain_bytes: int = PLAIN_BYTES) -> int:
    """Return of how many hosts, the worst first, the details are elements of the page."""
    room = plain_bytes if sum(lengths) <= plain_bytes else min(plain_bytes, _FIRST_BYTES)
    return sum(total <= room for total in accumulate(lengths))


def packed(html: str) -> str:
    """Return HTML as base64 of a zlib stream, which is what browsers call ``deflate``."""
    return base64.b64encode(zlib.compress(html.encode(), 9)).decode()
