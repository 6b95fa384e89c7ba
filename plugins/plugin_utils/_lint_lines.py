# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of a unit systemd passes over or refuses, why, and what would be right.

A finding says what systemd does with the line; the grammars are in _directive_values.py.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import unit_name
from ansible_collections.inference.ollama.plugins.plugin_utils import _directive_words as lists
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_paths import FATAL, FINE, LINE, WORD
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_values import GRAMMARS
from ansible_collections.inference.ollama.plugins.plugin_utils._directives import (
    KNOWN,
    homes,
    nearest,
    nearest_section,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import OURS
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding, at
from ansible_collections.inference.ollama.plugins.plugin_utils._values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting

# What other programs call a variable that belongs to the environment.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+|[a-z]+_proxy")
_OTHERS = frozenset({"PATH", "HOME", "LD_LIBRARY_PATH", "NO_PROXY"})
# systemd leaves names that begin so to whoever wants them.
_EXTENSION = "X-"
_NO_LIMIT = frozenset({"unlimited", "max", "-1", "none", "inf", "infinite"})
# Grammars of values in which # may stand.
_FREE = frozenset({"command", "environment", "free", "text", "urls"})
# Grammars of values whose specifiers systemd expands, and those that it takes for empty then.
_EXPANDED = frozenset(
    {"absolute_paths", "binds", "condition_path", "device", "directories", "directories_alone", "units"}
    | {
        "environment_file",
        "filter_path",
        "input",
        "names",
        "output",
        "path_colons",
        "sandbox_paths",
        "slice",
        "sockets",
        "temporary",
    }
    | {"user", "users", "working_directory"}
)
_EXPANDED_TO_NOTHING = frozenset({"cpu_affinity", "cpus", "path", "path_fatal", "pid_file", "reboot", "text", "urls"})
_NO_PROGRAM = re.compile(r"^([-@:+!]*)%[iI](?=\s|$)")
_INSTANCE = re.compile(r"%(%|[iI])")


def readable(service: Service) -> Service:
    """The service without the settings that systemd passes over."""
    kept = tuple(setting for setting in service.settings if is_read(setting))
    return service._replace(settings=kept)


def lines(service: Service) -> Iterator[UnitFinding]:
    """A finding for each line that systemd passes over, in part or as a whole, or that keeps the unit from loading."""
    for each in service.ignored:
        message = each.reason if each.fatal else f"systemd passes this over: {each.reason}"
        kind = ("fatal", "bad-setting") if each.fatal else ("inert", "ignored-line")
        yield UnitFinding(each.file, each.line, each.directive, *kind, message, each.remedy or "correct it")
    for setting in service.settings:
        if setting.section.startswith(_EXTENSION):
            continue
        if setting.section not in KNOWN:
            near = nearest_section(setting.section)
            message = f"systemd passes this over: it knows no section {quoted(f'[{setting.section}]')} of a service"
            yield at(setting, "inert", "ignored-line", message, f"did you mean [{near}]?" if near else _homes(setting))
            continue
        known = KNOWN[setting.section].get(setting.directive)
        if setting.directive.startswith(_EXTENSION):
            continue
        if known is None:
            yield _unknown(setting)
        elif known.grammar == "gone":
            message = f"systemd passes this over: it reads {setting.directive}= no longer"
            yield at(setting, "inert", "ignored-line", message, "leave it out")
        else:
            yield from _value(setting, known.grammar)


def effect(setting: Setting) -> str:
    """What systemd does with the value of a directive that it knows, as the grammars put it."""
    known = KNOWN.get(setting.section, {}).get(setting.directive)
    if known is None or known.grammar == "gone":
        return LINE
    return GRAMMARS[known.grammar].judge(_of_unit(setting, known.grammar))


def is_read(setting: Setting) -> bool:
    """Whether systemd takes the line, in part at least."""
    return effect(setting) in (FINE, WORD)


def _of_unit(setting: Setting, grammar: str) -> str:
    """The value as this unit has it: one that is no template has no instance, and its specifiers stand for nothing."""
    name = unit_name(setting.file)
    if "@" not in name and grammar == "command":
        return _NO_PROGRAM.sub(r'\1""', setting.value)
    if "@" in name or not name.endswith(".service") or grammar not in _EXPANDED | _EXPANDED_TO_NOTHING:
        return setting.value
    value = _INSTANCE.sub(lambda match: "" if match[1] != "%" else match[0], setting.value)
    # Nothing behind an equals sign resets; a specifier that stands for nothing is a wrong value.
    return value if value or not setting.value or grammar in _EXPANDED_TO_NOTHING else "/.."


def _unknown(setting: Setting) -> UnitFinding:
    name, section = setting.directive, setting.section
    other = [home for home in homes(name) if home != section]
    message = f"systemd passes this over: it knows no directive {quoted(name)} in [{section}]"
    if other:
        message = f"systemd passes this over: it stands in [{section}]"
        return at(setting, "inert", "ignored-line", message, f"put it under [{other[0]}]")
    if name.upper().startswith(OURS) or load().get(name) or _VARIABLE.fullmatch(name) or name in _OTHERS:
        message += ", and a variable is set by Environment="
        return at(setting, "inert", "ignored-line", message, f'write Environment="{name}=..." under [Service]')
    near = nearest(section, name)
    if near is None:
        near = next((found for home in KNOWN for found in [nearest(home, name)] if found), None)
        if near is not None:
            return at(setting, "inert", "ignored-line", message, f"did you mean {near}=, under [{homes(near)[0]}]?")
    remedy = f"did you mean {near}=?" if near else "look the name up in systemd.directives(7), or leave the line out"
    return at(setting, "inert", "ignored-line", message, remedy)


def _homes(setting: Setting) -> str:
    found = homes(setting.directive)
    return f"put it under [{found[0]}]" if found else "leave it out"


def _value(setting: Setting, grammar: str) -> Iterator[UnitFinding]:
    result = effect(setting)
    if result == FINE:
        if grammar not in _FREE and re.search(r"\s#", setting.value):
            message = f"what is behind # is no comment here, and systemd takes {quoted(setting.value)} for the value"
            yield at(setting, "fatal", "comment-in-value", message, "give the comment a line of its own")
        return
    name, allowed = setting.directive, GRAMMARS[grammar].allowed
    fixed = _fixed(grammar, setting.value)
    right = f"write {name}={fixed}; allowed is {allowed}" if fixed else f"allowed is {allowed}"
    value = f"the value {quoted(setting.value)}" if setting.value else "an empty value"
    if result == FATAL:
        message = f"systemd cannot read {value} and refuses to load the unit, so the service does not start"
        yield at(setting, "fatal", "bad-setting", message, right)
        return
    what = "passes over words of this that it cannot read, in" if result == WORD else "passes this over: it cannot read"
    yield at(setting, "inert", "ignored-line", f"systemd {what} {value}", right)


def _fixed(grammar: str, value: str) -> str | None:
    """A value that systemd reads and that is plainly meant."""
    bare = value.strip("\"'")
    tries = [
        re.split(r"\s+[#;]", bare)[0],
        bare,
        bare.lower(),
        bare.upper(),
        re.sub(r"\s*([;,:]|\.\.)\s*", lambda match: _dash(match[1]), bare),
    ]
    tries += [re.sub(r"\s+", "", bare), re.sub(r"[\s,;]+", " ", bare)]
    number = re.fullmatch(r"([0-9.]+)\s*([kKmMgGtT])(?:i?[bB])?", bare)
    tries += [number[1] + number[2].upper()] if number else []
    tries += ["infinity"] if bare.lower() in _NO_LIMIT else []
    whole = re.fullmatch(r"[+-]?[0-9]{1,12}", bare)
    bounds = {"oom_score": (-1000, 1000), "nice": (-20, 19), "cpu_weight": (1, 10000), "io_weight": (1, 10000)}
    if whole and grammar in bounds:
        low, high = bounds[grammar]
        tries.append(str(max(low, min(high, int(bare)))))
    names = [*lists.CHOICES.get(grammar, "").split(), *lists.CHOICES_OR_BOOLEAN.get(grammar, "").split()]
    names += ["yes", "no"] if "boolean" in grammar or grammar in lists.CHOICES_OR_BOOLEAN else []
    tries += difflib.get_close_matches(bare.lower(), names, n=1, cutoff=0.7)
    return next((text for text in tries if text and text != value and GRAMMARS[grammar].judge(text) == FINE), None)


def _dash(separator: str) -> str:
    return "-" if separator == ".." else ","
