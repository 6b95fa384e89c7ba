# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An end to a transfer that goes on for too long, be it a byte at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._fetch.exchange import Answer


# A year, longer than anything is transferred.
_NEVER = 365 * 86400.0


@contextlib.contextmanager
def watching(answer: Answer, seconds: float | None) -> Iterator[Watch]:
    """Shut an answer that is read within it after so many seconds (None: never), and close it at the end."""
    watch = Watch(_NEVER if seconds is None else max(0.0, seconds), answer.shut)
    try:
        yield watch
    finally:
        watch.stop()
        answer.close()
