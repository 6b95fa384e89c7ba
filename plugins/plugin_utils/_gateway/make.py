# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a gateway is made of: files with their texts, or why it cannot be made."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._gateway import places
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models, upstreams
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.body import one_field
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.config import config_values
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.keys import Key, parse_keys
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.routing import Routing, route
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.wanted import Wanted, parse
from ansible_collections.inference.ollama.plugins.plugin_utils._render import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.upstreams import Upstream

PROGRAM = "/usr/sbin/haproxy"
_CONFIG = "haproxy.cfg.j2"
# The rights of root that the serving process needs before it changes its user and its folder, and the master to end it.
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SYS_CHROOT", "CAP_KILL")
_PRIVILEGED_PORTS = 1024
# Beside two for each connection: listeners, checks, logs and what a reload hands over.
_SPARE_FILES = 1024


def gateway_files(
    options: Mapping[str, Any],
    keys: object,
    gateway: str,
    hosts: Mapping[str, Any],
    kept: str | None = None,
) -> dict[str, Any]:
    """Return the files of a gateway but that of the keys, refusals and warnings (docs: the filter gateway_files).

    ``hosts`` has a row in each of its lists for each host of the group: ``names``, ``upstreams``, ``addresses``,
    ``reached`` and ``models``; ``placement`` is which hosts have each model, None where any may have it.
    """
    wanted, errors = parse(options)
    found, wrong = parse_keys(keys)
    servers, unknown, warnings = _servers(options.get("upstreams"), gateway, hosts, kept)
    refusals = [*errors, *wrong, *unknown]
    if not refusals:
        refusals += _clashes(wanted, found, servers)
    if refusals:
        return {"refusals": refusals, "warnings": warnings, "files": {}, "programs": {}, "digest": None}
    routing = route(servers, found, wanted["queue"])
    files = _files(wanted, found, servers, routing)
    values = config_values(wanted, routing)
    digest = _digest({**files, places.GATEWAY_KEYS: keys_text(found), "": render(_CONFIG, digest="", **values)})
    files[places.GATEWAY_CONFIG] = render(_CONFIG, digest=digest, **values)
    files[places.GATEWAY_UNIT_FILE] = _unit(wanted)
    files[places.GATEWAY_KEEPER] = render("keeper.sh.j2", archive=places.GATEWAY_ARCHIVE)
    return {
        "refusals": [],
        "warnings": [*warnings, *_warnings(wanted, found)],
        "files": files,
        "programs": {places.GATEWAY_ARCHIVE: places.GATEWAY_ARCHIVE},
        "digest": digest,
    }


def gateway_keys(keys: object) -> str:
    """Return the text of the map of keys, which nobody but root may read (docs: the filter gateway_keys)."""
    return keys_text(parse_keys(keys)[0])


def keys_text(keys: Sequence[Key]) -> str:
    return "".join(sorted(f"{key.sha256} {key.name}\n" for key in keys))


def _servers(
    asked: object, gateway: str, hosts: Mapping[str, Any], kept: str | None
) -> tuple[list[Upstream], list[str], list[str]]:
    if isinstance(asked, str) and asked.lower() in ("", "auto"):
        return upstreams.planned(upstreams.known(hosts), gateway, kept)
    return (*upstreams.named(asked), [])


def _files(wanted: Wanted, keys: Sequence[Key], servers: Sequence[Upstream], routing: Routing) -> dict[str, str]:
    maps = {
        "admin.map": {key.name: "1" for key in keys if key.admin},
        "allowed.map": {f"{key.name}/{model}": "1" for key in keys for model in key.models or ()},
        "backends.map": routing.backend_of,
        "hosts.map": dict.fromkeys(_hosts(wanted), "1"),
        "models.map": {form: name for name in routing.models for form in models.variants(name)},
        "priority.map": {key.name: str(key.priority) for key in keys},
        "rate.map": {key.name: str(key.rate) for key in keys if key.rate},
        "requests.map": {key.name: str(key.requests) for key in keys if key.requests},
        "restricted.map": {key.name: "1" for key in keys if key.models is not None},
    }
    files = {name: "".join(f"{key} {value}\n" for key, value in sorted(rows.items())) for name, rows in maps.items()}
    files["model.regex"], files["name.regex"] = f"{one_field('model')}\n", f"{one_field('model|name')}\n"
    files["upstreams.json"] = upstreams.kept_text(servers)
    return {f"{places.GATEWAY_FOLDER}/{name}": text for name, text in files.items()}


def _hosts(wanted: Wanted) -> list[str]:
    """The names that a Host header may have: those that are named, and the addresses that are listened on."""
    own = [each.host for each in wanted.binds if not each.is_any]
    local = ["localhost"] if any(each.is_loopback for each in wanted.binds) else []
    return list(dict.fromkeys([*wanted.server_names, *own, *local]))


def _unit(wanted: Wanted) -> str:
    low = any(each.port < _PRIVILEGED_PORTS for each in (*wanted.binds, *wanted.metrics_binds))
    return render(
        "gateway.service.j2",
        program=PROGRAM,
        config=places.GATEWAY_CONFIG,
        keeper=places.GATEWAY_KEEPER,
        socket=places.GATEWAY_SOCKET,
        state_file=places.GATEWAY_STATE,
        user="haproxy",
        files=2 * wanted["connections"] + _SPARE_FILES,
        capabilities=[*_CAPABILITIES, *(["CAP_NET_BIND_SERVICE"] if low else [])],
    )


def _clashes(wanted: Wanted, keys: Sequence[Key], servers: Sequence[Upstream]) -> list[str]:
    """What is wrong of several variables together, each of which is right."""
    errors = []
    if not keys:
        errors.append(
            "ollama_gateway_keys: it is empty, so that no request would be let through; name at least one key"
        )
    model = wanted["check_model"]
    without = [
        each.name
        for each in servers
        if model and each.models is not None and models.canonical(model) not in each.models
    ]
    if without:
        errors.append(
            f"ollama_gateway_check_model: {', '.join(without[:10])} does not have {model}, and would never count as"
            " healthy; name a model that every server has"
        )
    listening = {(each.address, each.port) for each in servers}
    errors += [
        f"ollama_gateway_bind: a server behind the gateway is at {each.host}:{each.port}; take another port"
        for each in wanted.binds
        if (each.address, each.port) in listening
    ]
    return errors


def _warnings(wanted: Wanted, keys: Sequence[Key]) -> list[str]:
    found = []
    some = [key.name for key in keys if key.models is not None]
    if some and wanted["body_bytes"] < wanted["max_body_bytes"]:
        found.append(
            f"keys that may use some models alone ({', '.join(some[:10])}) may send at most"
            f" {wanted['body_bytes']} bytes, as ollama_gateway_body_bytes says, for their whole bodies are read"
        )
    if not any(key.admin for key in keys):
        found.append("no key is an admin's, so endpoints that change what servers have are closed to everybody")
    found += [
        f"ollama_gateway_metrics_bind: {each.host}:{each.port} can be read from other hosts without a key; let a"
        " firewall guard it"
        for each in wanted.metrics_binds
        if not each.is_loopback
    ]
    return found


def _digest(files: Mapping[str, str]) -> str:
    """What all files are: the configuration without the line that has this in it."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()[:32]
