# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that a gateway must not let through, for what they say: their keys, names, paths, methods and models."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from fleet_requests import CLOSED, MALFORMED, Attack, Draw, chunk, head, request

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN_PATHS = ("/api/generate", "/api/chat", "/api/embed", "/api/tags", "/api/ps", "/api/show", "/api/version", "/")
OPENAI_PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/v1/responses",
    "/v1/messages",
)
ADMIN_PATHS = ("/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs/sha256:00")


def any_path(draw: Draw) -> str:
    return f"{draw.any_of(PLAIN_PATHS + OPENAI_PATHS + ADMIN_PATHS)}?{draw.mark}"


def keyless(draw: Draw) -> Attack:
    """No key, or one where none is looked for."""
    key = draw.known.key or "k"
    headers = draw.any_of(
        [
            (),
            (f"Authorization: {key}",),
            (f"Authorization: Basic {key}",),
            ("Authorization: Bearer",),
            ("Authorization:",),
            (f"Proxy-Authorization: Bearer {key}",),
            (f"Cookie: key={key}",),
            (f"X-Forwarded-Authorization: Bearer {key}",),
            ("X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1"),
            ("Forwarded: for=127.0.0.1;host=localhost",),
            (f"X-Authorization: Bearer {key}",),
        ]
    )
    body = draw.any_of((b"", draw.body(), draw.body(draw.letters(1, 3000))))
    made = request(draw, path=any_path(draw), headers=headers, body=body)
    return Attack("keyless", (made,), frozenset({400, 401}), alone=False)


def wrong_key(draw: Draw) -> Attack:
    """A key that is nearly one, or what the gateway keeps of it."""
    key = draw.known.key or draw.letters(20, 20)
    digest = hashlib.sha256(key.encode()).hexdigest()
    changed = list(key)
    changed[draw.chance.randrange(len(key))] = draw.any_of("#!~")
    wrong = draw.any_of(
        [
            draw.letters(1, 200),
            "".join(changed),
            key[:-1],
            f"{key}x",
            f"{key},",
            f"{key} {key}",
            key.swapcase(),
            digest,
            digest.upper(),
            f"sha256:{digest}",
            "admin",
            "''",
            f'"{key}"',
            f"{key}%00",
            f"{key};x",
            f"{key}\x00x",
            "\xff" * draw.chance.randint(1, 40),
        ]
    )
    scheme = draw.any_of(("Bearer", "bearer", "Bearer ", "BEARER"))
    given = draw.any_of((f"Authorization: {scheme} {wrong}", f"x-api-key: {wrong}"))
    made = request(draw, path=any_path(draw), headers=(given,), body=draw.any_of((b"", draw.body())))
    return Attack("wrong key", (made,), frozenset({400, 401, 403}), alone=False)


def two_keys(draw: Draw) -> Attack:
    """Two Authorization headers, of which none or one is right: whoever looks at the other one is fooled."""
    good, bad = draw.known.key, draw.letters(8, 40)
    pair = draw.any_of(
        [(bad, draw.letters(8, 40)), (good, bad), (bad, good), (f"{good}, Bearer {bad}",), (f"{bad}, Bearer {good}",)]
    )
    name = draw.any_of(("Authorization", "authorization", "AUTHORIZATION"))
    headers = [f"{name}: Bearer {key}" for key in pair]
    made = request(draw, path=f"{draw.any_of(PLAIN_PATHS[:6])}?{draw.mark}", headers=headers, body=draw.body())
    return Attack("two keys", (made,), frozenset({400, 401, 403}), alone=False)


def forged_host(draw: Draw) -> Attack:
    """A good key with a name that is not the gateway's, as a browser sends it after DNS rebinding."""
    host, name = draw.known.host, f"{draw.letters(3, 12).lower()}.example.org"
    forged = draw.any_of(
        [
            (name,),
            (f"{name}:11434",),
            (f"{host}.{name}",),
            (f"{name}@{host}",),
            (f"{host}@{name}",),
            (f"{host}, {name}",),
            ("localhost.example.org",),
            ("",),
            (),
            (host, name),
            (name, host),
            (f"{name}#{host}",),
            (f"{host}/{name}",),
            ("169.254.169.254",),
            (f"{host}\x00{name}",),
        ]
    )
    lines = [*(f"Host: {each}" for each in forged), f"Authorization: Bearer {draw.known.key}"]
    target = f"/api/tags?{draw.mark}"
    if draw.chance.random() < 0.2:
        target, lines = f"http://{name}{target}", [f"Host: {draw.any_of((host, name))}", *lines[-1:]]
    return Attack("forged host", (head(f"GET {target} HTTP/1.1", lines),), frozenset({400, 403, 404, 421, CLOSED}))


def path_trick(draw: Draw) -> Attack:
    """A path that is that of an administrator to the server, and should look like another one to the gateway."""
    admin = draw.any_of(ADMIN_PATHS)
    tail = admin[len("/api/") :]
    place = draw.chance.randrange(len(tail))
    escaped = f"/api/{tail[:place]}%{ord(tail[place]):02{draw.any_of('xX')}}{tail[place + 1 :]}"
    twice = f"/api/{tail[:place]}%25{ord(tail[place]):02x}{tail[place + 1 :]}"
    trick = draw.any_of(
        [
            admin,
            f"/{admin}",
            f"//{draw.letters(1, 5)}/..{admin}",
            f"/{draw.letters(1, 5)}/..{admin}",
            f"/api/version/../{tail}",
            f"/api/generate/..;/{tail}",
            f"/api/./{tail}",
            f"/api//{tail}",
            f"{admin}/",
            f"{admin}//",
            f"{admin};x=/api/tags",
            f"{admin}#/api/tags",
            f"{admin}%2f",
            f"/api%2f{tail}",
            f"/api/%2e%2e/api/{tail}",
            f"/%2e{admin}",
            f"/api\\{tail}",
            draw.cased(admin),
            escaped,
            twice,
            f"/v1/..{admin}",
            f"/v1/{draw.letters(1, 9)}",
            f"/api/{draw.letters(1, 9)}",
            f"/{draw.letters(1, 20)}",
            f"/api/tags{admin}",
            f"/api/generate%00{admin}",
            f"http://{draw.known.host}{admin}",
            f"HTTP://{draw.known.host}/{admin}",
            f"http://{draw.known.host}/../{admin}",
            f"/api/blobs/sha256:{draw.letters(64, 64)}",
            "*",
        ]
    )
    method = draw.any_of(("POST", "POST", "DELETE", "PUT", "GET", "HEAD"))
    if "#" in trick:
        trick = trick.replace("#", f"?{draw.mark}#")
    elif trick != "*":
        trick = f"{trick}?{draw.mark}"
    headers = (f"X-Mark: {draw.mark}",)
    made = request(draw, path=trick, method=method, headers=headers, key=draw.known.key, body=draw.body())
    return Attack("path", (made,), frozenset(MALFORMED))


def method_trick(draw: Draw) -> Attack:
    """Methods that no route has, and headers that name another one."""
    method = draw.any_of(
        (
            "TRACE",
            "CONNECT",
            "PATCH",
            "PUT",
            "DELETE",
            "PROPFIND",
            "post",
            "GEt",
            draw.letters(3, 9),
            "PRI",
            "G\tET",
        )
    )
    headers = draw.any_of(
        [(), ("X-HTTP-Method-Override: DELETE",), ("Upgrade: websocket", "Connection: Upgrade"), ("Max-Forwards: 0",)]
    )
    path = f"{draw.any_of(PLAIN_PATHS[:6] + ADMIN_PATHS)}?{draw.mark}"
    if method == "CONNECT":
        path = f"{draw.known.host}:11434"
    made = request(draw, path=path, method=method, headers=(*headers, f"X-Mark: {draw.mark}"), key=draw.known.key)
    return Attack("method", (made,), frozenset(MALFORMED))


def _models(draw: Draw) -> Iterator[bytes]:
    """Bodies that ask a server for the other model, and look as if they asked for the allowed one."""
    allowed, other = json.dumps(draw.known.allowed), json.dumps(f"{draw.known.other}-{draw.mark}")
    rest = '"prompt":"count","stream":false'
    escape = "".join(f"\\u{ord(letter):04x}" for letter in "model")
    part = "m\\u006fdel"
    yield f'{{"model":{other},{rest}}}'.encode()
    yield f'{{"model":{allowed},"model":{other},{rest}}}'.encode()
    yield f'{{"model":{other},"model":{allowed},"model":{other},{rest}}}'.encode()
    for name in ("Model", "MODEL", "mOdel"):
        yield f'{{"{name}":{other},{rest}}}'.encode()
        yield f'{{"model":{allowed},"{name}":{other},{rest}}}'.encode()
    for name in (escape, part):
        yield f'{{"{name}":{other},{rest}}}'.encode()
        yield f'{{"model":{allowed},"{name}":{other},{rest}}}'.encode()
    yield f'{{"options":{{"model":{allowed}}},"model":{other},{rest}}}'.encode()
    yield f'{{"x":"\\"model\\":{draw.known.allowed}","model":{other},{rest}}}'.encode()
    yield f'{{"model" \t\r\n: \n{other},{rest}}}'.encode()
    yield f'{{"pad":"{"p" * min(draw.known.body_bytes, 300000)}","model":{other},{rest}}}'.encode()
    yield f'{{"model":{allowed},"pad":"{"p" * min(draw.known.body_bytes, 300000)}","model":{other},{rest}}}'.encode()
    yield f'[{{"model":{other}}}]'.encode()
    yield f'{{"name":{other},{rest}}}'.encode()
    for end in (b"\\u0000", b"\x00", b"\\u000a", b"\\t"):
        # What ends a text in C does not end it in Go.
        name = draw.known.allowed.encode()
        yield b'{"model":"%s%s-%s",%s}' % (name, end, draw.mark.encode(), rest.encode())
    yield b"\xef\xbb\xbf" + f'{{"model":{other},{rest}}}'.encode()
    yield f'{{"model":{json.dumps(" " + draw.known.other + "-" + draw.mark)},{rest}}}'.encode()


def model_trick(draw: Draw) -> Attack:
    """The key of one model, and another model that must not be reached."""
    body = draw.any_of(list(_models(draw)))
    path = draw.any_of(("/api/generate", "/api/generate", "/api/chat", "/api/embed", "/v1/chat/completions"))
    headers = draw.any_of(
        [(), ("Content-Type: application/json",), ("Content-Type: text/plain",), ("Content-Encoding: identity",)]
    )
    if draw.chance.random() < 0.3:
        place = draw.chance.randint(1, len(body) - 1)
        own = [f"Host: {draw.known.host}", f"Authorization: Bearer {draw.known.limited}", *headers]
        first = head(f"POST {path} HTTP/1.1", [*own, "Transfer-Encoding: chunked"])
        parts = (first + chunk(body[:place]), chunk(body[place:]) + b"0\r\n\r\n")
        return Attack("model", parts, frozenset({400, 403, 404, 411, 413}), pause=0.05)
    made = request(draw, path=path, headers=headers, key=draw.known.limited, body=body)
    return Attack("model", (made,), frozenset({400, 403, 404, 413, 415}))
