# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule for what a secret is: all who hide go by it, and who reports stays within it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._secrets import (
    carries_password,
    is_secret,
    is_surely_secret,
    mentions_secret,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import MASK, Redactor

# Of what names are made that are secrets, that look like it, and neither.
PARTS = (
    *("KEY", "TOKEN", "SECRET", "PASS", "PASSW", "PASSWORD", "PASSPHRASE", "CREDENTIAL", "COOKIE", "PWD", "AUTH"),
    *("S", "BOARD", "IZERS", "MAX", "FILE", "PATH", "SOCK", "OLLAMA", "API", "X", "_", "-", "1"),
)
NAMES = st.lists(st.sampled_from([*PARTS, *map(str.lower, PARTS)]), min_size=1, max_size=6).map("".join)
PIECES = ("http", "://", "me", ":", "pw", "@", "/", " ", ",", "=", "'", '"', "--token")
ADDRESSES = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
VALUES = st.one_of(st.sampled_from(["", "1", "/x", "./x", "true"]), ADDRESSES, NAMES, st.text(max_size=12))


@pytest.mark.parametrize(
    "name",
    [
        *("OLLAMA_API_KEY", "LLAMA_API_KEY", "HF_TOKEN", "DB_PASSWORD", "DB_PASS", "PGPASSWORD", "MY_SECRETS", "X_PWD"),
        *("AWS_SECRET_ACCESS_KEY", "REDIS_AUTH", "SESSION_COOKIE", "--api-key", "--hf-token", "hf_token"),
    ],
)
def test_names_of_secrets(name):
    """A value is a secret by its name, unless it is empty."""
    assert is_secret(name, "abc")
    assert not is_secret(name, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OLLAMA_KEEP_ALIVE", "5m"),
        ("PWD", "/"),
        ("OLDPWD", "/"),
        ("OLLAMA_AUTH", "true"),
        ("LLAMA_ARG_IMAGE_MAX_TOKENS", "512"),
        ("LLAMA_ARG_API_KEY_FILE", "/etc/ollama/keys"),
        ("SSH_AUTH_SOCK", "/run/user/0/agent"),
        ("OLLAMA_HOST", "x"),
        ("TOX_PASSENV", "*"),
    ],
)
def test_names_that_resemble_those_of_secrets(name, value):
    """Settings whose names only resemble those of secrets are shown, and never reported as secrets."""
    assert not is_secret(name, value)
    assert not is_surely_secret(name, value)
    assert Redactor().environment({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HF_TOKEN", "abc", True),
        ("DB_PASS", "abc", True),
        ("my_secrets", "abc", True),
        ("OPENAI_APIKEY", "abc", True),
        ("TOKENIZERS_PARALLELISM", "false", False),
        ("KEYBOARD", "us", False),
        ("ALLOW_BYPASS", "1", False),
        ("ENABLE_AUTH", "true", False),
        ("SSL_KEY_FILE", "certs/key.pem", False),
    ],
)
def test_who_reports_is_surer_than_who_hides(name, value, expected):
    """A name that begins like a secret's is hidden and not reported."""
    assert is_surely_secret(name, value) is expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://me:pw@proxy:1", True),
        ("me:pw@proxy:1", True),
        ("redis://:pw@cache", True),
        ("http://a,http://me:pw@b", True),
        ("http://me@proxy:1", False),
        ("http://proxy:1/a:b@c", False),
        ("https://chat.example.org", False),
    ],
)
def test_password_in_an_address(text, found):
    """A user and a password stand before the host, not behind it."""
    assert carries_password(text) is found


@given(NAMES, VALUES)
def test_the_rules_hold_each_other(name, value):
    """What is reported is hidden, and what is hidden in one place is hidden in all."""
    assert is_secret(name, value) or not is_surely_secret(name, value)
    assert mentions_secret(name) or not is_secret(name, value)
    assert mentions_secret(f"--{name}={value}") or not carries_password(value) or " " in value
    hidden = MASK in Redactor().environment({name: value})[name]
    assert hidden or not (is_secret(name, value) or carries_password(value))


@given(NAMES, NAMES)
def test_words_of_secrets_are_seen_anywhere(before, after):
    """In small letters and in the middle of a text too."""
    for word in ("key", "token", "secret", "passw"):
        for variant in (word, word.upper()):
            assert mentions_secret(f"{before}{variant}{after}")
            assert mentions_secret(f"/opt/{before} {variant}/{after}")
