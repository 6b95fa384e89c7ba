# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that an operator wants the servers to have, ``ollama_models``, entry by entry.

What a request of Ollama's API takes for each: docs/api.md@0.32.15 (pull, copy, create, delete).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import key_of, same, shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._options import allowed, form_of, read
from ansible_collections.inference.ollama.plugins.plugin_utils._values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

ABSENT, PRESENT = "absent", "present"
# Where a model comes from where it is not pulled by its own name.
_ORIGINS = ("source", "file", "url", "base")
# What only a model that is created may have, and what only one that is pulled may.
_CREATED, _PULLED = ("parameters", "template", "system"), ("digest", "insecure", "update")
_NAMES = ("name", "source", "base")
# Without a user or a password, and of characters that need no quotes.
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+/[!-?A-~]{1,4096}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Characters of a template or a system message, which Ollama keeps in a file of the store.
_LONGEST_TEXT, _LONGEST_PATH, _LONGEST_NAME = 1 << 18, 4096, 80


@dataclass(frozen=True)
class ServedModel:
    """One entry. ``name`` has its tag; ``sha256`` and ``digest`` are hex without a prefix; None is what was not said.

    ``number`` is the entry's place in the list.
    """

    number: int
    name: str
    state: str = PRESENT
    digest: str | None = None
    source: str | None = None
    insecure: bool = False
    file: str | None = None
    url: str | None = None
    sha256: str | None = None
    base: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    template: str | None = None
    system: str | None = None
    update: bool = False
    size_bytes: int | None = None
    keep: bool = False
    warm_up: bool = False

    @property
    def present(self) -> bool:
        return self.state == PRESENT

    @property
    def created(self) -> bool:
        """Whether it is made here, and not pulled."""
        return bool(self.file or self.url or self.base)

    @property
    def where(self) -> str:
        """The entry in a sentence."""
        return f"entry {self.number} ({self.name})"

    def differs(self, other: ServedModel) -> list[str]:
        """The keys in which two entries of one name want other things of a store."""
        own = ("number", "keep", "warm_up", "name")
        names = [each.name for each in fields(self) if each.name not in own]
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def parse_served(value: object) -> tuple[ServedModel, ...]:
    """The operator's list; ValueError says what is allowed, and every key of every entry that is not that."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(load().types["served_models"])
    wrong: list[str] = []
    models: list[ServedModel] = []
    for number, entry in enumerate(value):
        with _noting(wrong):
            models.append(_entry(number, entry))
    wrong += _among(models)
    if wrong:
        raise ValueError("; ".join(wrong))
    return tuple(models)


@contextlib.contextmanager
def _noting(wrong: list[str], more: str = "") -> Iterator[None]:
    """Note what is not allowed in place of raising it."""
    try:
        yield
    except ValueError as error:
        wrong.append(f"{error}{more}")


def _entry(number: int, entry: object) -> ServedModel:
    if isinstance(entry, ServedModel):
        return entry
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping):
        raise ValueError(f"a name or a mapping for each model; entry {number} is {form_of(entry)}")
    known = load().options["models"].fields
    name = entry.get("name")
    where = f"entry {number}{f' ({name[:_LONGEST_NAME]})' if isinstance(name, str) else ''}"
    wrong = [f"{', '.join(known)} as keys; {where} has {quoted(str(key))}" for key in entry if key not in known]
    found: dict[str, Any] = {}
    for key, value in entry.items():
        if key in known and value is not None:
            with _noting(wrong, f" as {key}; in {where} it is {_shown(key, value)}"):
                found[key] = _field(known[key], value)
    if name is None:
        wrong.append(f"a model with a name; {where} has none")
    wrong += [] if wrong else _together(found, where)
    if wrong:
        raise ValueError("; ".join(wrong))
    # ``digest`` may have its prefix, as other programs show it.
    found.update((key, found[key].removeprefix("sha256:")) for key in ("digest",) if key in found)
    found.update((key, shortest(found[key])) for key in ("name", "base") if key in found)
    return ServedModel(number=number, **found)


def _field(option: Option, value: object) -> object:
    if option.type == "parameters":
        return _parameters(value)
    if option.type == "text":
        if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
            raise ValueError(f"{allowed(option)} of up to {_LONGEST_TEXT} characters")
        return value
    if option.type == "boolean" or isinstance(value, str) or (option.type == "bytes" and isinstance(value, int)):
        with contextlib.suppress(ValueError):
            return _right(option, read(option, value))
    raise ValueError(allowed(option))


def _right(option: Option, value: Any) -> object:  # noqa: ANN401 - as read() gives it
    if option.name in _NAMES:
        shortest(value)
    if option.name == "file" and (not value or len(value) > _LONGEST_PATH):
        raise ValueError
    if option.name == "url" and not _URL.fullmatch(value):
        raise ValueError
    return value


def _parameters(value: object) -> dict[str, Any]:
    """The parameters; a template of Ansible may have made a text of a number, which the server does not take."""
    says = load().types["parameters"]
    if not isinstance(value, Mapping) or not value:
        raise ValueError(says)
    made: dict[str, Any] = {}
    for name, content in value.items():
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name):
            raise ValueError(f"{says}, unlike {quoted(str(name))}")
        if isinstance(content, (list, tuple)) and content and all(isinstance(each, str) for each in content):
            made[name] = list(content)
        elif isinstance(content, (str, bool, int, float)):
            made[name] = content
        else:
            raise ValueError(f"{says}; {name} is {form_of(content)}")
    return made


def _together(found: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield what keys of one entry contradict each other."""
    given = [key for key in found if key not in ("name", "state")]
    if found.get("state") == ABSENT:
        if given:
            yield f"nothing beside the name of a model that is absent; {where} has {', '.join(given)}"
        return
    origins = [key for key in _ORIGINS if key in found]
    if len(origins) > 1:
        yield f"one of {', '.join(_ORIGINS)}; {where} has {' and '.join(origins)}"
        return
    created = bool(origins) and origins != ["source"]
    if not created and (extra := [key for key in _CREATED if key in found]):
        yield f"{', '.join(extra)} with base, file or url; {where} has none of them"
    if created and (extra := [key for key in _PULLED if key in found]):
        yield f"{', '.join(extra)} for a model that is pulled; {where} has {origins[0]}"
    if "url" in found and "sha256" not in found:
        yield f"url with sha256, by which it is known what came; {where} has none"
    if "sha256" in found and not {"file", "url"} & set(found):
        yield f"sha256 with file or url; {where} has neither"
    for key in ("source", "base"):
        if key in found and same(found[key], found["name"]):
            yield f"another name as {key}; in {where} it is the model's own"


def _among(models: list[ServedModel]) -> Iterator[str]:
    """Yield what entries contradict each other: one name twice, bases in a circle, a base that is to be absent."""
    keys = [key_of(model.name) for model in models]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            first = models[keys.index(key)]
            yield f"each model once; entry {models[place].number} repeats the name {first.name} of entry {first.number}"
    by_key = dict(zip(keys, models))
    for model in models:
        seen, other = [model], by_key.get(key_of(model.base)) if model.base else None
        if other is not None and not other.present:
            yield f"a base that stays; that of {model.where} is absent by entry {other.number}"
        while other is not None and other not in seen:
            seen.append(other)
            other = by_key.get(key_of(other.base)) if other.base else None
        if other is model:
            yield f"bases that end at a model with none; {model.where} is derived from itself"


def in_order(models: Iterable[ServedModel]) -> list[ServedModel]:
    """The models with each base before what is derived from it, else as they are."""
    waiting, done = list(models), []
    while waiting:
        names = {key_of(model.name) for model in waiting}
        ready = [model for model in waiting if not model.base or key_of(model.base) not in names]
        done += ready or waiting
        waiting = [model for model in waiting if model not in done]
    return done


def _shown(key: str, value: object) -> str:
    """The value in a sentence; of what may be long or private its form alone."""
    if key in ("template", "system", "parameters", "url") or not isinstance(value, (str, int, float)):
        return form_of(value)
    return quoted(value) if isinstance(value, str) else repr(value)


def listed_instances(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of ollama_instances, where it is a list."""
    instances = options.get("instances")
    return [entry for entry in instances if isinstance(entry, Mapping)] if isinstance(instances, (list, tuple)) else []


def entries_of(options: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the entries of all lists of models, of the role and of instances, as they were written."""
    for value in (options.get("models"), *(entry.get("models") for entry in listed_instances(options))):
        yield from value if isinstance(value, (list, tuple)) else ()


def served_names(options: Mapping[str, Any]) -> list[str]:
    """The names of the models that are to be there, right ones and wrong ones."""
    named = [entry if isinstance(entry, Mapping) else {"name": entry} for entry in entries_of(options)]
    return [str(entry["name"]) for entry in named if entry.get("name") and entry.get("state") != ABSENT]
