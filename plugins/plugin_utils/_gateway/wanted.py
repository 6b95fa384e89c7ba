# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role as they are meant, and a sentence for each that is wrong."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Mapping, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway import models
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.listeners import Listener, parse_listeners
from ansible_collections.inference.ollama.plugins.plugin_utils._options import read, shown

PREFIX = "gateway_"
# These are judged by their own rules.
_OWN = frozenset({"bind", "metrics_bind", "server_names", "keys", "upstreams"})
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]{1,400}")


@dataclass(frozen=True)
class Wanted:
    """What an operator asks for; numbers are in seconds, bytes or pieces. ``queue`` is None for auto."""

    binds: Tuple[Listener, ...]
    metrics_binds: Tuple[Listener, ...]
    server_names: Tuple[str, ...]
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever type the variable has
        return self.values[name]


def parse(options: Mapping[str, Any]) -> tuple[Wanted, list[str]]:
    """Return what the variables, without their prefix ``ollama_gateway_``, ask for, and what is wrong with them."""
    values: dict[str, Any] = {}
    errors: list[str] = []
    for key, option in load().gateway_options.items():
        name = key.removeprefix(PREFIX)
        if name in _OWN:
            continue
        try:
            values[name] = read(option, options.get(name, option.default))
        except ValueError as error:
            values[name] = read(option, option.default)
            errors.append(f"ollama_{key}: {shown(option, options[name])} is not allowed; allowed is {error}")
    binds, wrong = parse_listeners("bind", options["bind"])
    metrics, more = parse_listeners("metrics_bind", options["metrics_bind"], empty=True)
    names, unknown = _names(options["server_names"])
    wanted = Wanted(tuple(binds), tuple(metrics), tuple(names), values)
    return wanted, [*errors, *wrong, *more, *unknown, *_clashes(wanted)]


def _names(value: object) -> tuple[list[str], list[str]]:
    if not isinstance(value, (list, tuple)):
        return [], ["ollama_gateway_server_names: allowed is a list of host names, such as [llm.example.org]"]
    found, errors = [], []
    for entry in value:
        name = str(entry).lower().rstrip(".")
        if isinstance(entry, str) and (_NAME.fullmatch(name) or _is_address(name)):
            found.append(name)
        else:
            errors.append(
                f"ollama_gateway_server_names: {str(entry)[:80]!r} is not allowed; allowed are host names without a"
                " port, such as llm.example.org"
            )
    return found, errors


def _clashes(wanted: Wanted) -> list[str]:
    errors = []
    certificate, model = wanted["certificate"], wanted["check_model"]
    open_binds = [each for each in wanted.binds if not each.is_loopback]
    if open_binds and not certificate:
        places = ", ".join(f"{each.host}:{each.port}" for each in open_binds)
        errors.append(
            f"ollama_gateway_bind: {places} can be reached from other hosts, and without ollama_gateway_certificate"
            " keys would be sent to it as plain text; name a certificate, or listen on 127.0.0.1"
        )
    if certificate and not _PATH.fullmatch(certificate):
        errors.append(
            f"ollama_gateway_certificate: {str(certificate)[:80]!r} is not allowed; allowed is an absolute path of"
            " letters, digits and . _ / @ + -"
        )
    if any(each.is_any for each in wanted.binds) and not wanted.server_names:
        errors.append(
            "ollama_gateway_server_names: it is empty, and the gateway listens on every address, so that clients could"
            " call it by its address alone; name the host names that clients use"
        )
    if model and not models.is_model(model):
        errors.append(f"ollama_gateway_check_model: {str(model)[:80]!r} is not allowed; allowed is {models.ALLOWED}")
    if wanted["body_bytes"] > wanted["max_body_bytes"]:
        errors.append(
            f"ollama_gateway_body_bytes: {wanted['body_bytes']} is more than ollama_gateway_max_body_bytes,"
            f" {wanted['max_body_bytes']}; no body would be as long"
        )
    ports = [each.port for each in wanted.binds]
    return [
        *errors,
        *(
            f"ollama_gateway_metrics_bind: port {each.port} is one of ollama_gateway_bind; take another one"
            for each in wanted.metrics_binds
            if each.port in ports
        ),
    ]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
