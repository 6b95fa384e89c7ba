# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule for what a secret is: all who hide go by it, and who refuses a value too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._secrets import (
    carries_secret,
    is_secret,
    mentions_secret,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._values import GO_FALSE, GO_TRUE, check_value

GO_BOOLEANS = (*GO_TRUE, *GO_FALSE)

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
        *(
            "MYCRED",
            "FOO_AUTH",
            "OLLAMA_AUTH",
            "NPM_CONFIG__AUTH",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "MYSQL_PWD",
            "SMTP_PASS",
        ),
        *(
            "JWT",
            "SIGNATURE",
            "PRIVKEY",
            "PIN",
            "LICENSE",
            "WEBHOOK_URL",
            "SENTRY_DSN",
            "DATABASE_URL",
            "APIKEY",
            "BEARER",
        ),
        *(
            "SSH_PRIVATE",
            "KEYTAB",
            "GGML_RPC_SECRET",
            "apikey",
            "token_file",
            "GITHUB_PAT",
            "REDIS_URL",
            "HMAC_KEY",
            "X_PSK",
        ),
        *("AZURE_CONNECTION_STRING", "WG_OTP", "OAUTH", "AUTH", "DB_PW", "MY_CREDENTIALS", "SLACK_WEBHOOK"),
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
        ("TOKENIZERS_PARALLELISM", "text"),
        ("KEYBOARD", "us"),
        ("ALLOW_BYPASS", "why"),
        ("ENABLE_AUTH", "true"),
        ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"),
        ("SSL_KEY_FILE", "certs/key.pem"),
        ("KRB5_KEYTAB", "/etc/krb5.keytab"),
        ("SSH_PUBLIC_KEY", "ssh-ed25519 AAAA"),
    ],
)
def test_names_that_resemble_those_of_secrets(name, value):
    """Settings whose names only resemble those of secrets are shown, and never refused as secrets."""
    assert not is_secret(name, value)
    assert Redactor().environment({name: value}) == {name: value}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://me:pw@proxy:1",
            "me:pw@proxy:1",
            "redis://:pw@cache",
            "http://a,http://me:pw@b",
            "http://token@proxy:1",
        ),
        *("http://h/?api_key=abc", "http://h/x?y=1&token=abc", "http://h/?sig=abc", "http://me:p/w@h", "a,me:p,w@h:1"),
        *("Bearer abcdef12", "--api-key abc", "Authorization: abc", "hf_abcdefghijklmnop", "sk-abcdefghijklmnop"),
        *("AKIAABCDEFGHIJKLMNOP", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        *("X=1 FOO_TOKEN=abc", "SESSION_COOKIE=abc ollama serve"),
    ],
)
def test_forms_of_secrets(text):
    """A value with a password, a token or a key in it is a secret, whatever its name, and is hidden."""
    assert carries_secret(text)
    assert Redactor().environment({"FOO": text}) != {"FOO": text}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://proxy:1/a:b@c",
            "https://chat.example.org",
            "git@example.org:a/b",
            "unix:/run/a@b",
            "127.0.0.1:11434",
        ),
        *("http://localhost:*", "*", "max_tokens=5", "key=OLLAMA_NUM_PARALLEL", "https://h/?page=2", "token=true", ""),
    ],
)
def test_forms_that_resemble_those_of_secrets(text):
    """Addresses, numbers and words that hold no secret are left alone."""
    assert not carries_secret(text)
    assert Redactor().environment({"FOO": text}) == {"FOO": text}


def test_no_setting_with_a_meaning_of_its_own_is_taken_for_a_secret():
    """A setting of Ollama that is not a secret by its type is not one by its name, whatever right value it has."""
    for name, setting in load().by_name.items():
        words = [] if setting.type == "text" else [*GO_BOOLEANS, "/etc/x"]
        values = [*setting.values, setting.example or "", "512", "512k", *words]
        right = [value for value in values if setting.type != "none" and check_value(setting, value) is None]
        secret = [value for value in right if is_secret(name, value) or carries_secret(value)]
        assert setting.type == "secret" or not secret, (name, secret)


@given(NAMES, VALUES)
def test_the_rules_hold_each_other(name, value):
    """What is refused is hidden, and what is hidden in one place is hidden in all."""
    assert mentions_secret(name) or not is_secret(name, value)
    hidden = Redactor().environment({name: value})[name] != value
    assert hidden is (is_secret(name, value) or carries_secret(value))


@given(NAMES, NAMES)
def test_words_of_secrets_are_seen_anywhere(before, after):
    """In small letters and in the middle of a text too."""
    for word in ("key", "token", "secret", "passw"):
        for variant in (word, word.upper()):
            assert mentions_secret(f"{before}{variant}{after}")
            assert mentions_secret(f"/opt/{before} {variant}/{after}")
