# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of Ollama to test with, derived from the contract, so that no list here goes stale."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

CONTRACT = load()
OLDEST, NEWEST = str(CONTRACT.oldest_supported), str(CONTRACT.newest_known)


def _text(base):
    return ".".join(map(str, base))


def _changes():
    """Every supported release that the contract names, and the patch after it: there ends what acted until then."""
    named = {CONTRACT.oldest_supported, CONTRACT.newest_known}
    for setting in CONTRACT.by_name.values():
        named |= {setting.since, setting.until}
        named |= {edge for phase in setting.acts for edge in (phase.start, phase.end)}
        named |= {edge for proof in setting.proof for edge in (proof.since, proof.until)}
    bases = {release.base for release in named - {None}}
    bases |= {(major, minor, patch + 1) for major, minor, patch in bases}
    return [base for base in sorted(bases) if CONTRACT.oldest_supported.base <= base <= CONTRACT.newest_known.base]


CHANGES = tuple(map(_text, _changes()))
OLDER = "0.5.12"
NEWER = ("{0}.{1}.{3}".format(*CONTRACT.newest_known.base, CONTRACT.newest_known.base[2] + 1), "9.0.0")

candidates = st.builds("{}-rc{}".format, st.sampled_from(CHANGES[1:]), st.integers(0, 3))
between = st.builds("0.{}.{}".format, st.integers(6, CONTRACT.newest_known.base[1]), st.integers(0, 20))
known = st.sampled_from((OLDER, *CHANGES, *NEWER)) | candidates | between
# What an operator may have: any of them, or one that could not be read.
releases = st.none() | known
