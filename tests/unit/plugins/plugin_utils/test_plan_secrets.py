# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in a variable of the role comes into a plan, a drop-in or a message, however it was written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.tests.unit.support import plans

SECRET = "sUperS3cretZq77"
NAMES = (
    *(
        "FOO_TOKEN",
        "LLAMA_API_KEY",
        "LLAMA_ARG_API_KEY",
        "OLLAMA_API_KEY",
        "HF_TOKEN",
        "DB_PWD",
        "MYCRED",
        "OPENAI_KEY",
    ),
    *(
        "AWS_SECRET_ACCESS_KEY",
        "FOO_AUTH",
        "OLLAMA_AUTH",
        "NPM_CONFIG__AUTH",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "MYSQL_PWD",
    ),
    *("PGPASSWORD", "SMTP_PASS", "JWT", "SESSION_COOKIE", "SIGNATURE", "PRIVKEY", "PIN", "LICENSE", "WEBHOOK_URL"),
    *("SENTRY_DSN", "DATABASE_URL", "APIKEY", "BEARER", "PASSPHRASE", "SSH_PRIVATE", "OLLAMA_REGISTRY_TOKEN", "KEYTAB"),
    *("LLAMA_ARG_HF_TOKEN", "GGML_RPC_SECRET", "apikey", "token_file"),
)
FORMS = (
    *(
        "http://u:{}@h:1",
        "u:{}@h:1",
        "http://{}@h:1",
        "http://h/?api_key={}",
        "http://a,http://u:{}@h",
        "http://u:p@{}@h",
    ),
    *("http://:{}@h", "http://u:x/{}@h", "http://h/x?y=1&token={}", "Bearer {}", "--api-key {}", "hf_{}", "A_TOKEN={}"),
)
ADDRESSES = (
    "HTTP_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "OLLAMA_HOST",
    "OLLAMA_ORIGINS",
    "NO_PROXY",
    "FOO_URL",
    "OLLAMA_REMOTES",
)
VALUES = [form.format(SECRET) for form in FORMS]
SHAPES = (
    {"environment": [f"FOO_TOKEN={SECRET}"]},
    {"environment": f"FOO_TOKEN={SECRET}"},
    {"environment": {f"FOO_TOKEN={SECRET}": ""}},
    {"environment": {f"FOO_TOKEN: {SECRET}": "x"}},
    {"environment": {"FOO_TOKEN": {"x": SECRET}}},
    {"environment": {"FOO_TOKEN": [SECRET]}},
    {"environment": {"OLLAMA_MODELS": f"/x/{SECRET}"}, "models_path": "/y"},
    {"instances": f"environment: FOO_TOKEN={SECRET}"},
    {"instances": {"a": {"environment": {"FOO_TOKEN": SECRET}}}},
    {"instances": [{"name": "a"}, f"environment: FOO_TOKEN={SECRET}"]},
    *(
        {"instances": [{"name": "a", "cpus": "0", **more}]}
        for more in (
            {"environment": f"FOO_TOKEN={SECRET}"},
            {"environment": [{"FOO_TOKEN": SECRET}]},
            {"environment": {"FOO_TOKEN": SECRET}},
            {"api_key": SECRET},
            {"host": f"http://u:{SECRET}@h:1"},
            {"name": f"http://u:{SECRET}@h"},
            {"cpus": f"http://u:{SECRET}@h"},
            {f"http://u:{SECRET}@h": 1},
        )
    ),
    {"models": [f"FOO_TOKEN={SECRET}"]},
    {"models": [{"name": f"http://u:{SECRET}@h", "size": 1}]},
    {"models_path": f"/srv/http://u:{SECRET}@h"},
    {"host": f"http://u:{SECRET}@h:11434"},
)


def said(options):
    """All that a plan or its refusal says."""
    try:
        return json.dumps(make_plan(plans.xeon(), {"api_key": False, **options}, "0.34.1")), False
    except PlanError as error:
        return str(error), True


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_secret_is_refused_unseen(name):
    """A drop-in is for everybody to read, so a value under the name of a secret is never written into it."""
    text, refused = said({"environment": {name: SECRET}})
    assert refused
    assert name in text
    assert SECRET not in text


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["FOO", "LLAMA_ARG_X", *ADDRESSES])
def test_a_form_of_a_secret_is_refused_unseen(name, value):
    """A password in an address and a key in a value are secrets under any name."""
    text, refused = said({"environment": {name: value}})
    assert refused
    assert name in text
    assert SECRET not in text


@pytest.mark.parametrize("options", SHAPES)
def test_no_shape_of_a_variable_shows_a_secret(options):
    """A list, a text and a mapping in the wrong place are refused without their contents."""
    text, refused = said(options)
    assert refused
    assert SECRET not in text


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", ["models_path", "secrets_path", "host", "change_reason", "command_timeout", "slice"])
def test_no_variable_takes_a_secret_but_the_key(name, value):
    """Every variable of the role but ollama_api_key ends in a file, a page or a message."""
    errors = option_errors({name: value})
    assert errors
    assert SECRET not in "".join(errors)


@given(
    st.recursive(
        st.sampled_from([f"FOO_TOKEN={SECRET}", f"http://u:{SECRET}@h", f"Bearer {SECRET}"]),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.sampled_from(["a", "name"]), inner, min_size=1)
        ),
        max_leaves=4,
    ),
    st.sampled_from(
        ["environment", "instances", "models", "host", "verify_accept", "num_threads", "cuda_visible_devices"]
    ),
)
def test_nothing_nested_shows_a_secret(value, name):
    """However deep a secret lies in a value of any type, no refusal shows it."""
    text, refused = said({name: value})
    assert refused
    assert SECRET not in text
