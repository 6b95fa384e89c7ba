# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an environment for ``ollama serve``, setting by setting."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Mapping, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import stripped
from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret, is_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import pathless
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import clashes, integrated_alone
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import ACTING, load
from ansible_collections.inference.ollama.plugins.plugin_utils._runner_values import least_of, stops, taken_as
from ansible_collections.inference.ollama.plugins.plugin_utils._values import (
    LLAMA_TRUE,
    check_value,
    printable,
    quoted,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Setting

# Whoever writes such a name means Ollama or its runner; other names belong to other programs.
OURS = ("OLLAMA_", "LLAMA_", "GGML_")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# From the weakest on. Fatal: the server or its runners fail, a secret leaks, or a value is taken for something else
# than it says. Inert: it does nothing on this release. Advice: it acts, and that may not be what is wanted.
SEVERITIES = ("advice", "inert", "fatal")
# fmt: off
CODES = frozenset({
    "back-through-vulkan", "build-only", "changed", "client-only", "dangerous", "empty", "fatal-value",
    "hides-other-vendor", "installer", "integrated-not-enabled", "internal", "malformed", "name",
    "needs-flash-attention", "negated", "never", "not-yet", "out-of-range", "overridden", "release-unknown", "removed",
    "secret", "undoes-binding", "unknown",
})
# fmt: on

# Why a name is a mistake in any release: severity and reason. What the setting does follows from its entry.
_MISTAKES = {
    "never": ("inert", "it has no effect"),
    "overridden": ("inert", "it has no effect"),
    "dangerous": ("fatal", "it is dangerous"),
    "internal": ("fatal", "Ollama sets it for its own processes"),
    "client_only": ("inert", "only clients read it, the server does not"),
    "installer": ("inert", "only the install script reads it, the server does not"),
    "build_only": ("inert", "only the build of Ollama read it, the server does not"),
}
# Where a secret belongs that has no variable of the role of its own.
KEEP_APART = (
    "put it into ollama_secret_environment, or keep it in a file that root alone can read (mode 0600) and name that by"
    " EnvironmentFile= in a drop-in of your own"
)
# llama-server reads these, and stops on what it cannot read.
_OF_RUNNER = ("LLAMA_ARG_", "MTMD_")
# They say on, and on is what Ollama takes them for.
_ON = frozenset({"on", "yes", "y", "enable", "enabled"})


class Finding(NamedTuple):
    """One thing to change. ``message`` and ``remedy`` are clauses for people; ``code`` is for programs, and stays."""

    name: str
    severity: str
    code: str
    message: str
    remedy: str


def lint(environment: Mapping[str, str], release: Release | None, *, hardware_known: bool = False) -> list[Finding]:
    """Findings on unknown, removed, ignored, malformed and dangerous settings, sorted by name and code.

    No finding holds the value of a secret. An unknown release (None) could be any supported one. Where the hardware is
    known, the plan says by itself what depends on it.
    """
    contract = load()
    found = [
        Finding(name, *parts) for name, value in environment.items() for parts in _one(contract, name, value, release)
    ]
    shown = {name: value for name, value in environment.items() if not _is_secret(contract.get(name), name, value)}
    found += [Finding(*parts) for parts in clashes(shown, release)]
    found += [] if hardware_known else [Finding(*parts) for parts in integrated_alone(shown, release)]
    return sorted(found, key=lambda finding: (finding.name, finding.code))


def is_dangerous(name: str, value: str) -> bool:
    """Whether a runner with this variable in its environment is one that lets others in, fetches or breaks."""
    contract = load()
    setting = contract.get(name)
    if setting is None:
        # Its mere presence switches the other one off.
        setting, value = contract.by_name.get(name.replace("LLAMA_ARG_NO_", "LLAMA_ARG_", 1)), "0"
        if setting is None or setting.type != "llama_boolean" or not setting.negated:
            return False
    return setting.status == "dangerous" and value not in setting.harmless


def _one(contract: Contract, name: str, value: str, release: Release | None) -> Iterator[tuple[str, str, str, str]]:
    """Severity, code, message and remedy."""
    if not _NAME.fullmatch(name):
        yield "fatal", "name", f"{quoted(name)} is not a name for a variable", "use letters, digits and underscores"
        return
    setting = contract.get(name)
    if _is_secret(setting, name, value):
        yield _secret(contract, setting, value)
    elif setting is None and not printable(value):
        yield (
            "fatal",
            "malformed",
            "its value holds a line break or another control character",
            "write one line of plain text",
        )
    if setting is None:
        if name.upper().startswith(OURS):
            yield _unknown(contract, name, value, release)
        return
    problem = _status(contract, setting, release, value)
    if problem is not None:
        yield problem
    # llama-server reads what its command line overrides too, and stops on it.
    read = setting.status == "overridden" and (release is None or contract.reached("llama_server", release))
    if (problem is None or problem[0] == "advice" or read) and not _is_secret(setting, name, value):
        yield from _value(setting, name, value, release)


def _is_secret(setting: Setting | None, name: str, value: str) -> bool:
    # An empty one of other programs gives nothing away; of a runner it is dangerous all the same.
    by_entry = setting is not None and setting.type == "secret" and (value != "" or name.startswith(OURS))
    return by_entry or is_secret(name, value) or carries_secret(value)


def _secret(contract: Contract, setting: Setting | None, value: str) -> tuple[str, str, str, str]:
    remedy = KEEP_APART
    if setting is not None and setting.type == "secret" and setting.instead and not carries_secret(value):
        remedy = _remedy(contract, setting, None)
    elif "@" in value and carries_secret(value):
        remedy = f"use an address without a password, or {KEEP_APART}"
    return "fatal", "secret", "it holds a secret, and every local user can read the environment of a unit", remedy


def _unknown(contract: Contract, name: str, value: str, release: Release | None) -> tuple[str, str, str, str]:
    positive = contract.by_name.get(name.replace("LLAMA_ARG_NO_", "LLAMA_ARG_", 1))
    if positive is None or positive.type != "llama_boolean" or not positive.negated:
        return "inert", "unknown", "no known release reads this name", _nearest(contract, name)
    problem = _status(contract, positive, release, "0")
    if problem is not None and (problem[0] == "inert" or problem[1] == "dangerous"):
        return problem
    return (
        "advice" if value in LLAMA_TRUE else "fatal",
        "negated",
        f"the mere presence of this name switches {positive.name} off, whatever its value",
        f"write {positive.name}=0",
    )


def _nearest(contract: Contract, name: str) -> str:
    useful = [
        known for known, setting in contract.by_name.items() if setting.status in ACTING or setting.instead is not None
    ]
    # The prefix alone makes any two names of Ollama similar.
    near = difflib.get_close_matches(name.upper(), sorted(useful), n=1, cutoff=0.8)
    if not near:
        return "look the name up in docs/settings.md"
    setting = contract.by_name[near[0]]
    return f"did you mean {setting.name}?" if setting.status in ACTING else f"use {setting.instead}"


def _status(
    contract: Contract, setting: Setting, release: Release | None, value: str
) -> tuple[str, str, str, str] | None:
    """What is wrong with setting the name at all, in this release; a value may leave things as they are."""
    if setting.status == "dangerous" and value in setting.harmless:
        if not value:
            return None
        return "inert", "dangerous", "it is off without this, and switched on it would be dangerous", "leave it out"
    if setting.status not in ACTING:
        severity, reason = _MISTAKES[setting.status]
        if setting.status == "internal" and release is not None and not setting.read_in(release):
            severity = "inert"
        message = f"{reason}: {_clause(setting.effect)}"
        return severity, setting.status.replace("_", "-"), message, _remedy(contract, setting, release)
    if contract.acts(setting.name, release):
        return None
    if release is None and (setting.until is None or setting.until >= contract.oldest_supported):
        message = f"it does not act in every supported release, only {_span(setting)}, and the release is unknown"
        return "advice", "release-unknown", message, "name the release in ollama_version"
    return _not_acting(contract, setting, release)


def _not_acting(contract: Contract, setting: Setting, release: Release | None) -> tuple[str, str, str, str]:
    if release is not None:
        phase = setting.phase(release)
        if setting.read_in(release) and phase is not None and phase.instead:
            message = f"since {phase.start} its effect is: {_clause(phase.how)}"
            return "inert" if phase.inert else "advice", "changed", message, _use(contract, phase.instead, release)
        if setting.since is not None and release < setting.since:
            message = f"{release} does not read it yet, it acts {_span(setting)}"
            return "inert", "not-yet", message, _remedy(contract, setting, release)
    reader = f"{release} no longer" if release else "no supported release"
    message = f"{reader} reads it, it acted {_span(setting)}"
    return "inert", "removed", message, _remedy(contract, setting, release)


def _span(setting: Setting) -> str:
    last = f"to {setting.until}" if setting.until else "on"
    changed = next((phase.start for phase in setting.acts if phase.instead), None)
    if changed:
        last = f"on, until {changed} changed it"
    return f"from {setting.since} {last}"


def _remedy(contract: Contract, setting: Setting, release: Release | None) -> str:
    parts = [_use(contract, setting.instead, release) if setting.instead else "leave it out"]
    if setting.pitfall and setting.status not in ACTING:
        parts.append(_clause(setting.pitfall))
    return "; ".join(parts)


def _use(contract: Contract, instead: str, release: Release | None) -> str:
    other = contract.get(instead)
    if other is None or release is None or contract.acts(instead, release):
        return f"use {instead}"
    return f"leave it out; {instead} does this {_span(other)}"


def _value(setting: Setting, name: str, value: str, release: Release | None) -> Iterator[tuple[str, str, str, str]]:
    if not value and name.startswith("OLLAMA_"):
        yield "inert", "empty", "its value is empty, which Ollama takes for unset", "leave it out"
        return
    problem = check_value(setting, value, release)
    if problem is None:
        return
    default = setting.default_in(release)
    if name.startswith(_OF_RUNNER) and not stops(setting, value):
        # What the command line overrides matters only where the runner stops on it.
        if setting.status != "overridden":
            yield _taken(setting, value, problem)
        return
    meant = _taken_by_ollama(setting, value, release)
    if meant is not None:
        remedy = f"write {quoted(meant)}" if meant != value else f"keep it, or write one of {', '.join(setting.values)}"
        yield "advice", "malformed", f"{problem}; Ollama takes it for {quoted(meant)}", remedy
        return
    worse = _consequence(setting, name, release)
    as_meant = setting.type == "ollama_boolean" and value.lower() in _ON
    yield (
        "advice" if as_meant else "fatal",
        "fatal-value" if worse else "malformed",
        f"{problem}; {worse}" if worse else problem,
        "correct it, or leave it out" + (f" for the default, {default}" if default else ""),
    )


def _taken_by_ollama(setting: Setting, value: str, release: Release | None) -> str | None:
    """The right value that Ollama makes of this one: envconfig strips blanks and quotes; None where it makes none."""
    if not setting.name.startswith("OLLAMA_"):
        return None
    phase = setting.phase(release) if release is not None else next(iter(setting.acts[-1:]), None)
    also = phase.also if phase is not None else ()
    plain = stripped(value)
    # It writes types of the cache in small letters, and looks at no path of an address.
    small = any(each.also for each in setting.acts)
    forms = [plain.lower() if small else plain, *([pathless(value)] if setting.type == "host" else [])]
    return next((form for form in forms if form and _is_taken(setting, form, release, also)), None)


def _is_taken(setting: Setting, value: str, release: Release | None, also: tuple[str, ...]) -> bool:
    return value in also or check_value(setting, value, release) is None


def _taken(setting: Setting, value: str, problem: str) -> tuple[str, str, str, str]:
    """A wrong value that llama-server takes nonetheless: for the number that it begins with, whatever its bounds."""
    default = setting.default
    remedy = "correct it, or leave it out" + (f" for the default, {default}" if default else "")
    number = taken_as(setting, value)
    if setting.type == "llama_switch" and truth(value) is False:
        return "advice", "malformed", problem, remedy
    if number is None:
        return "fatal", "malformed", problem, remedy
    if not value.strip().lstrip("+-").isdigit():
        return "fatal", "malformed", f"{problem}; llama-server takes it for {number}", remedy
    if value == str(number):
        meaning = (setting.below if number < least_of(setting) else None) or "llama-server takes it all the same"
        return "advice", "out-of-range", f"{problem}; {meaning}", remedy
    return "advice", "malformed", f"{problem}; llama-server takes it for {number}", remedy


def _consequence(setting: Setting, name: str, release: Release | None) -> str | None:
    """What a wrong value does beyond being taken for another one."""
    if name.startswith(_OF_RUNNER):
        return "llama-server stops on what it cannot read, so no model would load"
    phase = setting.phase(release) if release is not None else next(iter(setting.acts[-1:]), None)
    return _clause(phase.wrong) if phase is not None and phase.wrong else None


def _clause(sentence: str) -> str:
    """A sentence of the contract inside another one."""
    if sentence[1:2] in (" ", sentence[1:2].lower()) and not sentence.startswith("Ollama"):
        sentence = sentence[0].lower() + sentence[1:]
    return sentence.rstrip(".")
