# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which model a body names, and what a key that may use some models alone is let through with, on a real HAProxy."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models
from ansible_collections.inference.ollama.tests.unit.support.gateway import ALICE, SOME, Seen, running, server

BODY_BYTES, MOST_BYTES = 65536, 200_000
ANY = {"model": "m"}
# A is on the first server, b on the second, anything on the third.
PLACED = (["a"], ["b:7b"], None)


@pytest.fixture(scope="module")
def seen():
    return Seen()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, seen):
    """One server with all models."""
    folder = tmp_path_factory.mktemp("one")
    sizes = {"body_bytes": BODY_BYTES, "max_body_bytes": MOST_BYTES}
    with server(seen) as port, running(folder, [port], **sizes) as found:
        yield found


@pytest.fixture(scope="module", params=[2, 3], ids=["closed", "open"])
def placed(tmp_path_factory, seen, request):
    """Two servers with a model each; in front of the open one also a server with any."""
    folder = tmp_path_factory.mktemp("placed")
    with server(seen, "s1") as one, server(seen, "s2") as two, server(seen, "s3") as three:
        rows = [
            {"host": f"h{number}", "address": "127.0.0.1", "port": port, **({"models": served} if served else {})}
            for number, (port, served) in enumerate(zip((one, two, three), PLACED), 1)
        ]
        keys = [{"name": "alice", "key": ALICE}]
        sizes = {"body_bytes": BODY_BYTES, "max_body_bytes": MOST_BYTES}
        with running(folder, rows[: request.param], keys, **sizes) as found:
            found.open = request.param == 3
            yield found


@pytest.fixture(autouse=True)
def forget(seen):
    seen.clear()


def served_by(gateway, path, body=None, **more):
    status, _headers, text = gateway.ask(path, body, **more)
    return json.loads(text).get("server", status) if status == 200 else status


LONG = 'Grüße\n"x" \\ ' * 1500
NAMED = [
    {"model": "a"},
    {"model": "A:Latest", "messages": []},
    {"messages": [{"role": "user", "content": '{"model": "b:7b"}'}], "model": "library/a"},
    {"tools": [{"model": "b:7b"}], "options": {"model": "b:7b", "x": {"model": "b"}}, "model": "a"},
    {"messages": [{"content": LONG}], "model": "registry.ollama.ai/library/a:latest"},
]


@pytest.mark.parametrize("body", NAMED, ids=["first", "case", "last", "nested", "long"])
@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions", "/v1/messages", "/api/show"])
def test_a_request_goes_where_its_model_is(placed, path, body):
    """The model may come after long messages, and under any name that the server takes for it."""
    others = {"s3"} if placed.open else set()
    assert {served_by(placed, path, body) for _ in range(4)} <= {"s1"} | others
    assert served_by(placed, path, {"model": "B:7B"}) in {"s2"} | others


def test_a_model_in_the_path_or_the_old_field_is_routed_too(placed):
    """Two endpoints name the model elsewhere."""
    others = {"s3"} if placed.open else set()
    assert served_by(placed, "/v1/models/b:7b") in {"s2"} | others
    assert served_by(placed, "/api/show", {"name": "b:7b"}) in {"s2"} | others


@pytest.mark.parametrize("body", [{"model": "c"}, {"messages": []}, b"no json", b"", {"model": 5}, b"[" * 3000])
def test_a_model_that_no_server_has_is_not_found(placed, body):
    """Where each server has its own models, an unknown one is answered here, or goes to a server that has any."""
    assert served_by(placed, "/api/chat", body) == ("s3" if placed.open else 404)


def test_a_body_whose_model_comes_too_late_is_too_long(placed):
    """It could go to a server that does not have it; where the model comes first it is routed all the same."""
    text = "x" * (2 * BODY_BYTES)
    assert served_by(placed, "/api/chat", {"messages": [text], "model": "a"}) == 413
    assert served_by(placed, "/api/chat", {"model": "b:7b", "messages": [text]}) in {"s2", "s3"}


def test_bodies_arrive_whole_up_to_the_limit(gateway, seen):
    """What is read for the model is sent on with the rest, and nothing longer than the limit is."""
    for size in (10, BODY_BYTES - 1, BODY_BYTES, BODY_BYTES + 1, 2 * BODY_BYTES, MOST_BYTES - 2):
        assert gateway.status("/api/chat", b'"' + b"x" * size + b'"'[: MOST_BYTES - size]) == 200
        assert len(seen[-1]["body"]) == size + 2
    assert gateway.status("/api/chat", b"x" * (MOST_BYTES + 1)) == 413
    assert len(seen) == 6


def test_a_body_of_unknown_length_is_taken_as_far_as_it_is_read(gateway, seen):
    """Without a length nobody knows how long it will go on."""
    chunks = {"chunked": True, "headers": {"Transfer-Encoding": "chunked"}}
    assert gateway.status("/api/chat", iter([b'{"model":', b'"m"}']), method="POST", **chunks) == 200
    assert seen[-1]["body"] == b'{"model":"m"}'
    assert gateway.status("/api/chat", iter([b"x" * 1000] * 65), method="POST", **chunks) == 200
    assert gateway.status("/api/chat", iter([b"x" * 1000] * 100), method="POST", **chunks) == 413


def text_of(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


ALLOWED = [
    {"model": "llama3.2"},
    {"model": "LLAMA3.2:latest", "messages": [{"content": "x", "model": "other"}], "stream": True},
    {
        "messages": [],
        "tools": {"Model": "other"},
        "options": {"mod\u0065l": 1, "x": -1.5e-3},
        "model": "library/llama3.2",
    },
    {"model": "hf.co/USER/model:q4"},
    {"messages": [{"content": LONG}], "model": "llama3.2"},
    # A server reads the first document of a body, and no more.
    b'{"model":"llama3.2"}\x00{"model":"other"}',
    b' \r\n{ "model" :\t"llama3.2" , "a" : [ ] , "b" : { } , "c" : null } \n',
    {"messages": [{"role": "user", "content": "x"}] * 1500, "model": "llama3.2"},
    {"tools": [[[[[[[{"x": {"y": {"z": [1]}}}]]]]]]], "model": "llama3.2"},
]


@pytest.mark.parametrize("body", ALLOWED, ids=range(len(ALLOWED)))
def test_a_key_for_some_models_may_use_those(gateway, seen, body):
    """Whatever the order, the blanks, the length and what is nested in it."""
    assert gateway.status("/api/chat", text_of(body), key=SOME) == 200
    assert seen[-1]["body"] == text_of(body)


FORBIDDEN = {
    "another model": {"model": "other"},
    "another tag": {"model": "llama3.2:70b"},
    "another namespace": {"model": "user/llama3.2"},
    "another registry": {"model": "evil.example.org/library/llama3.2"},
    "a scheme": {"model": "ftp://registry.ollama.ai/library/llama3.2"},
    "none": {},
    "empty": {"model": ""},
    "twice": b'{"model":"llama3.2","model":"other"}',
    "twice, the right one last": b'{"model":"other","model":"llama3.2"}',
    "other case": b'{"model":"llama3.2","MODEL":"other"}',
    "other case before": b'{"Model":"other","model":"llama3.2"}',
    "other case alone": b'{"Model":"llama3.2"}',
    "escaped name": b'{"model":"llama3.2","mod\\u0065l":"other"}',
    "escaped name before": b'{"\\u006dodel":"other","model":"llama3.2"}',
    "escaped value": b'{"model":"\\u006clama3.2"}',
    "escaped other name": b'{"x\\"":"y","model":"llama3.2"}',
    "letters beyond ASCII in a name": '{"m\u00f6del":"x","model":"llama3.2"}'.encode(),
    "no text": b'{"model":["llama3.2"]}',
    "number": b'{"model":1}',
    "null after": b'{"model":"llama3.2","model":null}',
    "two documents": b'{"model":"llama3.2"}{"model":"other"}',
    "rest after": b'{"model":"llama3.2"} x',
    "in a list": b'[{"model":"llama3.2"}]',
    "nested alone": b'{"x":{"model":"llama3.2"}}',
    "comment": b'{/*"model":"llama3.2",*/"model":"llama3.2"}',
    "comma at the end": b'{"model":"llama3.2",}',
    "quotes that do not end": b'{"x":"\\","model":"llama3.2"}',
    "a control character": b'{"x":"\n","model":"llama3.2"}',
    "a byte order mark": b'\xef\xbb\xbf{"model":"llama3.2"}',
    "a zero byte": b'{"model":"llama3.2"\x00,"model":"other"}',
    "deep": b'{"x":' + b"[" * 5000 + b"]" * 5000 + b',"model":"llama3.2"}',
    "deep and open": b'{"x":' + b'{"a":' * 9000,
    "not ended": b'{"model":"llama3.2"',
}


@pytest.mark.parametrize("body", FORBIDDEN.values(), ids=FORBIDDEN)
def test_no_other_body_gets_it_through(gateway, seen, body):
    """A server reads the last of several fields, in any case and with escapes; the gateway takes no such body."""
    for path in ("/api/chat", "/api/show"):
        assert gateway.status(path, text_of(body), key=SOME) == 403
    assert seen == []


def test_other_forms_of_a_body_are_not_let_through(gateway, seen):
    """A server would unpack or take apart what the gateway has not read."""
    plain = json.dumps({"model": "llama3.2"}).encode()
    for headers in ({"Content-Encoding": "gzip"}, {"Content-Encoding": "zstd"}, {"Content-Encoding": "identity"}):
        assert gateway.status("/v1/chat/completions", gzip.compress(plain), key=SOME, headers=headers) == 403
        assert gateway.status("/v1/chat/completions", plain, key=SOME, headers=headers) == 403
    form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nllama3.2\r\n--x--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    assert gateway.status("/v1/audio/transcriptions", form, key=SOME, headers=multipart) == 403
    assert seen == []
    # How the body calls itself does not matter to a server, and so not here.
    assert gateway.status("/v1/chat/completions", plain, key=SOME, headers={"Content-Type": "text/plain"}) == 200


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 3 * BODY_BYTES])
def test_a_longer_body_of_such_a_key_is_too_long(gateway, seen, size):
    """What is not read could name another model."""
    body = b'{"model":"llama3.2","x":"' + b"x" * (size - 27) + b'"}'
    assert gateway.status("/api/chat", body, key=SOME) == 413
    chunks = {"chunked": True, "headers": {"Transfer-Encoding": "chunked"}}
    assert gateway.status("/api/chat", iter([body, b" " * 9000]), method="POST", key=SOME, **chunks) == 413
    assert seen == []


def test_such_a_key_shows_its_own_models_alone(gateway, seen):
    """The old field, and the one in the path."""
    assert gateway.status("/api/show", {"name": "llama3.2"}, key=SOME) == 200
    assert gateway.status("/v1/models/Llama3.2", key=SOME) == 200
    assert len(seen) == 2
    assert gateway.status("/api/show", b'{"name":"llama3.2","model":"other"}', key=SOME) == 403
    assert gateway.status("/api/show", b'{"name":"other","model":""}', key=SOME) == 403
    for name in ("other", "llama3.2%2f..", "%6clama3.2", "llama3.2?model=other&", "hf.co%2Fuser%2Fmodel:q4"):
        expected = 200 if name.startswith("llama3.2?") else 403
        assert gateway.status(f"/v1/models/{name}", key=SOME) == expected
    assert len(seen) == 3


def folded(pairs):
    """The model that a server reads: of names that differ in the case of letters alone the last counts."""
    return (
        dict(pairs)
        if not any(key.lower() == "model" for key, _ in pairs)
        else {**dict(pairs), "model": [value for key, value in pairs if key.lower() == "model"][-1]}
    )


def random_value(source, depth=0):
    kind = source.randrange(8 if depth < 5 else 5)
    if kind < 5:
        texts = ["llama3.2", "other", '"model":"other"', "\\", '"', "}", "é\u2028", '{"model":"llama3.2"}']
        return source.choice([None, True, source.random() * 1e9, -source.randrange(99), source.choice(texts)])
    if kind == 5:
        return [random_value(source, depth + 1) for _ in range(source.randrange(4))]
    return {random_name(source): random_value(source, depth + 1) for _ in range(source.randrange(4))}


def random_name(source):
    return source.choice(["model", "Model", "mod\u0435l", "name", "x", "", '"', "\\", "model ", "messages"])


def test_what_gets_through_means_the_same_to_the_server(gateway, seen):
    """Of 400 bodies made at random, each that is let through names an allowed model, as a server reads it."""
    source = random.Random(17)
    connection = gateway.connect()
    for number in range(400):
        members = [(random_name(source), random_value(source)) for _ in range(source.randrange(4))]
        members.insert(source.randrange(len(members) + 1), ("model", source.choice(["llama3.2", "llama3.2", "other"])))
        if number % 3:
            members = [(name, value) for name, value in members if name != "Model"]
        dumped = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=number % 2 > 0)}" for name, value in members)
        body = f"{{{', '.join(dumped)}}}".encode()
        connection.request("POST", "/api/chat", body, {"Authorization": f"Bearer {SOME}"})
        connection.getresponse().read()
    connection.close()
    assert len(seen) > 40
    for each in seen:
        read = json.loads(each["body"], object_pairs_hook=folded)
        assert models.canonical(read["model"]) == "llama3.2:latest"
