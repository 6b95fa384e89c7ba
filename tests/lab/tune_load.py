# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement by the collection's load generator, with the same load at each point. For tune_grid.py."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any, Dict, List, Mapping, NamedTuple

from tune_server import MODEL

COLLECTION = "ansible_collections.inference.ollama.plugins.module_utils"

# What a measurement may take beside its duration: to start a server, to load a model, the warm-up and the last answers.
AROUND_S = 60.0


class Load(NamedTuple):
    """So many callers who each wait for their answer, for so long."""

    concurrency: int
    duration: float
    prompt_tokens: int
    output_tokens: int

    @property
    def longest(self) -> float:
        """Seconds after which a measurement is over, with the start of its server."""
        return self.duration + AROUND_S

    def options(self, url: str, step: Mapping[str, Any]) -> Dict[str, Any]:
        """The options of the module benchmark for a step of the search, or one with a seed alone."""
        limits = step.get("limits") or {}
        return {
            "urls": [url],
            "model": MODEL,
            "concurrency": [step.get("concurrency") or self.concurrency],
            "duration": self.duration,
            "prompt_tokens": self.prompt_tokens,
            "output_tokens": self.output_tokens,
            "give_up_below": step.get("give_up_below"),
            "goodput": limits or None,
            "seed": step.get("seed", 0),
            "max_duration": self.longest,
        }

    def measure(self, url: str, step: Mapping[str, Any]) -> Dict[str, Any]:
        """The result of schema 1, or ``{error}``; as the module benchmark does it, without Ansible."""
        options, run = part("_benchmark.options"), part("_benchmark.run")
        problems: List[str] = []
        given = {name: spec.get("default") for name, spec in options.SPEC.items()}
        given.update({name: value for name, value in self.options(url, step).items() if value is not None})
        world = run.World(
            fetch=part("_service.api").fetcher(10),
            progress=part("_benchmark.progress").Progress(None, problems),
            sampler=None,
            began_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            own=os.urandom(3),
            problems=problems,
        )
        try:
            found: Dict[str, Any] = run.measure(options.check(given), world)
        except part("_errors").OllamaError as error:
            return {"error": str(error)}
        return found


def part(name: str) -> Any:
    """A file of the load generator."""
    return importlib.import_module(f"{COLLECTION}.{name}")
