# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What models in memory show of a setting: command lines of runners, the API, and what was logged of their start.

The contract says which of them counts in which release; the reader has taken the log apart already, so that a pattern
of the contract stands for a place in ``journal.starts``. Sources: llm/llama_server.go, llm/server.go of Ollama.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import last_of, options_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import mapping, number, text
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Proof, Setting
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

_THREADS, _CONTEXT = "LLAMA_ARG_THREADS", "context_length"
_DECIMAL = re.compile("[0-9]{1,12}")
# Where the reader puts what the contract's pattern finds. LLAMA_ARG_THREADS has a check of its own, compute_threads.
_LOGGED = {
    "LLAMA_ARG_CACHE_RAM": ("prompt_cache_mib", None),
    "LLAMA_ARG_CACHE_TYPE_K": ("kv_cache", "k_type"),
    "LLAMA_ARG_CACHE_TYPE_V": ("kv_cache", "v_type"),
    "LLAMA_ARG_LOAD_MODE": ("load_mode", None),
    "OLLAMA_FLASH_ATTENTION": ("parameters", "flash_attention"),
    "OLLAMA_KV_CACHE_TYPE": ("kv_cache", "k_type"),
    "OLLAMA_NUM_PARALLEL": ("parameters", "parallel"),
}
# The codes of warnings that explain why no model runs with it.
REFUSALS = {
    "OLLAMA_FLASH_ATTENTION": ("flash-attention",),
    "OLLAMA_KV_CACHE_TYPE": ("kv-cache-type", "flash-attention"),
    "LLAMA_ARG_CACHE_TYPE_K": ("kv-cache-type",),
    "LLAMA_ARG_CACHE_TYPE_V": ("kv-cache-type",),
    "LLAMA_ARG_LOAD_MODE": ("mlock",),
    "LLAMA_ARG_MLOCK": ("mlock",),
}


class Effect(NamedTuple):
    """What one model shows; ``same`` is None where it says neither yes nor no."""

    seen: str
    same: Optional[bool]
    evidence: str


def of_a_model(setting: Setting, proof: Proof) -> bool:
    """Whether only a model in memory shows it so."""
    if proof.kind == "journal":
        return setting.name in _LOGGED or setting.name == _THREADS
    return proof.kind in ("command_line", "runner_status") or (proof.kind == "api" and proof.field == _CONTEXT)


def find_effects(
    subject: Subject, setting: Setting, proofs: Iterable[Proof], value: str, runners: Sequence[Process]
) -> list[Effect]:
    """What these runners show of the setting, by the strongest proof that shows anything."""
    for proof in proofs:
        # Locked memory says something of the load modes that lock, and nothing of the others.
        if proof.kind == "runner_status" and setting.type == "enum" and "mlock" not in value:
            continue
        found = [
            Effect(seen, _same(setting, proof, value, seen), evidence)
            for seen, evidence in _seen(subject, setting, proof, runners)
        ]
        if found:
            return found
    return []


def _same(setting: Setting, proof: Proof, value: str, seen: str) -> bool | None:
    if proof.kind == "runner_status":
        locked = seen != "0"
        return locked if setting.type == "enum" else same(setting.type, value, "1" if locked else "0")
    # "auto" leaves it to the runner, which is neither yes nor no.
    return None if seen == "auto" else same(setting.type, value, seen)


def _seen(subject: Subject, setting: Setting, proof: Proof, runners: Sequence[Process]) -> Iterator[tuple[str, str]]:
    if proof.kind == "api" and proof.field == _CONTEXT:
        for model in subject.observed.models or ():
            length = number(model.get("context_length"))
            if length is not None:
                yield str(length), f"/api/ps of {subject.planned['url']}, model {text(model.get('name')) or '?'}"
        return
    for runner in runners:
        found: object = None
        place = ""
        if proof.kind == "command_line":
            found, place = _on_command_line(runner, setting.name, proof.flag or ""), runner.file("cmdline")
        elif proof.kind == "runner_status":
            found, place = runner.locked_bytes, runner.file("status")
        elif proof.kind == "journal" and setting.name in _LOGGED and subject.observed.journal:
            part, key = _LOGGED[setting.name]
            start = subject.observed.start_of(runner)
            found = start.get(part) if key is None else mapping(start.get(part)).get(key)
            place = f"the log of {subject.unit} at the start of the runner {runner.pid}"
        if isinstance(found, (str, int)):
            yield str(found), place


def _on_command_line(runner: Process, name: str, flag: str) -> str | None:
    """The value of an option; a switch is on."""
    options = options_of(runner.command_line or ())
    said = options[flag] or "1" if flag in options else None
    if name != "OLLAMA_CONTEXT_LENGTH":
        return said
    # There it is the context of all slots together.
    slots = last_of(options, "-np", "--parallel") or ""
    if said is None or not all(_DECIMAL.fullmatch(word) for word in (said, slots)) or int(slots) == 0:
        return None
    return str(int(said) // int(slots))
