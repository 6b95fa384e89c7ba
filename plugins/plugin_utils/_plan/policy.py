# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator wants: the role's variables, parsed and checked one by one.

A key of the policy is a role variable without its prefix ``ollama_``. None stands for ``auto``.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel, parse_models

OBJECTIVES = ("latency", "balanced", "throughput")
KV_CACHE_TYPES = ("f16", "q8_0", "q4_0")
LOAD_MODES = ("mmap", "none", "mlock", "mmap+mlock", "dio")
BIND_METHODS = ("numactl", "affinity", "none")
INSTANCES = ("single", "per_numa_node", "per_gpu")
LINT_LEVELS = ("fatal", "inert")
# /sys/kernel/mm/transparent_hugepage/enabled (Documentation/admin-guide/mm/transhuge.rst)
HUGEPAGES = ("always", "madvise", "never")
# Ollama's own default (envconfig/config.go, Host).
DEFAULT_HOST = "127.0.0.1:11434"
# "none" is a wish of its own in two variables: no node to bind to, no NVIDIA GPU to use.
NONE = "none"

_DURATION = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h))+|-?[0-9]+")
_UUID = re.compile(r"(?:GPU|MIG)-[0-9a-fA-F-]{8,}")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class Policy:
    """The operator's wishes; a field that is None is for the plan to decide."""

    objective: str = "balanced"
    num_threads: int | None = None
    numa_node: int | str | None = None
    bind_method: str | None = None
    num_parallel: int | None = None
    max_loaded_models: int | None = None
    keep_alive: str | None = None
    flash_attention: bool | None = None
    kv_cache_type: str | None = None
    context_length: int | None = None
    cache_ram_bytes: int | None = None
    load_mode: str | None = None
    sched_spread: bool | None = None
    cuda_visible_devices: tuple[str, ...] | None = None
    host: str = DEFAULT_HOST
    models_path: str | None = None
    binary_path: str | None = None
    instances: str | tuple[dict[str, Any], ...] | None = None
    reference_models: tuple[ReferenceModel, ...] = ()
    gpu_reserve_bytes: int | None = None
    max_queue: int | None = None
    lint_level: str = "fatal"
    hardening: bool | None = None
    transparent_hugepage: str | None = None
    numa_balancing: bool | None = None
    limit_nofile: int | None = None
    oom_score_adjust: int | None = None
    api_key: bool = False
    secrets_path: str = "/etc/ollama/secrets.env"
    dropin_name: str = "override.conf"
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


def _whole(lowest: int, highest: int | None = None) -> Callable[[object], int]:
    allowed = (
        f"a whole number of at least {lowest}" if highest is None else f"a whole number from {lowest} to {highest}"
    )

    def parse(value: object) -> int:
        text = str(value).strip()
        if isinstance(value, (bool, float)) or not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError(allowed)
        number = int(text)
        if number < lowest or (highest is not None and number > highest):
            raise ValueError(allowed)
        return number

    return parse


def _choice(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if str(value) not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return parse


def _boolean(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return text in _TRUE


def _node(value: object) -> int | str:
    if str(value).strip().lower() == NONE:
        return NONE
    try:
        return _whole(0)(value)
    except ValueError:
        raise ValueError("the id of a NUMA node, such as 0, or none") from None


def _duration(value: object) -> str:
    text = str(value).strip()
    if isinstance(value, bool) or not _DURATION.fullmatch(text):
        raise ValueError(
            "seconds such as 300, a Go duration such as 90s, 30m or 24h, 0 (unload at once) or -1 (never unload)"
        )
    return text


def _devices(value: object) -> tuple[str, ...]:
    parts = list(value) if isinstance(value, (list, tuple)) else str(value).split(",")
    devices = tuple(str(part).strip() for part in parts)
    if devices in ((NONE,), ("-1",)):
        return ()
    if not devices or len(set(devices)) != len(devices):
        raise ValueError("GPU indexes of nvidia-smi or UUIDs, each once, such as 0,1; or none")
    for device in devices:
        if not device.isdigit() and not _UUID.fullmatch(device):
            raise ValueError("GPU indexes of nvidia-smi or UUIDs (GPU-…, MIG-…), such as 0,1; or none")
    return devices


def _path(value: object) -> str:
    text = str(value)
    if not text.startswith("/") or _CONTROL.search(text) or posixpath.normpath(text) != (text.rstrip("/") or "/"):
        raise ValueError("an absolute path without .. and control characters, such as /srv/ollama")
    return posixpath.normpath(text)


def _host(value: object) -> str:
    text = str(value).strip()
    if split_host(text) is None:
        raise ValueError("an address and a port from 1 to 65535, such as 127.0.0.1:11434, 0.0.0.0:11434 or [::1]:11434")
    return text


def split_host(text: str) -> tuple[str, int] | None:
    """``0.0.0.0:11434`` as address and port, with Ollama's defaults (envconfig/config.go, Host); None where malformed.

    A scheme is refused: http:// without a port would mean port 80, and the server speaks plain HTTP whatever it says.
    """
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]*)(?::([0-9]{1,5}))?", text)
    if match is None or not text:
        return None
    port = int(match[2]) if match[2] else 11434
    if not 0 < port < 65536:
        return None
    return match[1].strip("[]") or "127.0.0.1", port


def _environment(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("a mapping of environment names to values")
    result: dict[str, str] = {}
    for name, content in value.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
            raise ValueError(f"names of letters, digits and underscores; {name!r} is none")
        if isinstance(content, bool):
            # YAML has made true of "on" already; Ollama reads only 1 and 0 the way that is meant.
            result[str(name)] = "1" if content else "0"
        elif isinstance(content, (str, int, float)):
            result[str(name)] = str(content)
        else:
            raise ValueError(f"text or a number as each value; {name} has {type(content).__name__}")
    return dict(sorted(result.items()))


def _instances(value: object) -> str | tuple[dict[str, Any], ...]:
    if isinstance(value, str) and value in INSTANCES:
        return value
    if not isinstance(value, (list, tuple)) or not value or not all(isinstance(entry, Mapping) for entry in value):
        raise ValueError(f"one of {', '.join(INSTANCES)}, or a list of mappings, each with a name")
    return tuple(dict(entry) for entry in value)


def _dropin_name(value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+\.conf", str(value)) or str(value).startswith("."):
        raise ValueError("a file name that ends in .conf, such as override.conf")
    return str(value)


_PARSERS: dict[str, Callable[[object], Any]] = {
    "objective": _choice(*OBJECTIVES),
    # 1024 is above every machine that Ollama was seen on and keeps a slip of the keyboard from starting 10^6 threads.
    "num_threads": _whole(1, 1024),
    "numa_node": _node,
    "bind_method": _choice(*BIND_METHODS),
    "num_parallel": _whole(1, 1024),
    "max_loaded_models": _whole(1, 1024),
    "keep_alive": _duration,
    "flash_attention": _boolean,
    "kv_cache_type": _choice(*KV_CACHE_TYPES),
    "context_length": _whole(1, 1 << 24),
    "cache_ram_bytes": _whole(0),
    "load_mode": _choice(*LOAD_MODES),
    "sched_spread": _boolean,
    "cuda_visible_devices": _devices,
    "host": _host,
    "models_path": _path,
    "binary_path": _path,
    "instances": _instances,
    "reference_models": parse_models,
    "gpu_reserve_bytes": _whole(0),
    "max_queue": _whole(1, 1 << 20),
    "lint_level": _choice(*LINT_LEVELS),
    "hardening": _boolean,
    "transparent_hugepage": _choice(*HUGEPAGES),
    "numa_balancing": _boolean,
    "limit_nofile": _whole(1024),
    "oom_score_adjust": _whole(-1000, 1000),
    "api_key": _boolean,
    "secrets_path": _path,
    "dropin_name": _dropin_name,
    "environment": _environment,
}
# Where the plan has nothing to decide, ``auto`` is a value like any other wrong one.
_NO_AUTO = (
    "objective",
    "host",
    "api_key",
    "secrets_path",
    "dropin_name",
    "environment",
    "reference_models",
    "lint_level",
)


def parse(wishes: Mapping[str, Any]) -> tuple[Policy, list[str]]:
    """Every wish parsed; and a sentence for each that is wrong: the variable, the value, what is allowed."""
    errors: list[str] = []
    fields: dict[str, Any] = {}
    for key, value in wishes.items():
        parser = _PARSERS.get(str(key))
        if parser is None:
            errors.append(
                f"ollama_{key}: no such variable; the plan knows {', '.join('ollama_' + k for k in sorted(_PARSERS))}"
            )
        elif value is None or (key not in _NO_AUTO and str(value).strip().lower() in ("auto", "")):
            continue
        else:
            try:
                fields[str(key)] = parser(value)
            except ValueError as error:
                auto = "" if key in _NO_AUTO else "auto, or "
                errors.append(f"ollama_{key}: {_short(value)} is not allowed; allowed is {auto}{error}")
    return Policy(**fields), errors


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


__all__ = ("DEFAULT_HOST", "KV_CACHE_TYPES", "LOAD_MODES", "NONE", "OBJECTIVES", "Policy", "parse", "split_host")
