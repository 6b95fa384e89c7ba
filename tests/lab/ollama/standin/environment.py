# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ollama reads its environment (envconfig/config.go): the same leniency, the same traps.

Runs on Python 3.9, the floor on targets.
"""

from __future__ import annotations

import os
import re
from typing import Any, Mapping, NamedTuple

TRUE = ("1", "t", "T", "TRUE", "true", "True")
FALSE = ("0", "f", "F", "FALSE", "false", "False")
FOREVER = float("inf")

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
# Cross-origin patterns that the web framework accepts; it panics on anything else.
_ORIGIN = re.compile(r"(https?|app|file|tauri|vscode-webview|vscode-file|[a-z]+-extension)://")


class Address(NamedTuple):
    """Where the server listens, or where a client looks for it."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Settings(NamedTuple):
    """What the stand-in acts on."""

    address: Address
    models: str
    keep_alive: float
    parallel: int
    queue: int
    context: int
    flash_attention: bool | None
    kv_cache_type: str


def text(env: Mapping[str, str], name: str) -> str:
    """A value without the blanks and quotes around it; empty means unset."""
    return env.get(name, "").strip().strip("\"'")


def boolean(value: str) -> bool | None:
    """Anything that is no known word is true: ``off`` switches on. None where unset."""
    if not value:
        return None
    return value not in FALSE


def unsigned(value: str, default: int) -> int:
    return int(value) if value.isascii() and value.isdigit() else default


def duration(value: str, default: float = 300.0) -> float:
    """Seconds; below nought is for ever, and what Go cannot read is the default without a word."""
    if re.fullmatch(r"[-+]?\d+", value):
        seconds = float(value)
    else:
        sign, rest = (-1, value[1:]) if value.startswith("-") else (1, value.lstrip("+"))
        if not rest or _PART.sub("", rest):
            return default
        seconds = sign * sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(rest))
    return FOREVER if seconds < 0 else seconds


def go_duration(seconds: float) -> str:
    """As Go prints it: ``5m0s``."""
    if seconds == FOREVER:
        return "2562047h47m16.854775807s"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours:.0f}h{minutes:.0f}m{rest:g}s"
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"


def address(value: str) -> Address:
    """``host``, ``:port``, ``host:port``, ``[v6]:port``, or a URL of one; a bad port is the default one."""
    scheme, separator, rest = value.strip().partition("://")
    if not separator:
        scheme, rest = "http", value.strip()
    default = {"https": 443, "http": 80}.get(scheme, 11434) if separator else 11434
    rest = rest.partition("/")[0]
    match = re.fullmatch(r"\[([^\]]*)\]:([^:]*)|([^:\[\]]*):([^:]*)", rest)
    if match is None:
        host, port = rest.strip("[]") or "127.0.0.1", str(default)
    else:
        host, port = match[1] or match[3] or "", match[2] if match[1] is not None else match[4]
    number = int(port) if port.isascii() and port.isdigit() and int(port) <= 65535 else default
    return Address(scheme, host, number)


def check_origins(value: str) -> None:
    """Raise where the server panics: a bare host name is no origin."""
    for origin in filter(None, (part.strip() for part in value.split(","))):
        if "*" not in origin and not _ORIGIN.match(origin):
            raise ValueError("bad origin: origins must contain '*' or include http://,https://,app://,file://,tauri://")


def read(env: Mapping[str, str], home: str) -> Settings:
    check_origins(text(env, "OLLAMA_ORIGINS"))
    return Settings(
        address=address(text(env, "OLLAMA_HOST")),
        models=text(env, "OLLAMA_MODELS") or os.path.join(home, ".ollama/models"),
        keep_alive=duration(text(env, "OLLAMA_KEEP_ALIVE")),
        parallel=unsigned(text(env, "OLLAMA_NUM_PARALLEL"), 1) or 1,
        queue=unsigned(text(env, "OLLAMA_MAX_QUEUE"), 512),
        context=unsigned(text(env, "OLLAMA_CONTEXT_LENGTH"), 0) or 4096,
        flash_attention=boolean(text(env, "OLLAMA_FLASH_ATTENTION")),
        kv_cache_type=text(env, "OLLAMA_KV_CACHE_TYPE").lower(),
    )


def shown(env: Mapping[str, str], settings: Settings) -> str:
    """The map of the log line "server config". Other LLAMA_ARG_* are not in it, nor is a client's key."""
    words = ("DEBUG", "NO_CLOUD", "NOHISTORY", "NOPRUNE", "SCHED_SPREAD", "FLASH_ATTENTION", "VULKAN")
    known: dict[str, Any] = {f"OLLAMA_{word}": bool(boolean(text(env, f"OLLAMA_{word}"))) for word in words}
    plain = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL",
             "HSA_OVERRIDE_GFX_VERSION", "GGML_VK_VISIBLE_DEVICES", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
             "LLAMA_ARG_FIT", "LLAMA_ARG_FIT_TARGET", "OLLAMA_LLM_LIBRARY", "OLLAMA_EDITOR")  # fmt: skip
    known.update({name: text(env, name) for name in plain})
    known.update(
        OLLAMA_HOST=f"{settings.address.scheme}://{settings.address}",
        OLLAMA_MODELS=settings.models,
        OLLAMA_KEEP_ALIVE=go_duration(settings.keep_alive),
        OLLAMA_LOAD_TIMEOUT=go_duration(duration(text(env, "OLLAMA_LOAD_TIMEOUT")) or FOREVER),
        OLLAMA_NUM_PARALLEL=settings.parallel,
        OLLAMA_MAX_LOADED_MODELS=unsigned(text(env, "OLLAMA_MAX_LOADED_MODELS"), 0),
        OLLAMA_MAX_QUEUE=settings.queue,
        OLLAMA_CONTEXT_LENGTH=unsigned(text(env, "OLLAMA_CONTEXT_LENGTH"), 0),
        OLLAMA_GPU_OVERHEAD=unsigned(text(env, "OLLAMA_GPU_OVERHEAD"), 0),
        OLLAMA_KV_CACHE_TYPE=settings.kv_cache_type,
        OLLAMA_ORIGINS="[" + " ".join(text(env, "OLLAMA_ORIGINS").split(",")).strip() + "]",
    )
    flat = {name: str(value).lower() if isinstance(value, bool) else value for name, value in known.items()}
    return "map[" + " ".join(f"{name}:{value}" for name, value in sorted(flat.items())) + "]"


def warnings(env: Mapping[str, str]) -> list[str]:
    """Log fields of "invalid environment variable, using default"."""
    numbers = {"NUM_PARALLEL": 1, "MAX_QUEUE": 512}
    numbers.update(dict.fromkeys(("MAX_LOADED_MODELS", "CONTEXT_LENGTH", "GPU_OVERHEAD"), 0))
    found = ((f"OLLAMA_{word}", text(env, f"OLLAMA_{word}"), default) for word, default in numbers.items())
    return [
        f"key={name} value={value} default={default}"
        for name, value, default in found
        if value and not (value.isascii() and value.isdigit())
    ]


def host_of(env: Mapping[str, str]) -> Address:
    """Where a client finds the server: an address that means "everywhere" is here."""
    found = address(text(env, "OLLAMA_HOST"))
    return found._replace(host="127.0.0.1") if found.host in ("", "0.0.0.0", "::") else found
