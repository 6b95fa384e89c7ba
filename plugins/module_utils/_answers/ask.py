# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a server the same prompts in the same way, one at a time, so that its answers can be compared with others.

docs/api.md of Ollama: POST /api/generate with ``stream`` false answers with ``response``, ``thinking``,
``done_reason``, ``prompt_eval_count`` and ``eval_count``. The options temperature, seed and num_predict are handed on
to llama-server (llm/llama_server.go of 0.32.15), which takes the likeliest token each time at a temperature of 0.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._answers.bounds import (
    LONGEST_PROMPT,
    LONGEST_WAIT,
    MOST_PROMPTS,
    MOST_TOKENS,
)
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.library import Library
from ansible_collections.inference.ollama.plugins.module_utils._models.server import Server
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher, read_api
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

SCHEMA = 1
# Of unlike kinds, since a change of the arithmetic shows in one and not in another: facts, sums, code, languages, a
# fixed form, a text that goes on.
PROMPTS = (
    "Name the three largest planets of the solar system, the largest first, and say one fact about each.",
    "A train leaves at 14:35 and arrives at 17:10. How long does it take? Show each step.",
    "Write a Python function that returns whether a text is a palindrome. Answer with the code alone.",
    "Translate into German, French and Spanish: The server answers as long as there is memory left.",
    'Answer with JSON alone, with the keys "city", "country" and "rivers", for the capital of Austria.',
    "Continue this text with two sentences: The old lighthouse had not been lit for eleven years, and",
)
# Of the text of one answer: a token has a few bytes, and one of a thousand says nothing more of a difference.
_LONGEST_TEXT = 1 << 16
_LARGEST_SEED = 1 << 31
_COUNTED = 1 << 53


def check(params: Mapping[str, Any]) -> None:
    """Raise OllamaError for the first option that is not right."""
    check_url(params["url"])
    if not params["model"].strip():
        raise OllamaError("model: it is empty; allowed is the name of a model that the server has")
    for name, most in (("num_predict", MOST_TOKENS), ("timeout", LONGEST_WAIT), ("max_duration", LONGEST_WAIT)):
        if not 0 < params[name] <= most:
            raise OllamaError(f"{name}: {params[name]:g} is not allowed; allowed is a number above 0 up to {most}")
    if not 0 <= params["seed"] < _LARGEST_SEED:
        raise OllamaError(f"seed: {params['seed']} is not allowed; allowed is 0 to {_LARGEST_SEED - 1}")
    prompts = params["prompts"]
    if len(prompts) > MOST_PROMPTS:
        raise OllamaError(f"prompts: there are {len(prompts)}, at most {MOST_PROMPTS} are asked")
    for number, prompt in enumerate(prompts, 1):
        if not 0 < len(prompt.strip()) <= LONGEST_PROMPT:
            raise OllamaError(
                f"prompts: number {number} has {len(prompt)} characters; allowed are 1 to {LONGEST_PROMPT}, not blank"
            )


def ask(params: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> dict[str, Any]:
    """RETURN of the module answers_info, below ``answers``; OllamaError for options that are not right."""
    check(params)
    url, until = params["url"].rstrip("/"), clock() + params["max_duration"]
    root = Proc("/")
    release = read_api(root, fetcher(params["timeout"]), url)["version"]
    problems = list(root.problems)
    options = {"temperature": 0, "seed": params["seed"], "num_predict": params["num_predict"]}
    answers = []
    for prompt in params["prompts"] or PROMPTS:
        left = until - clock()
        if left <= 0:
            error = f"it was not asked: max_duration, {params['max_duration']:g} s, was over"
            answers.append(_answer(prompt, {}, error))
            continue
        fetch = fetcher(min(left, params["timeout"]))
        answers.append(_asked(fetch, url, {"model": params["model"], "prompt": prompt, "options": options}))
    return {
        "schema": SCHEMA,
        "url": url,
        "release": release,
        "model": params["model"],
        "digest": _digest(url, params, problems),
        "options": options,
        "answers": answers,
        "problems": problems,
    }


def _digest(url: str, params: Mapping[str, Any], problems: list[str]) -> str | None:
    try:
        entry = Library(Server(url, params["timeout"])).entry(params["model"])
    except OllamaError as error:
        problems.append(str(error))
        return None
    if entry is None:
        problems.append(f"{url}/api/tags: it has no model {params['model']}")
        return None
    return entry.digest


def _asked(fetch: Fetch, url: str, body: dict[str, Any]) -> dict[str, Any]:
    said, problem = fetch(f"{url}/api/generate", {**body, "stream": False})
    if problem is None and not isinstance(said, dict):
        problem = f"{url}/api/generate: the answer is not a JSON object"
    elif problem is None and not isinstance(said.get("response"), str):
        problem = f"{url}/api/generate: the answer has no text response"
    return _answer(body["prompt"], said if isinstance(said, dict) else {}, problem)


def _answer(prompt: str, said: Mapping[str, Any], problem: str | None) -> dict[str, Any]:
    text = None if problem is not None else said["response"]
    thinking = said.get("thinking") if problem is None and isinstance(said.get("thinking"), str) else None
    reason = said.get("done_reason") if problem is None else None
    return {
        "prompt": prompt,
        "text": None if text is None else _plain(text),
        "thinking": None if thinking is None else _plain(thinking),
        # Of all of it, however much is kept.
        "sha256": None if text is None else _sha256(f"{thinking or ''}\0{text}"),
        "prompt_tokens": None if problem is not None else _count(said.get("prompt_eval_count")),
        "output_tokens": None if problem is not None else _count(said.get("eval_count")),
        "done_reason": one_line(reason, 40) if isinstance(reason, str) else None,
        "error": None if problem is None else one_line(problem, 300),
    }


def _plain(text: str) -> str:
    """What is kept of a text: a surrogate alone is no text that a file can hold."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _COUNTED else None
