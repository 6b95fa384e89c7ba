# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two texts mean the same value: what a unit says, and what a program says of it in its own words.

Go's forms: time.Duration.String() prints 24h0m0s, bools are true and false; envconfig/config.go of Ollama keeps a model
for ever where the duration is negative, which it prints as the longest there is. llama.cpp prints on, enabled, 1.
"""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import listens
from ansible_collections.inference.ollama.plugins.plugin_utils._values import (
    BOOLEANS,
    LONGEST,
    WHOLE,
    integer,
    nanoseconds,
    truth,
)

_EXACT = frozenset({"enum", "path", "devices", "pattern", "text", "url", "number"})


def same(kind: str, planned: str, seen: str) -> bool | None:
    """Whether both mean the same for a setting of this type (settings.yml); None where that is not known."""
    if kind in BOOLEANS or kind == "presence":
        return _alike(truth(planned), truth(seen))
    if kind in WHOLE:
        return _alike(integer(planned), integer(seen))
    if kind == "duration":
        wanted, found = _nanoseconds(planned), _nanoseconds(seen)
        # None at all means for ever to some settings, as OLLAMA_LOAD_TIMEOUT.
        return None if {wanted, found} == {0, LONGEST} else _alike(wanted, found)
    if kind == "host":
        return listens(planned) == listens(seen)
    return planned == seen if kind in _EXACT else None


def _alike(planned: int | None, seen: int | None) -> bool | None:
    return None if planned is None or seen is None else planned == seen


def _nanoseconds(value: str) -> int | None:
    """A duration as the server keeps it: for ever where it is negative."""
    total = nanoseconds(value)
    return total if total is None else LONGEST if total < 0 else min(total, LONGEST)
