# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let plain pytest import the collection here as it does for the unit tests; a key and a release for all of them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

runpy.run_path(str(Path(__file__).resolve().parents[1] / "unit/conftest.py"))

from ansible_collections.inference.ollama.tests.publish.releases import build, run


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    """The folder of a gpg with one key for the tests, and its public part as a keyring, ring.gpg."""
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    environment = {"GNUPGHOME": str(home)}
    words = ("--quick-generate-key", "release@example.org", "ed25519", "sign", "1d")
    run("gpg", "--batch", "--passphrase", "", *words, env=environment)
    run("gpg", "--batch", "--export", "--output", home / "ring.gpg", "release@example.org", env=environment)
    yield home
    run("gpgconf", "--kill", "gpg-agent", env=environment)


@pytest.fixture(scope="session")
def release(key, tmp_path_factory):
    """A signed release."""
    return build(tmp_path_factory.mktemp("release"), key)
