# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator wants: the role's variables, read and checked one by one.

Which variables there are and what each may be is in ``settings.yml``. A key of the policy is a role variable without
its prefix ``ollama_``.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.wanted import parse_fleet, parse_placement
from ansible_collections.inference.ollama.plugins.plugin_utils._options import AUTO, allowed, holds_secret, read, shown
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import parse_models
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.records import parse_records
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import secret_names
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import parse_served
from ansible_collections.inference.ollama.plugins.plugin_utils._values import HIDDEN, check_value

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

# The key itself, and values that hold those of others, which are judged one by one.
_JUDGED_INSIDE = frozenset({"secret", "secrets", "environment", "instances"})
# A value in two variables: no node to bind to, no way of binding.
NONE = "none"


class Policy(SimpleNamespace):
    """The role's variables as attributes, as ``_options.read`` gives them; None where the plan decides. Immutable."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{**_defaults(), **options})

    def replace(self, **options: object) -> Policy:
        """The policy with other values for some options."""
        return Policy(**{**vars(self), **options})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} of a policy cannot be set; use replace()")


def parse(options: Mapping[str, Any]) -> tuple[Policy, list[str]]:
    """The policy of the variables that are right, and a sentence for each that is wrong: its name, its value, what is
    allowed. The value of a secret is in neither.
    """
    errors: list[str] = []
    values: dict[str, Any] = {}
    known = load().options
    for key, value in options.items():
        option = known.get(str(key))
        if option is None:
            names = ", ".join(f"ollama_{name}" for name in sorted(known))
            errors.append(f"ollama_{key}: no such variable; the plan knows {names}")
        elif option.type not in _JUDGED_INSIDE and holds_secret(value):
            errors.append(
                f"ollama_{key}: the value, which is not shown, holds a password or a key, and plans, units and logs are"
                f" read by others; allowed is {allowed(option)}, without one"
            )
        elif value is not None:
            try:
                values[option.name] = _read(option, value)
            except ValueError as error:
                # Why a text is no release is not always plain.
                why = check_value(option, str(value)) if option.type == "release" else None
                errors.append(f"ollama_{key}: {why or f'{shown(option, value)} is not allowed'}; allowed is {error}")
    return Policy(**values), errors


def option_errors(options: Mapping[str, Any]) -> list[str]:
    """A sentence for each of the role's variables that is wrong, whether the plan needs it or the role alone does."""
    return parse(options)[1]


@functools.lru_cache(maxsize=1)
def _defaults() -> Mapping[str, object]:
    return {name: _read(option, option.default) for name, option in load().options.items()}


def _read(option: Option, value: object) -> object:
    parser = _LISTS.get(option.type)
    if parser is None:
        return read(option, value)
    if option.auto and isinstance(value, str) and value.lower() in (AUTO, ""):
        return None
    try:
        return parser(value)
    except ValueError as error:
        raise ValueError(f"{AUTO}, or {error}" if option.auto else str(error)) from error


def _environment(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(load().types["environment"])
    result: dict[str, str] = {}
    for name, content in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
            raise ValueError(f"names of letters, digits and underscores, unlike {_begin(str(name))}")
        if isinstance(content, bool):
            # YAML has made true of "on" already; Ollama reads only 1 and 0 the way that is meant.
            result[str(name)] = "1" if content else "0"
        elif isinstance(content, (str, int, float)):
            result[str(name)] = str(content)
        else:
            raise ValueError(f"text or a number as each value; {name} has {type(content).__name__}")
    return dict(sorted(result.items()))


def _begin(name: str) -> str:
    """The right beginning of a wrong name; the rest could be the value of a secret."""
    right = re.match(r"[A-Za-z0-9_]{0,40}", name)
    return repr(f"{right[0] if right else ''}…") if not carries_secret(name) else HIDDEN


def _instances(value: object) -> str | tuple[dict[str, Any], ...]:
    if isinstance(value, str) and value in load().options["instances"].values:
        return value
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(entry, Mapping) for entry in value):
        raise ValueError(load().types["instances"])
    return tuple(dict(entry) for entry in value)


def _checksums(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(name, str) and isinstance(said, str) and re.fullmatch("[0-9a-fA-F]{64}", said)
        for name, said in value.items()
    ):
        raise ValueError(load().types["checksums"])
    return {name: said.lower() for name, said in sorted(value.items())}


def _secrets(value: object) -> tuple[str, ...]:
    """The names alone, of a mapping that has the values, or of a list of names."""
    if not isinstance(value, (Mapping, list, tuple)):
        raise ValueError(load().types["secrets"])
    return tuple(secret_names(value))


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ValueError(load().types["names"])
    return tuple(value)


def _networks(value: object) -> tuple[str, ...]:
    """Networks as the kernel's tools print them, each once."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(load().types["networks"])
    found = []
    for entry in value:
        try:
            network = ipaddress.ip_network(entry if isinstance(entry, str) else "", strict=True)
        except ValueError:
            raise ValueError(f"{load().types['networks']}, unlike {_entry(entry)}") from None
        if not network.prefixlen:
            raise ValueError(f"{load().types['networks']}; {network} is everybody, which no firewall keeps out")
        found.append(network)
    return tuple(str(network) for network in sorted(set(found), key=lambda each: (each.version, each)))


def _entry(entry: object) -> str:
    """One entry of a list in a refusal, with the network that an address with bits beyond it may mean."""
    try:
        meant = f", which may mean {ipaddress.ip_network(str(entry), strict=False)}"
    except ValueError:
        meant = ""
    return f"{str(entry)[:40]!r}{meant}"


# The types that are no text.
_LISTS: Mapping[str, Callable[[object], object]] = {
    "checksums": _checksums,
    "environment": _environment,
    "fleet_models": parse_fleet,
    "fleet_placement": parse_placement,
    "instances": _instances,
    "measured": parse_records,
    "models": parse_models,
    "names": _names,
    "networks": _networks,
    "secrets": _secrets,
    "served_models": parse_served,
}
