# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of what was measured, ``ollama_measured``: what one says, and whether it is right.

The fields are those of the option ``measured`` in ``settings.yml``. ``settings`` maps variables of the role, without
their prefix, to values; ``value`` is None while the settings are being measured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._models.names import shortest
from ansible_collections.inference.ollama.plugins.plugin_utils._options import AUTO, allowed, read, shown

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Option

OPTION, SETTINGS = "measured", "settings"
# The longest text of a record, in characters, and the largest figure.
_LONGEST, _LARGEST = 400, 1e15
_NUMBERS = frozenset({"before", "gain_percent", "value"})


@dataclass(frozen=True)
class Record:
    """One record, parsed. ``settings`` are values as the policy has them; ``given`` is the record as it was written."""

    hardware: str
    release: str
    model: str
    objective: str
    settings: Mapping[str, Any]
    given: Mapping[str, Any]
    machine: str = ""
    digest: Optional[str] = None
    metric: str = ""
    unit: str = ""
    value: Optional[float] = None
    before: Optional[float] = None
    gain_percent: Optional[float] = None
    at: str = ""
    host: str = ""

    @property
    def label(self) -> str:
        """How a sentence names it: ``llama3.1:8b on node-17``."""
        return f"{self.model} on {self.host}" if self.host else self.model

    @property
    def figure(self) -> str:
        """What was measured where, as a reason has it."""
        where = f" on {self.host}" if self.host else ""
        if self.value is None:
            return f"being measured{where}"
        before = "" if self.before is None else f", {_figure(self.before)} before"
        gain = "" if self.gain_percent is None else f" ({self.gain_percent:+.0f} %)"
        return f"measured{where}: {f'{_figure(self.value)} {self.unit}'.rstrip()}{before}{gain}"


def parse_records(value: object) -> tuple[Record, ...]:
    """The records; ValueError says what is allowed, and which field of which entry is not that."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(load().types[OPTION])
    return tuple(_record(index, entry) for index, entry in enumerate(value))


def _record(index: int, entry: object) -> Record:
    if isinstance(entry, Record):
        return entry
    if not isinstance(entry, Mapping):
        raise ValueError(f"a mapping for each record; entry {index} is {_brief(entry)}")
    fields = load().options[OPTION].fields
    unknown = [str(key)[:_LONGEST] for key in entry if key not in fields]
    if unknown:
        raise ValueError(f"{', '.join(fields)} in a record; entry {index} has {', '.join(unknown)}")
    missing = [key for key, field in fields.items() if field.required and entry.get(key) is None]
    if missing:
        needed = ", ".join(key for key, field in fields.items() if field.required)
        raise ValueError(f"a record with {needed}; entry {index} lacks {', '.join(missing)}")
    given = {key: entry[key] for key in fields if entry.get(key) is not None}
    found = {key: _field(f"in entry {index}", fields[key], value) for key, value in given.items() if key != SETTINGS}
    try:
        shortest(found["model"])
    except ValueError:
        raise ValueError(
            f"{allowed(fields['model'])} as model; in entry {index} it is {_brief(entry['model'])}"
        ) from None
    digest = found.pop("digest", None)
    return Record(
        **found,
        digest=None if digest is None else digest.partition(":")[2] or digest,
        settings=_settings(index, fields[SETTINGS], entry[SETTINGS]),
        given=_plain(given),
    )


def _field(where: str, field: Option, value: object) -> Any:  # noqa: ANN401 - a number or a text
    if field.name in _NUMBERS:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST:
            return float(value)
        # Templates may hand a number over as text.
        with contextlib.suppress(ValueError):
            if isinstance(value, str) and -_LARGEST < float(value) < _LARGEST:
                return float(value)
    elif field.name == "at" and hasattr(value, "isoformat"):
        # YAML makes a date of a text that looks like one.
        return str(value.isoformat())
    elif isinstance(value, str) and len(value) <= _LONGEST:
        with contextlib.suppress(ValueError):
            return read(field, value) or ""
    raise ValueError(f"{allowed(field)} as {field.name}; {where} it is {_brief(value)}")


def _settings(index: int, field: Option, value: object) -> dict[str, Any]:
    """The settings as a policy has them. Each has the rule of its own variable."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{field.allowed} as {SETTINGS}; in entry {index} it is {_brief(value)}")
    options = load().options
    found: dict[str, Any] = {}
    for name, content in value.items():
        if name not in field.values:
            raise ValueError(f"{', '.join(field.values)} in {SETTINGS}; entry {index} has {str(name)[:_LONGEST]}")
        option = options[name]
        where = f"in {SETTINGS} of entry {index}"
        found[name] = _mode(where, option, content) if option.type == "instances" else _setting(where, option, content)
    return found


def _setting(where: str, option: Option, value: object) -> object:
    if isinstance(value, (str, int, bool)):
        with contextlib.suppress(ValueError):
            meant = read(option, value)
            if meant is not None:
                return meant
    right = allowed(option)
    right = right[len(f"{AUTO}, or ") :] if option.auto else right
    raise ValueError(f"{right} as {option.name}; {where} it is {shown(option, value)}")


def _mode(where: str, option: Option, value: object) -> str:
    """How many servers, by a word: a list of them belongs to one host."""
    if isinstance(value, str) and value in option.values:
        return value
    raise ValueError(f"one of {', '.join(option.values)} as {option.name}; {where} it is {_brief(value)}")


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """The record with values that JSON has."""
    return {key: str(value.isoformat()) if hasattr(value, "isoformat") else value for key, value in given.items()}


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST // 4 else f"{text[: _LONGEST // 4]}…"


def _figure(number: float) -> str:
    """Three digits, or all those before the point."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
