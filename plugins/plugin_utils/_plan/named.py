# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models names, files and ``auto`` stand for, by what was read of a host's store and of files.

What was read is as the module models_info returns it: ``{models: [record], stores: [{path, readable, models, …}],
problems}``, with the records of files among the models. The rules are in docs/reference-models.md.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._fleet.role import coming_in_numbers
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import is_file, listed, same
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import (
    ReferenceModel,
    from_record,
    is_auto,
    parse_models,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._served.wanted import served_names

if TYPE_CHECKING:
    from collections.abc import Iterable

OPTION, INSTANCES = "reference_models", "instances"
# Characters of a name, and of a problem.
_LONGEST, _PROBLEM = 120, 300


class Named(NamedTuple):
    """The options with models in place of names, what is wrong, and warnings ``{code, message, remedy}``."""

    options: dict[str, Any]
    errors: list[str]
    warnings: list[dict[str, str]]


def wants_store(options: Mapping[str, Any]) -> bool:
    """Whether a variable of the role, or an instance's, names models that only the host's store can tell of."""
    return any(is_auto(entry) or not is_file(entry) for entry in _texts(options))


def wanted_files(options: Mapping[str, Any]) -> list[str]:
    """The files that a variable of the role, or an instance's, names, each once."""
    return list(dict.fromkeys(filter(is_file, _texts(options))))


def without_models(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without reference models, for what does not depend on them."""
    return _replaced(options, lambda _variable, _value: [])


def name_models(options: Mapping[str, Any], read: Mapping[str, Any] | None) -> Named:
    """Put what was read of models in place of their names. What is wrong by itself stays, for policy.py to refuse.

    ``read`` None: nothing was read, as where a captured machine is planned for.
    """
    errors: list[str] = []
    warnings: list[dict[str, str]] = []
    store, coming = _Store(read or {}), served_names(options)

    def models(variable: str, value: Any) -> list[Any]:  # noqa: ANN401 - whatever the variable holds
        if is_auto(value):
            found, warning = store.all()
            to_come = (model for model in coming_in_numbers(options) if not store.has(model.name))
            found = sorted([*found, *to_come], key=lambda model: model.name)
            # Typical models are reckoned with where none is known, and here some are.
            warning = None if found and warning is not None and warning["code"] == "models-none" else warning
            if warning is not None:
                warnings.append({**warning, "message": f"{variable} is auto, and {warning['message']}"})
            return list(found)
        made: list[Any] = []
        for entry in value:
            if not isinstance(entry, str):
                made.append(entry)
                continue
            try:
                made.append(store.file(entry) if is_file(entry) else store.model(entry))
            except ValueError as error:
                if any(same(entry, name) for name in coming) and not store.has(entry):
                    warnings.append(_to_come(variable, entry))
                else:
                    errors.append(f"{variable}: {error}")
        return made

    return Named(_replaced(options, models), errors, warnings)


def _to_come(variable: str, name: str) -> dict[str, str]:
    return {
        "code": "models-to-come",
        "message": f"{variable} names {name}, which this run brings (ollama_models); it is not reckoned with yet",
        "remedy": "run the role again once it is there, which makes the plan exact and may restart the servers",
    }


class _Store:
    """What was read, by name."""

    def __init__(self, read: Mapping[str, Any]) -> None:
        records = [record for record in read.get("models") or () if isinstance(record, Mapping)]
        self._files = [record for record in records if record.get("source") == "file"]
        models = [record for record in records if record.get("source") != "file"]
        self._models = sorted(models, key=lambda record: str(record.get("name")))
        self._stores = [entry for entry in read.get("stores") or () if isinstance(entry, Mapping)]
        self._problems = [one_line(str(problem), _PROBLEM) for problem in read.get("problems") or ()]

    def model(self, name: str) -> ReferenceModel:
        """The model of a name; ValueError says why there is none."""
        record = next((each for each in self._models if same(str(each.get("name")), name)), None)
        if record is None:
            raise ValueError(f"{name!r} {self._lack()}")
        return self._of(record, repr(name))

    def has(self, name: str) -> bool:
        """Whether a model of this name was read, whatever is known of it."""
        return any(same(str(each.get("name")), name) for each in self._models)

    def file(self, path: str) -> ReferenceModel:
        """The model of a file on the controller; ValueError says why there is none."""
        record = next((each for each in self._files if _is_of(each, path)), None)
        if record is None:
            why = self._why(posixpath.basename(path)) or "it was not read"
            raise ValueError(f"{path!r} is no GGUF file that the controller can read: {why}")
        return self._of(record, repr(path))

    def all(self) -> tuple[list[ReferenceModel], dict[str, str] | None]:
        """Every model of the store that can be reckoned with, and a warning where there is something to say."""
        made = [self._made(record) for record in self._models]
        found = [model for model in made if isinstance(model, ReferenceModel)]
        lacking = [model for model in made if isinstance(model, str)]
        if lacking:
            return found, {
                "code": "models-incomplete",
                "message": f"of {len(self._models)} models in its store {listed(lacking)} could not be read, and"
                f" {'the others are' if found else 'typical models are'} reckoned with",
                "remedy": "pull them again, or remove them",
            }
        if found:
            return found, None
        if not self._stores:
            why, remedy = "no store of models was read", "run on the host itself, or give names, files or numbers"
        elif self._unread():
            why, remedy = self._unread(), "run as root or as the service's user"
        else:
            why, remedy = f"{self._paths()} has no model yet", "pull models, and run the role again"
        code = "models-unread" if not self._stores or self._unread() else "models-none"
        return [], {"code": code, "message": f"{why}; typical models are reckoned with", "remedy": remedy}

    def _made(self, record: Mapping[str, Any]) -> ReferenceModel | str:
        """The model, or its name with the reason why it cannot be used."""
        try:
            return from_record(record, optional=True)
        except ValueError as error:
            return f"{_name(record)} ({self._why_of(record) or f'without {error}'})"

    def _of(self, record: Mapping[str, Any], shown: str) -> ReferenceModel:
        try:
            return from_record(record)
        except ValueError as error:
            raise ValueError(
                f"{shown} was read without {error}{_because(self._why_of(record))}; pull it again, or give its numbers"
            ) from None

    def _lack(self) -> str:
        if not self._stores:
            return (
                "is a name, and no store of models was read: one of a captured machine, or of a plan without the"
                " argument models, cannot be; allowed there are files and numbers"
            )
        if self._unread():
            return (
                f"is a name, and {self._unread()}; run as root or as the service's user, or give the model's numbers or"
                " its file"
            )
        names = [_name(record) for record in self._models]
        return (
            f"is not in {self._paths()}, which has {listed(names) if names else 'no model'}; pull it, or give its"
            " numbers or its file"
        )

    def _unread(self) -> str:
        """Why a store could not be read, as a clause; empty where all could."""
        # None where there is no such folder yet.
        path = next((_path(entry) for entry in self._stores if entry.get("readable") is False), None)
        return "" if path is None else f"the store {path} cannot be read{_because(self._why(path))}"

    def _paths(self) -> str:
        return f"the store {' or '.join(_path(entry) for entry in self._stores)}"

    def _why_of(self, record: Mapping[str, Any]) -> str:
        """The problem that is about a model, by its name or the path of one of its files; empty without one."""
        files = [entry for entry in record.get("files") or () if isinstance(entry, Mapping)]
        found = (self._why(text) for text in (_name(record), *(_path(entry) for entry in files)))
        return next(filter(None, found), "")

    def _why(self, text: str) -> str:
        """The problem that is about a path or a name; empty without one."""
        return next((problem for problem in self._problems if text in problem), "")


def _texts(options: Mapping[str, Any]) -> list[str]:
    """``auto``, names and files of all variables of models."""
    lists = [[value] if is_auto(value) else value for _variable, value in _right(options)]
    return [entry for each in lists for entry in each if isinstance(entry, str)]


def _replaced(options: Mapping[str, Any], models: Any) -> dict[str, Any]:  # noqa: ANN401 - a function of name and value
    """The options with other models where those that they name are right."""
    made = dict(options)
    right = dict(_right(options))
    if f"ollama_{OPTION}" in right:
        made[OPTION] = models(f"ollama_{OPTION}", options[OPTION])
    if any(variable.startswith(f"ollama_{INSTANCES}") for variable in right):
        made[INSTANCES] = [
            {**entry, OPTION: models(variable, entry[OPTION])}
            if (variable := f"ollama_{INSTANCES}[{number}].{OPTION}") in right
            else entry
            for number, entry in enumerate(options[INSTANCES])
        ]
    return made


def _right(options: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Name and value of each variable of models that is right by itself."""
    values = [(f"ollama_{OPTION}", options.get(OPTION))]
    listed = options.get(INSTANCES)
    if isinstance(listed, (list, tuple)):
        values += [
            (f"ollama_{INSTANCES}[{number}].{OPTION}", entry.get(OPTION))
            for number, entry in enumerate(listed)
            if isinstance(entry, Mapping)
        ]
    for variable, value in values:
        if value is None:
            continue
        try:
            parse_models(value)
        except ValueError:
            continue
        yield variable, value


def _is_of(record: Mapping[str, Any], path: str) -> bool:
    """Whether a file's record is that of a path, which may be relative to a folder that is not known here."""
    plain = posixpath.normpath(path)
    while plain.startswith("../"):
        plain = plain[3:]
    names = [str(entry.get("path")) for entry in record.get("files") or () if isinstance(entry, Mapping)]
    return any(name == plain or name.endswith(f"/{plain.lstrip('/')}") for name in map(posixpath.normpath, names))


def _name(record: Mapping[str, Any]) -> str:
    return one_line(str(record.get("name")), _LONGEST)


def _path(entry: Mapping[str, Any]) -> str:
    return one_line(str(entry.get("path")), _LONGEST)


def _because(why: str) -> str:
    return f" ({why})" if why else ""
