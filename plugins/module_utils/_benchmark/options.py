# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the options of a measurement, all at once, and say what it would do."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.bounds import (
    DEFAULTS,
    GOODPUT,
    LONGEST,
    MODEL,
    MOST_IN_FLIGHT,
    MOST_POINTS,
    MOST_RATE,
    NUMBERS,
    SECONDS,
)
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.point import (
    CONCURRENT,
    CONSTANT,
    POISSON,
    Load,
)
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.prompts import DEFEAT, USE
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

# systemd.unit(5), the characters of a unit's name.
_UNIT = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_:.\\@-]{0,246}\.service")
_KEEP_ALIVE = re.compile(r"[+-]?[0-9]{1,9}|-?(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ns|us|ms|s|m|h))+")
# So that the prompts of no point are those of another one.
_NUMBERS_OF_A_POINT = 1 << 20

SPEC: dict[str, dict[str, Any]] = {
    "urls": {"type": "list", "elements": "str", "default": ["http://127.0.0.1:11434"]},
    "model": {"type": "str", "required": True},
    "concurrency": {"type": "list", "elements": "int"},
    "request_rate": {"type": "list", "elements": "float", "default": []},
    "arrival": {"type": "str", "choices": [POISSON, CONSTANT], "default": DEFAULTS["arrival"]},
    # Their names look like those of secrets.
    "prompt_tokens": {"type": "int", "default": DEFAULTS["prompt_tokens"], "no_log": False},
    "output_tokens": {"type": "int", "default": DEFAULTS["output_tokens"], "no_log": False},
    "output_tokens_stdev": {"type": "int", "default": DEFAULTS["output_tokens_stdev"], "no_log": False},
    "prompt_cache": {"type": "str", "choices": [DEFEAT, USE], "default": DEFAULTS["prompt_cache"]},
    "warmup_requests": {"type": "int"},
    "duration": {"type": "float", "default": DEFAULTS["duration"]},
    "requests": {"type": "int", "default": DEFAULTS["requests"]},
    "max_duration": {"type": "float", "default": 600},
    "request_timeout": {"type": "float", "default": 60},
    "give_up_below": {"type": "float"},
    "goodput": {"type": "dict", "default": {}},
    "seed": {"type": "int", "default": 0},
    "units": {"type": "list", "elements": "str", "default": []},
    "keep_alive": {"type": "str", "default": "10m"},
    "progress_file": {"type": "path"},
}


class Options(NamedTuple):
    """The options of a measurement, checked."""

    urls: tuple[str, ...]
    model: str
    points: tuple[Load, ...]
    prompt_tokens: int
    output_tokens: int
    output_tokens_stdev: int
    prompt_cache: str
    max_duration: float
    request_timeout: float
    goodput: dict[str, float]
    seed: int
    units: tuple[str, ...]
    keep_alive: str
    progress_file: str | None
    workload: dict[str, Any]


def check(params: Mapping[str, Any]) -> Options:
    """Return the options; OllamaError with a line for each one that is wrong."""
    wrong = [*_wrong_names(params), *_wrong_numbers(params), *_wrong_lists(params), *_wrong_limits(params)]
    if wrong:
        raise OllamaError("\n".join(wrong))
    goodput = {name: float(limit) for name, limit in params["goodput"].items()}
    kept = ("prompt_tokens", "output_tokens", "output_tokens_stdev", "prompt_cache", "warmup_requests")
    rest = ("duration", "requests", "request_timeout", "seed", "arrival")
    return Options(
        urls=tuple(url.rstrip("/") for url in params["urls"]),
        model=params["model"],
        points=tuple(_points(params)),
        prompt_tokens=params["prompt_tokens"],
        output_tokens=params["output_tokens"],
        output_tokens_stdev=params["output_tokens_stdev"],
        prompt_cache=params["prompt_cache"],
        max_duration=params["max_duration"],
        request_timeout=params["request_timeout"],
        goodput=goodput,
        seed=params["seed"],
        units=tuple(params["units"]),
        keep_alive=params["keep_alive"],
        progress_file=params["progress_file"],
        workload={**{name: params[name] for name in (*kept, *rest)}, "goodput": goodput},
    )


def _concurrency(params: Mapping[str, Any]) -> list[int]:
    """The concurrencies; one request at a time where nothing else is asked for."""
    asked = params["concurrency"]
    return list(asked) if asked is not None else [] if params["request_rate"] else [1]


def _points(params: Mapping[str, Any]) -> list[Load]:
    asked: list[tuple[str, int | None, float | None]] = [(CONCURRENT, each, None) for each in _concurrency(params)]
    asked += [(params["arrival"], None, rate) for rate in params["request_rate"]]
    warmup = params["warmup_requests"]
    return [
        Load(
            profile=profile,
            concurrency=concurrency,
            request_rate=rate,
            duration=params["duration"],
            requests=params["requests"],
            warmup_requests=(concurrency or 1) if warmup is None else warmup,
            give_up_below=params["give_up_below"],
            seed=params["seed"],
            first_number=(place + 1) * _NUMBERS_OF_A_POINT,
        )
        for place, (profile, concurrency, rate) in enumerate(asked)
    ]


def _wrong_names(params: Mapping[str, Any]) -> list[str]:
    wrong = [problem for problem in map(_wrong_url, params["urls"]) if problem]
    if not params["urls"]:
        wrong.append("urls: it is empty; allowed is at least one address, such as http://127.0.0.1:11434")
    if len({url.rstrip("/") for url in params["urls"]}) < len(params["urls"]):
        wrong.append("urls: an address is in it twice; allowed is each server once")
    if MODEL.fullmatch(params["model"]) is None:
        wrong.append(f"model: {params['model'][:80]!r} is not the name of a model such as llama3.2:3b")
    if _KEEP_ALIVE.fullmatch(params["keep_alive"]) is None:
        wrong.append(f"keep_alive: {params['keep_alive'][:80]!r} is not a time such as 10m, 600 or -1")
    wrong += [
        f"units: {unit[:80]!r} is not the name of a service such as ollama.service"
        for unit in params["units"]
        if _UNIT.fullmatch(unit) is None
    ]
    path = params["progress_file"]
    if path is not None and (not os.path.isabs(path) or not os.path.isdir(os.path.dirname(path))):
        wrong.append(f"progress_file: {path[:200]!r} is not an absolute path in a folder that is there")
    return wrong


def _wrong_url(url: str) -> str:
    try:
        check_url(url)
    except OllamaError as error:
        return f"urls: {str(error)[len('url: ') :]}"
    return ""


def _wrong_numbers(params: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name, (least, most) in NUMBERS.items():
        if params[name] is not None and not least <= params[name] <= most:
            wrong.append(f"{name}: {params[name]} is not a number from {least} to {most}")
    most = params["output_tokens"] // 2
    if not 0 <= params["output_tokens_stdev"] <= most:
        wrong.append(
            f"output_tokens_stdev: {params['output_tokens_stdev']} is not a number from 0 to {most}, half of"
            " output_tokens"
        )
    for name, shortest in SECONDS.items():
        if not shortest <= params[name] <= LONGEST:
            wrong.append(f"{name}: {params[name]:g} is not a number of seconds from {shortest:g} to {LONGEST}")
    least = params["give_up_below"]
    if least is not None and not _positive(least):
        wrong.append(f"give_up_below: {least:g} is not a number of tokens per second above 0")
    return wrong


def _wrong_lists(params: Mapping[str, Any]) -> list[str]:
    asked = _concurrency(params)
    wrong = [
        f"concurrency: {each} is not a number from 1 to {MOST_IN_FLIGHT}"
        for each in asked
        if not 1 <= each <= MOST_IN_FLIGHT
    ]
    wrong += [
        f"request_rate: {rate:g} is not a number of requests per second above 0 and up to {MOST_RATE}"
        for rate in params["request_rate"]
        if not (_positive(rate) and rate <= MOST_RATE)
    ]
    if not asked and not params["request_rate"]:
        wrong.append("concurrency: it is empty, and so is request_rate; at least one of them has to name a point")
    if len(asked) + len(params["request_rate"]) > MOST_POINTS:
        count = len(asked) + len(params["request_rate"])
        wrong.append(f"concurrency, request_rate: {count} points are more than {MOST_POINTS}")
    return wrong


def _wrong_limits(params: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name, limit in params["goodput"].items():
        if name not in GOODPUT:
            wrong.append(f"goodput: {str(name)[:80]!r} is not one of {', '.join(GOODPUT)}")
        elif not _positive(limit):
            wrong.append(f"goodput: {name} is {str(limit)[:80]!r}, expected a number above 0")
    return wrong


def _positive(value: Any) -> bool:  # noqa: ANN401 - whatever stands in a playbook
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool) and math.isfinite(number) and number > 0


def would(options: Options) -> list[str]:
    """Say in sentences what a measurement with these options does."""
    cache = {
        DEFEAT: "no two of which begin alike, so that the server's prompt cache does not help",
        USE: "which is the same in all, so that the server's prompt cache helps",
    }[options.prompt_cache]
    varied = f", give or take {options.output_tokens_stdev}" if options.output_tokens_stdev else ""
    said = [
        (
            f"would send requests to {', '.join(options.urls)} for {options.model}, with a prompt of about"
            f" {options.prompt_tokens} tokens, {cache}, and ask for {options.output_tokens} tokens each{varied}"
        ),
        (
            "would load the model where it is not in memory, and find out with at most three requests how long a prompt"
            f" of {options.prompt_tokens} tokens is"
        ),
    ]
    said += [
        f"would measure {load.text()} for {load.duration:g} s or {load.requests} requests, after"
        f" {load.warmup_requests} that do not count"
        for load in options.points
    ]
    if options.units:
        said.append(f"would sample the processes of {', '.join(options.units)} and this host's CPUs and GPUs meanwhile")
    said.append(f"would end after {options.max_duration:g} s at the latest")
    return said
