# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may say of keys, models and servers of a gateway, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models, upstreams
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.keys import parse_keys
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.make import gateway_files, gateway_keys
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.names import backend_name, server_name
from ansible_collections.inference.ollama.tests.unit.support.gateway import ALICE, KEYS, made, options

SERVER = {"host": "n1", "address": "10.0.0.1"}


def hosts_of(plans, **columns):
    """Hosts of the group with the upstreams of their plans."""
    empty = {name: [None] * len(plans) for name in ("addresses", "reached", "models")}
    return {"names": list(plans), "upstreams": list(plans.values()), **empty, **columns}


def refusals(keys=KEYS, upstreams=(SERVER,), **values):
    return made(keys, upstreams=list(upstreams), **values)["refusals"]


def test_a_key_is_hashed():
    """The map has the SHA-256 of each key, as the gateway computes it, and a hash that is given stays as it is."""
    digest = hashlib.sha256(ALICE.encode()).hexdigest()
    assert gateway_keys([{"name": "a", "key": ALICE}]) == f"{digest} a\n"
    assert gateway_keys([{"name": "a", "sha256": digest.upper()}]) == f"{digest} a\n"


WRONG_KEYS = {
    "no list": ("x", "allowed is a list of mappings"),
    "no mapping": (["x"], "entry 1: it is no mapping"),
    "no name": ([{"key": ALICE}], "entry 1: name: allowed are"),
    "a name with a blank": ([{"name": "a b", "key": ALICE}], "entry 1: name: allowed are"),
    "neither": ([{"name": "a"}], "entry 1 (a): either key or sha256 is needed"),
    "both": ([{"name": "a", "key": ALICE, "sha256": "0" * 64}], "either key or sha256 is needed"),
    "short": ([{"name": "a", "key": "hunter2hunter2"}], "key: allowed are 24 to 512"),
    "blank": ([{"name": "a", "key": f"{ALICE} x"}], "key: allowed are 24 to 512"),
    "number": ([{"name": "a", "key": 123456789012345678901234567890}], "key: allowed are 24 to 512"),
    "hash": ([{"name": "a", "sha256": "0" * 63}], "sha256: allowed are the 64"),
    "field": ([{"name": "a", "key": ALICE, ALICE: 1}], "it has 1 field(s) that no key has"),
    "admin": ([{"name": "a", "key": ALICE, "admin": "maybe"}], "admin: allowed is true or false"),
    "models": ([{"name": "a", "key": ALICE, "models": []}], "models: allowed is a list with at least one"),
    "model": ([{"name": "a", "key": ALICE, "models": ["a b"]}], "models: allowed is a list with at least one"),
    "requests": ([{"name": "a", "key": ALICE, "requests": 0}], "requests: allowed is a whole number from 1"),
    "rate": ([{"name": "a", "key": ALICE, "rate": True}], "rate: allowed is a whole number from 1"),
    "priority": ([{"name": "a", "key": ALICE, "priority": 10}], "priority: allowed is a whole number from 1 to 9"),
    "twice the name": ([{"name": "a", "key": ALICE}, {"name": "a", "key": f"{ALICE}1"}], "the name a is there 2 times"),
    "twice the key": ([{"name": "a", "key": ALICE}, {"name": "b", "key": ALICE}], "a, b have the same key"),
}


@pytest.mark.parametrize(("keys", "sentence"), WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_wrong_key_is_refused_without_being_shown(keys, sentence):
    """A sentence names the entry and what is allowed, and has no part of a key."""
    errors = parse_keys(keys)[1]
    assert any(sentence in error for error in errors)
    assert not [error for error in errors if ALICE in error or "hunter2" in error]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_whatever_is_no_list_of_keys_ends_in_sentences(value):
    """Nothing that YAML can hold ends in a traceback, and nothing of it is let through by mistake."""
    found, errors = parse_keys(value)
    assert errors or found == []


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Llama3.2", "llama3.2:latest"),
        ("library/llama3.2:3B", "llama3.2:3b"),
        ("registry.ollama.ai/library/x", "x:latest"),
        ("registry.ollama.ai/User/x:q4", "user/x:q4"),
        ("hf.co/u/m:Q4_K_M", "hf.co/u/m:q4_k_m"),
        ("host:5000/u/m", "host:5000/u/m:latest"),
    ],
)
def test_names_that_mean_one_model_have_one_form(name, short):
    """Of each name the short form is the same, and every form that a server takes for it leads back to it."""
    assert models.is_model(name)
    assert models.canonical(name) == short
    forms = models.variants(name)
    assert {models.canonical(form.split("://")[-1]) for form in forms} == {short}
    assert len(forms) == len(set(forms))
    assert short in forms


@pytest.mark.parametrize("name", ["", "a b", "a:b:c", "/a", "a/", "a/b/c/d", "ftp://a/b/c", "a\n", 5, None, "é"])
def test_what_is_no_name_of_a_model_is_none(name):
    """A name stands in maps and in the configuration, so it has no blanks, quotes or schemes."""
    assert not models.is_model(name)


def planned(listens="0.0.0.0", gateway="gw", kept=None, **known):
    host = upstreams.Known(
        "n1", [{"instance": "ollama", "host": listens, "port": 11434, "weight": 14, "slots": 3}], **known
    )
    return upstreams.planned([host], gateway, kept)


@pytest.mark.parametrize(
    ("listens", "gateway", "known", "address"),
    [
        ("127.0.0.1", "n1", {}, "127.0.0.1"),
        ("::1", "n1", {}, "::1"),
        ("0.0.0.0", "n1", {}, "127.0.0.1"),
        ("0.0.0.0", "gw", {}, "n1"),
        ("0.0.0.0", "gw", {"reached": "192.0.2.7"}, "192.0.2.7"),
        ("10.0.0.5", "gw", {"reached": "192.0.2.7"}, "10.0.0.5"),
        ("::", "gw", {"reached": "192.0.2.7", "address": "10.0.0.9"}, "10.0.0.9"),
    ],
)
def test_a_gateway_reaches_a_planned_server(listens, gateway, known, address):
    """Over loopback on the same host, else at what the operator says, at what it listens on, or as Ansible does."""
    found, errors, warnings = planned(listens, gateway, **known)
    assert (errors, warnings) == ([], [])
    assert found == [upstreams.Upstream("n1", "ollama", address, 11434, 3, 14)]
    assert found[0].name == server_name("n1", "ollama") == "n1:ollama"


def test_a_server_on_loopback_of_another_host_is_refused():
    """No packet gets there; the sentence says what to change."""
    _found, errors, _warnings = planned("127.0.0.1")
    assert "n1, ollama listens on 127.0.0.1, where gw does not reach it" in errors[0]
    assert "ollama_host: 0.0.0.0:11434" in errors[0]


def test_a_host_that_was_not_read_stays_as_it_was():
    """A key is revoked while a host is down: its servers stay, and a host that was never read is refused."""
    kept = upstreams.kept_text(planned("10.0.0.5", served=["a"])[0])
    found, errors, warnings = upstreams.planned([upstreams.Known("n1", None)], "gw", kept)
    assert (found, errors) == (planned("10.0.0.5", served=["a"])[0], [])
    assert warnings == ["n1 was not read in this run; its servers stay as the gateway has them"]
    for text in (None, "", "{", "[]", '{"schema": 1, "upstreams": [5]}', '{"schema": 1, "upstreams": 5}', "[" * 9999):
        assert "the plan of n1 is not known" in upstreams.planned([upstreams.Known("n1", None)], "gw", text)[1][0]
    many = [upstreams.Known(f"n{number}", None) for number in range(12)]
    assert "n9 and 2 more is not known" in upstreams.planned(many, "gw")[1][0]


def test_a_group_without_hosts_and_names_that_haproxy_does_not_take_are_refused():
    """Both would end in a configuration that is not right."""
    assert "no host is in the group" in upstreams.planned([], "gw")[1][0]
    assert "'n 1' cannot be the name" in upstreams.planned([upstreams.Known("n 1", [])], "gw")[1][0]
    assert "ollama_gateway_address of n1: 'a b' is neither" in planned(address="a b")[1][0]


WRONG_SERVERS = {
    "no list": ("x", "allowed is auto, or a list"),
    "empty": ([], "allowed is auto, or a list"),
    "no mapping": ([5], "entry 1: it is no mapping"),
    "field": ([{**SERVER, "url": 1}], "it has url; allowed are host"),
    "host": ([{"host": "a b", "address": "h"}], "host: 'a b' is not allowed"),
    "address": ([{"host": "a", "address": "h h"}], "address: 'h h' is neither an address"),
    "port": ([{**SERVER, "port": 0}], "port: '0' is not allowed"),
    "slots": ([{**SERVER, "slots": True}], "slots: 'True' is not allowed"),
    "models": ([{**SERVER, "models": ["a b"]}], "models: allowed is a list of names"),
    "twice": ([SERVER, SERVER], "the server n1:ollama is there twice"),
    "one place": ([SERVER, {"host": "n2", "address": "10.0.0.1"}], "n1:ollama and n2:ollama are both at 10.0.0.1"),
}


@pytest.mark.parametrize(("value", "sentence"), WRONG_SERVERS.values(), ids=WRONG_SERVERS)
def test_a_wrong_server_is_refused(value, sentence):
    """Each entry is judged, with what is allowed."""
    assert any(sentence in error for error in upstreams.named(value)[1])


def test_weights_fit_haproxy():
    """HAProxy takes 1 to 256; shares of more threads keep their relation."""
    few = [upstreams.Upstream("a", "i", "h", 1, weight=14), upstreams.Upstream("b", "i", "h", 2, weight=7)]
    assert upstreams.weights(few) == {"a:i": 14, "b:i": 7}
    many = [each._replace(weight=each.weight * 64) for each in few] + [upstreams.Upstream("c", "i", "h", 3, weight=1)]
    assert upstreams.weights(many) == {"a:i": 256, "b:i": 128, "c:i": 1}


WRONG = {
    "plain beyond loopback": (
        {"bind": "0.0.0.0:8080", "server_names": ["x"]},
        "without ollama_gateway_certificate keys",
    ),
    "no name": ({"bind": "*:443", "certificate": "/c.pem"}, "ollama_gateway_server_names: it is empty"),
    "bind": ({"bind": "8080"}, "ollama_gateway_bind: '8080' is not allowed"),
    "bind twice": ({"bind": ["127.0.0.1:1", "127.0.0.1:1"]}, "ollama_gateway_bind: '127.0.0.1:1' is there twice"),
    "address": ({"bind": "300.0.0.1:80"}, "ollama_gateway_bind: '300.0.0.1:80' is not allowed"),
    "no bind": ({"bind": []}, "ollama_gateway_bind: it is empty"),
    "certificate": ({"certificate": "/c pem"}, "ollama_gateway_certificate: '/c pem' is not allowed"),
    "names": ({"server_names": "x"}, "ollama_gateway_server_names: allowed is a list"),
    "name": ({"server_names": ["x:80"]}, "ollama_gateway_server_names: 'x:80' is not allowed"),
    "model": ({"check_model": "a'b"}, 'ollama_gateway_check_model: "a\'b" is not allowed'),
    "bytes": ({"body_bytes": 100_000, "max_body_bytes": 50_000}, "100000 is more than ollama_gateway_max_body_bytes"),
    "metrics": ({"metrics_bind": "127.0.0.1:8080"}, "port 8080 is one of ollama_gateway_bind"),
    "number": (
        {"queue_timeout": 0},
        "ollama_gateway_queue_timeout: 0 is not allowed; allowed is a whole number from 1",
    ),
    "choice": ({"balance": "random"}, "ollama_gateway_balance: 'random' is not allowed; allowed is one of leastconn"),
    "own port": ({"bind": "10.0.0.1:11434", "certificate": "/c"}, "a server behind the gateway is at 10.0.0.1:11434"),
}


@pytest.mark.parametrize(("values", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_variable_is_refused(values, sentence):
    """Before anything changes, with the variable, its value and what is allowed."""
    assert any(sentence in error for error in refusals(**values))


def test_everything_that_is_wrong_is_refused_at_once():
    """One run shows every mistake."""
    found = gateway_files(options(queue_timeout=0, bind="x"), [{"name": "a"}], "gw", hosts_of({}))
    assert len(found["refusals"]) == 4
    assert (found["files"], found["digest"]) == ({}, None)


def test_what_is_wrong_together_is_refused():
    """Variables that are right one by one, but not together."""
    assert "it is empty, so that no request" in refusals(keys=[])[0]
    placed = {**SERVER, "models": ["a"]}
    assert "n1:ollama does not have b" in refusals(upstreams=[placed], check_model="b")[0]
    assert refusals(upstreams=[placed], check_model="A:latest") == []


def test_what_an_operator_should_know_is_a_warning():
    """A gateway without an admin, open metrics, and keys whose bodies must be short."""
    some = [{"name": "some", "key": ALICE, "models": ["m"]}]
    found = made(some, upstreams=[SERVER], metrics_bind="10.0.0.9:8405")["warnings"]
    assert [
        word
        for word in ("some) may send at most 262144 bytes", "no key is an admin's", "10.0.0.9:8405 can be read")
        if not any(word in sentence for sentence in found)
    ] == []


def test_a_plan_becomes_a_configuration():
    """Servers have their slots, weights and checks; each routed model has a backend whose servers follow them."""
    row = {"instance": "node0", "host": "0.0.0.0", "port": 11434, "weight": 14, "slots": None}
    hosts = hosts_of({"n1": [row], "n2": [row]}, reached=["10.0.0.1", ""])
    found = gateway_files(options(balance="key", bind="[::1]:443", certificate="/c.pem"), KEYS, "gw", hosts)
    assert "default_backend servers" in found["files"]["/etc/inference.ollama/gateway/haproxy.cfg"]
    hosts.update(placement={"a": ["n1"], "b": ["n2"]}, models=[[], ["c", {"name": "d"}, 5]])
    found = gateway_files(options(balance="key", bind="[::1]:443", certificate="/c.pem"), KEYS, "gw", hosts)
    text = found["files"]["/etc/inference.ollama/gateway/haproxy.cfg"]
    assert "    bind [::1]:443 ssl crt /c.pem alpn h2,http/1.1\n" in text
    assert "    server n1:node0 10.0.0.1:11434 check maxconn 1 weight 14\n" in text
    assert f"backend {backend_name(1)}\n" in text
    assert text.count("balance hdr(X-Ollama-Key-Name)\n    hash-type consistent") == 5
    assert "default_backend nowhere" in text
    backends = [f"{model}:latest {backend_name(number)}\n" for number, model in enumerate("abcd", 1)]
    assert found["files"]["/etc/inference.ollama/gateway/backends.map"] == "".join(backends)
    assert "CAP_NET_BIND_SERVICE" in found["files"]["/etc/systemd/system/inference-ollama-gateway.service"]
    assert json.loads(found["files"]["/etc/inference.ollama/gateway/upstreams.json"])["upstreams"][1]["address"] == "n2"


def test_no_file_but_the_map_of_keys_has_a_hash_of_one():
    """The other files are for every user of the host to read, and the facts of a run for every log."""
    found = made(upstreams=[SERVER])
    hashes = [line.split()[0] for line in gateway_keys(KEYS).splitlines()]
    assert not [digest for digest in hashes if digest in json.dumps(found)]
    assert made(upstreams=[SERVER])["digest"] == found["digest"]
    assert made([*KEYS[:2]], upstreams=[SERVER])["digest"] != found["digest"]
    assert made(upstreams=[SERVER], queue=1)["digest"] != found["digest"]


def test_the_role_removes_every_file_that_it_writes():
    """The list of what is taken away has no hole, and nothing of somebody else."""
    root = Path(__file__).resolve().parents[4]
    values = yaml.safe_load((root / "roles/ollama_gateway/vars/main.yml").read_text(encoding="utf-8"))
    folder = values["__ollama_gateway_folder"]
    written = [path for path in made(upstreams=[SERVER])["files"] if path.startswith(folder)]
    names = values["__ollama_gateway_written_names"]
    assert sorted(f"{folder}/{name}" for name in names) == sorted([*written, f"{folder}/keys.map"])
