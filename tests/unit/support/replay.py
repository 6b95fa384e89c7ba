# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured machines as text, read again."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import parse
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_replay import (
    CapturedRoot,
    plant,
    replaying,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather


def planted(text, folder):
    """The capture in a text and the root of its machine, written under a folder."""
    capture = parse(text)
    plant(capture, str(folder))
    return capture, CapturedRoot(str(folder), capture)


def replay(text, folder):
    """The topology of a capture, its programs answering too if it has any."""
    capture, root = planted(text, folder)
    return gather(root, replaying(capture) if capture.runs else None, set(SUBSETS))
