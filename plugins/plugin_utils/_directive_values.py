# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether systemd reads a value of a directive: a grammar for each of those in _directives.py.

What any release from 252 to 258 takes is right. Source: the man pages named in _directive_words.py, and what
systemd-analyze of 252 refuses (tests/unit/plugins/plugin_utils/directive_values.json).
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.numbers import (
    INFINITE,
    between,
    cpu_list,
    integer,
    share,
    size,
    time_span,
    words,
)
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import (
    YES,
    expand,
    is_variable,
    split_words,
)
from ansible_collections.inference.ollama.plugins.plugin_utils import _directive_paths as paths
from ansible_collections.inference.ollama.plugins.plugin_utils import _directive_words as lists
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_commands import judge_command
from ansible_collections.inference.ollama.plugins.plugin_utils._directive_paths import FATAL, FINE, LINE, WORD

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERED_SIGNAL = re.compile(r"(?:SIG)?(?:RTMIN\+|RTMAX-)([0-9]+)")
_URL = re.compile(r"(?:https?://|file:/|info:|man:).+", re.DOTALL)
_SOCKET_BIND = re.compile(r"(?:(?:ipv4|ipv6)(?::|$))?(?:(?:tcp|udp)(?::|$))?(.*)")
_CALL = re.compile(r"(@?[a-z0-9_-]+)(:[A-Za-z0-9]+)?")
_ADDRESS = re.compile(r"([0-9a-fA-F:.]+)(?:/([0-9]{1,3}))?")
_LEAST = "a number such as {}"


class Grammar(NamedTuple):
    """What a value does to its line (FINE, or what it loses), and what would be right."""

    judge: Callable[[str], str]
    allowed: str


def _when(right: Callable[[str], object], bad: str = LINE) -> Callable[[str], str]:
    return lambda value: FINE if right(value) else bad


def _choice(text: str, *, empty: bool) -> Grammar:
    names = text.split()
    return Grammar(_when(lambda value: value in names or (empty and not value)), f"one of {', '.join(names)}")


def is_boolean(value: str) -> bool:
    return value.lower() in YES | lists.NO


def _choice_or_boolean(text: str) -> Grammar:
    names = text.split()
    return Grammar(_when(lambda value: is_boolean(value) or value in names), ", ".join(["yes", *names]) + " or no")


def _each(right: Callable[[str], object], split: Callable[[str], list[str] | None] = words) -> Callable[[str], str]:
    """A list of which systemd passes over the words that it cannot read."""

    def judge(value: str) -> str:
        found = split(value)
        if found is None:
            return LINE
        bad = [word for word in found if not right(word)]
        return FINE if not bad else WORD if len(bad) < len(found) else LINE

    return judge


def _empty_or(judge: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: judge(value) if value else FINE


def is_signal(value: str) -> bool:
    match = _NUMBERED_SIGNAL.fullmatch(value)
    if match:
        return len(match[1]) < 3 and int(match[1]) <= 30
    return value.removeprefix("SIG") in lists.SIGNALS or between(value, 1, 64)


def _limit(read: Callable[[str], int | None]) -> Callable[[str], str]:
    def one(value: str) -> int | None:
        return INFINITE if value == "infinity" else read(value)

    def judge(value: str) -> str:
        soft, colon, hard = value.partition(":")
        low = one(soft)
        high = one(hard) if colon else low
        return LINE if low is None or high is None or low > high else FINE

    return judge


def _natural(value: str) -> int | None:
    number = integer(value)
    return number if number is not None and 0 <= number < INFINITE else None


def _nice_limit(value: str) -> int | None:
    number = integer(value)
    if number is None:
        return None
    if value.startswith(("+", "-")):
        return 20 - number if -20 <= number <= 19 else None
    return number if 0 <= number <= 40 else None


def _memory(least: int) -> Callable[[str], str]:
    def right(value: str) -> bool:
        found = share(value, 10000) if "%" in value or "‰" in value or "‱" in value else size(value)
        return value in ("", "infinity") or (found is not None and found >= least)

    return _when(right)


def _tasks(value: str) -> bool:
    number = integer(value)
    return (
        value in ("", "infinity") or share(value, 10000) is not None or (number is not None and 0 < number < INFINITE)
    )


def _cpus(value: str) -> str:
    taken = cpu_list(value)
    return LINE if taken is None else FINE if taken[1] else WORD


def _affinity(value: str) -> str:
    return FINE if value == "numa" else _cpus(value)


def _quota(value: str) -> bool:
    found = share(value)
    return not value or (found is not None and found > 0)


def _status(word: str) -> bool:
    name = word.removeprefix("SIG")
    return between(word, 0, 255) or word in lists.EXITS or (not word.isdigit() and is_signal(name))


def _bind(word: str) -> bool:
    match = _SOCKET_BIND.fullmatch(word)
    if word == "any" or not match:
        return word == "any"
    numbers = [integer(port) for port in match[1].split("-", 1)] if match[1] else []
    ports = [number for number in numbers if number is not None and 0 < number < 65536]
    return not word.endswith(":") and len(ports) == len(numbers) and ports == sorted(ports)


def _address(word: str) -> bool:
    from ipaddress import ip_network  # noqa: PLC0415 few units have an address

    match = _ADDRESS.fullmatch(word)
    if word in lists.ADDRESSES or not match:
        return word in lists.ADDRESSES
    try:
        ip_network(word, strict=False)
    except ValueError:
        return False
    return True


def _inverted(right: Callable[[str], object]) -> Callable[[str], str]:
    return lambda value: _each(right)(value.removeprefix("~"))


def _calls(value: str) -> str:
    from ansible_collections.inference.ollama.plugins.plugin_utils._system_calls import (  # noqa: PLC0415 few units
        CALLS,
    )

    inverted = value.startswith("~")

    def right(word: str) -> bool:
        match = _CALL.fullmatch(word)
        if not match or (match[2] and (not inverted or not _error(match[2][1:]))):
            return False
        return match[1] in (lists.CALL_GROUPS if match[1].startswith("@") else CALLS)

    return _each(right)(value.removeprefix("~"))


def _error(value: str) -> bool:
    return value in ("", "kill") or value in errno.errorcode.values() or between(value, 1, 4095)


def _families(value: str) -> str:
    names = {f"AF_{name}" for name in lists.FAMILIES}
    return FINE if value == "none" else _inverted(lambda word: word.upper() in names)(value)


def _namespaces(value: str) -> str:
    return FINE if is_boolean(value) else _inverted(lists.NAMESPACES.__contains__)(value)


def _named_or(names: Iterable[str], least: int, most: int) -> Callable[[str], str]:
    return _when(lambda value: value in names or between(value, least, most))


def _on_device(right: Callable[[str], object]) -> Callable[[str], str]:
    def judge(value: str) -> str:
        parts = value.split(None, 1)
        return FINE if not parts or (len(parts) == 2 and right(parts[1])) else LINE

    return judge


def _unset(value: str) -> str:
    found, problem = split_words(value)
    bad = [word for word in found if not is_variable(expand(word).partition("=")[0])]
    return FINE if not bad and not problem else WORD if len(bad) < len(found) else LINE


_SIZE = "a size such as 48G or 512M without blanks and without a B behind it, a percentage, or infinity"
_TIME = "a time such as 30, 30s, 5min or infinity"
_CPU_LIST = "CPUs such as 0-7,16-23, with commas or blanks between them"
_BOOLEAN = "yes or no"
GRAMMARS = {
    **{name: _choice(text, empty=name in lists.EMPTY) for name, text in lists.CHOICES.items()},
    **{name: _choice_or_boolean(text) for name, text in lists.CHOICES_OR_BOOLEAN.items()},
    "free": Grammar(lambda _value: FINE, ""),
    "environment": Grammar(lambda _value: FINE, ""),
    "command": Grammar(judge_command, "the absolute path of a program, or its name without a slash, and its words"),
    "boolean": Grammar(_when(is_boolean), _BOOLEAN),
    "boolean_or_empty": Grammar(_empty_or(_when(is_boolean)), _BOOLEAN),
    "boolean_fatal": Grammar(_when(is_boolean, FATAL), _BOOLEAN),
    "seconds": Grammar(_when(lambda value: time_span(value) is not None), _TIME),
    "seconds_or_empty": Grammar(_empty_or(_when(lambda value: time_span(value) is not None)), _TIME),
    "nanoseconds": Grammar(_when(lambda value: time_span(value, nanoseconds=True) is not None), "a time such as 50us"),
    "unsigned": Grammar(_when(lambda value: between(value, 0, (1 << 32) - 1)), _LEAST.format(5)),
    "rows": Grammar(_empty_or(_when(lambda value: between(value, 0, (1 << 16) - 1))), _LEAST.format(80)),
    "exit_status": Grammar(_empty_or(_when(lambda value: between(value, 0, 255))), "a number from 0 to 255"),
    "statuses": Grammar(_each(_status), "exit statuses from 0 to 255 or signals, such as 143 SIGTERM"),
    "signal": Grammar(_when(is_signal), "a signal such as SIGTERM"),
    "mode": Grammar(
        _when(lambda value: re.fullmatch("0*[0-7]{1,4}", value) and int(value, 8) <= 0o7777), "a mode such as 0755"
    ),
    "nice": Grammar(_empty_or(_when(lambda value: between(value, -20, 19))), "a number from -20 to 19"),
    "oom_score": Grammar(_empty_or(_when(lambda value: between(value, -1000, 1000))), "a number from -1000 to 1000"),
    "io_class": Grammar(_empty_or(_named_or(lists.IO_CLASSES, 0, 7)), f"one of {', '.join(sorted(lists.IO_CLASSES))}"),
    "io_priority": Grammar(_empty_or(_when(lambda value: between(value, 0, 7))), "a number from 0 to 7"),
    "cpu_policy": Grammar(
        _empty_or(_named_or(lists.CPU_POLICIES, 0, (1 << 31) - 1)), f"one of {', '.join(sorted(lists.CPU_POLICIES))}"
    ),
    "cpu_priority": Grammar(_when(lambda value: between(value, 0, 99)), "a number from 1 to 99"),
    "cpu_affinity": Grammar(lambda value: _affinity(expand(value)), f"{_CPU_LIST}, or numa"),
    "cpus": Grammar(lambda value: _cpus(expand(value)), _CPU_LIST),
    "numa_mask": Grammar(lambda value: FINE if value == "all" else _cpus(value), "nodes such as 0 or 0-1, or all"),
    "cpu_weight": Grammar(_empty_or(_named_or(("idle",), 1, 10000)), "a number from 1 to 10000, or idle"),
    "io_weight": Grammar(_empty_or(_when(lambda value: between(value, 1, 10000))), "a number from 1 to 10000"),
    "cpu_quota": Grammar(_when(_quota), "a percentage of one CPU, such as 400% for four"),
    "share_or_empty": Grammar(_empty_or(_when(lambda value: share(value, 10000) is not None)), "a percentage"),
    "memory": Grammar(_memory(0), _SIZE),
    "memory_above_zero": Grammar(_memory(1), _SIZE),
    "tasks": Grammar(_when(_tasks), "a number above 0, a percentage, or infinity"),
    "quota_or_off": Grammar(lambda _value: FINE, ""),
    "limit_bytes": Grammar(_limit(size), "a size such as 8G, soft:hard, or infinity"),
    "limit_number": Grammar(_limit(_natural), "a number such as 65535, soft:hard, or infinity"),
    "limit_time": Grammar(_limit(time_span), "a time such as 60s, soft:hard, or infinity"),
    "limit_nice": Grammar(
        _when(lambda value: all(_nice_limit(part) is not None for part in value.split(":", 1))), "such as -5 or +10"
    ),
    "urls": Grammar(_each(_URL.fullmatch), "addresses that begin with https://, http://, file:/, info: or man:"),
    "names": Grammar(_each(lambda word: is_variable(expand(word))), "names of variables"),
    "names_or_assignments": Grammar(_unset, "names of variables, or NAME=value"),
    "device_bytes": Grammar(
        _on_device(lambda value: value == "infinity" or size(value)), "a device and a size, such as /dev/sda 100M"
    ),
    "device_time": Grammar(_on_device(time_span), "a device and a time, such as /dev/sda 25ms"),
    "device_weight": Grammar(
        _on_device(lambda value: between(value, 1, 10000)), "a device and a number from 1 to 10000"
    ),
    "delegate": Grammar(
        lambda value: FINE if is_boolean(value) else _each(lists.CONTROLLERS.__contains__)(value),
        "yes, no or names of controllers such as cpu memory",
    ),
    "controllers": Grammar(_each(lists.CONTROLLERS.__contains__), "names of controllers such as cpu memory"),
    "addresses": Grammar(_each(_address), "any, localhost, link-local, multicast, or addresses such as 10.0.0.0/8"),
    "socket_bind": Grammar(_empty_or(_when(_bind)), "any, a port, or such as tcp:11434"),
    "facility": Grammar(_named_or(lists.FACILITIES, 0, 127), "a facility such as daemon"),
    "level": Grammar(_named_or(lists.LEVELS, 0, 7), f"one of {', '.join(sorted(lists.LEVELS))}"),
    "system_calls": Grammar(_calls, "names of system calls, or of groups such as @system-service"),
    "error_number": Grammar(_when(_error), "a name such as EPERM, or kill"),
    "architectures": Grammar(_each(lists.ARCHITECTURES.__contains__), "native, or names such as x86-64"),
    "namespaces": Grammar(_namespaces, f"yes, no or some of {', '.join(sorted(lists.NAMESPACES))}"),
    "address_families": Grammar(_families, "none, or names such as AF_INET AF_INET6 AF_UNIX with blanks between them"),
    **{name: Grammar(judge, allowed) for name, (judge, allowed) in paths.GRAMMARS.items()},
}
