# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a model into a server's memory by a request, and leave the memory as it was.

docs/api.md of Ollama: POST /api/generate, whose keep_alive and num_ctx count for the model from then on; a model that
only embeds answers it with status 400 and takes POST /api/embed. One that stays for ever expires in a year far ahead
(server/sched.go).
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher, read_api
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

# A few tokens prove that it computes.
_TOKENS = 8
_FAR_AHEAD, _FOR_EVER = 2200, -1
_ONLY_EMBEDS = "status 400"
_GREATEST = 1 << 63
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
# RFC 3339 with up to nine digits of a second, which Python 3.9 does not read.
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


class LoadError(OllamaError):
    """A model that did not answer; ``before`` is what was in memory."""

    def __init__(self, sentence: str, before: list[dict[str, Any]]) -> None:
        super().__init__(sentence)
        self.before = before


class Memory(NamedTuple):
    """A server: its address, how it is asked, and the time."""

    url: str
    fetch: Fetch
    now: datetime

    def models(self) -> list[dict[str, Any]]:
        """The models in memory, with the keys of ``api.models`` of service_info; OllamaError if it does not answer."""
        root = Proc("/")
        found = read_api(root, self.fetch, self.url)["models"]
        if found is None:
            raise OllamaError("; ".join(root.problems))
        return list(found)

    def load(self, name: str, keep_alive: str | int, context: int | None = None) -> float | None:
        """Let the model answer a few tokens; OllamaError with the server's message if it does not.

        Returns the milliseconds to the first token as the server counts them, the load and the prompt (docs/api.md:
        load_duration and prompt_eval_duration, in nanoseconds); None where it does not.
        """
        options = {"num_predict": _TOKENS, **({"num_ctx": context} if context else {})}
        body = {"model": name, "stream": False, "keep_alive": number_of(keep_alive), "options": options}
        said, problem = self.fetch(f"{self.url}/api/generate", {**body, "prompt": "Count to ten:"})
        if problem is not None and _ONLY_EMBEDS in problem:
            said, problem = self.fetch(f"{self.url}/api/embed", {**body, "input": "Count to ten:"})
        if problem is not None or not isinstance(said, dict):
            raise OllamaError(f"model {name}: it did not answer: {problem or 'the answer is not a JSON object'}")
        spent = [said.get("load_duration"), said.get("prompt_eval_duration", 0)]
        if not all(isinstance(each, int) and 0 <= each < _GREATEST for each in spent):
            return None
        milliseconds: float = sum(spent) / 1e6
        return round(milliseconds, 1)

    def unload(self, name: str) -> None:
        _said, problem = self.fetch(f"{self.url}/api/generate", {"model": name, "stream": False, "keep_alive": 0})
        if problem is not None:
            raise OllamaError(f"model {name}: it was not taken out of memory: {problem}")

    def evicted(self, before: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
        """Models that were in memory, are gone and would still be kept, each with the seconds left, -1 for ever."""
        here = {model["name"] for model in self.models()}
        gone = [model for model in before if isinstance(model.get("name"), str) and model["name"] not in here]
        return [(model, left) for model, left in ((each, self._stays(each.get("expires_at"))) for each in gone) if left]

    def bring_back(self, before: Iterable[dict[str, Any]]) -> list[str]:
        """Load the evicted models for the rest of their time; return their names."""
        gone = self.evicted(before)
        for model, left in gone:
            self.load(model["name"], left, model.get("context_length"))
        return [model["name"] for model, _left in gone]

    def stays_for_ever(self, model: dict[str, Any]) -> bool:
        """Whether a model in memory has no end to its time."""
        return self._stays(model.get("expires_at")) == _FOR_EVER

    def _stays(self, expires_at: object) -> int:
        """Seconds, -1 for ever, 0 for over."""
        match = _STAMP.fullmatch(expires_at) if isinstance(expires_at, str) else None
        if match is None:
            return 0
        year, month, day, clock, zone = match.groups()
        if int(year) >= _FAR_AHEAD:
            return _FOR_EVER
        try:
            moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{'+00:00' if zone == 'Z' else zone}")
        except ValueError:
            return 0
        return max(0, int((moment - self.now).total_seconds()))


def load_or_unload(params: Mapping[str, Any], *, acts: bool) -> dict[str, Any]:
    """The result of the module model for what is in memory; ``params`` were checked. LoadError, OllamaError."""
    name = same_name(params["name"])
    memory = Memory(params["url"].rstrip("/"), fetcher(params["timeout"]), datetime.now(timezone.utc))
    before = memory.models()
    here = {model["name"]: model for model in before}
    loaded: list[str] = []
    times: dict[str, float] = {}
    if params["state"] == "loaded":
        changed = name not in here or (is_for_ever(params["keep_alive"]) and not memory.stays_for_ever(here[name]))
        if changed and acts:
            try:
                spent = memory.load(params["name"], params["keep_alive"], params["context_length"])
            except OllamaError as error:
                raise LoadError(str(error), before) from None
            loaded, times = [name], {} if spent is None else {name: spent}
    else:
        unload = name in here and all(model.get("name") != name for model in params["before"])
        changed = unload or bool(memory.evicted(params["before"]))
        if changed and acts:
            if unload:
                memory.unload(params["name"])
            loaded = memory.bring_back(params["before"])
    return {"changed": changed, "before": before, "loaded": loaded, "time_to_first_token_ms": times}


def number_of(keep_alive: str | int) -> str | int:
    """How long a model stays, as a request has it: a number in a text has no unit, which the server does not take."""
    return int(keep_alive) if _NUMBER.fullmatch(str(keep_alive)) else keep_alive


def is_for_ever(keep_alive: str | int) -> bool:
    """Whether a request with it keeps a model in memory until something else takes it out; any negative time does."""
    return str(keep_alive).lstrip().startswith("-")


def same_name(name: str) -> str:
    """The name with its tag, as the server reports it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
