# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the command of a unit: how many there are, what they set, which options the server has not.

systemd.service(5), "Command lines"; cmd/cmd.go of Ollama: ``serve`` takes neither words nor options but --help.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Dict, NamedTuple, Optional, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._systemd.command_line import commands as parse
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Assignment
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import assignment, depends_on_host
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding, at
from ansible_collections.inference.ollama.plugins.plugin_utils._values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"})
_SCRIPT = re.compile(r".*\.(?:sh|bash|zsh|ksh|py|pl|rb|js)", re.IGNORECASE)
# What a shell computes; a script with any of it is not read. A variable that is expanded is only a value not known.
_COMPUTED = re.compile(r"[`(){}<>|*?\[\]~\n]|(?<!&)&(?!&)|\$\(|\b(?:if|for|while|case|source|eval|set)\b")
_VARIABLE = re.compile(r"\$")
# Of wrappers that env and its like are: options that take the word behind them.
_WITH_VALUE = {
    "env": ("-u", "-C", "-S", "--unset", "--chdir"),
    "nice": ("-n",),
    "ionice": ("-c", "-n", "-p"),
    "su": ("-s", "-g"),
    "sudo": ("-u", "-g"),
    "runuser": ("-u", "-g"),
}
# What serve is asked for instead of by options.
_INSTEAD = {
    "port": "OLLAMA_HOST", "host": "OLLAMA_HOST", "address": "OLLAMA_HOST", "bind": "OLLAMA_HOST",
    "listen": "OLLAMA_HOST", "models": "OLLAMA_MODELS", "model-dir": "OLLAMA_MODELS", "origins": "OLLAMA_ORIGINS",
    "keepalive": "OLLAMA_KEEP_ALIVE", "keep-alive": "OLLAMA_KEEP_ALIVE", "parallel": "OLLAMA_NUM_PARALLEL",
    "num-parallel": "OLLAMA_NUM_PARALLEL", "debug": "OLLAMA_DEBUG", "verbose": "OLLAMA_DEBUG",
    "threads": "LLAMA_ARG_THREADS", "num-ctx": "OLLAMA_CONTEXT_LENGTH", "ctx-size": "OLLAMA_CONTEXT_LENGTH",
    "context-length": "OLLAMA_CONTEXT_LENGTH", "flash-attn": "OLLAMA_FLASH_ATTENTION",
}  # fmt: skip


class Launch(NamedTuple):
    """What the last ExecStart= starts: its words without those of a shell, and the variables that they set.

    ``problem`` says why a part of the command was not read.
    """

    setting: Optional[Setting] = None
    words: Tuple[str, ...] = ()
    variables: Dict[str, str] = {}  # noqa: RUF012 never changed
    problem: Optional[str] = None

    def apply(self, service: Service) -> Service:
        """The service with the variables that its command sets, which win over any file."""
        if self.setting is None or not self.variables:
            return service
        assignments = dict(service.assignments)
        for name, value in self.variables.items():
            known = not _VARIABLE.search(value) and not depends_on_host(value)
            own = Assignment(value, self.setting.file, self.setting.line, known=known)
            assignments[name] = (*assignments.get(name, ()), own)
        return service._replace(assignments=assignments)


def launched(service: Service) -> Launch:
    """What the service starts at last, as far as its words say so."""
    for setting in reversed(service.values("ExecStart")):
        for command in reversed(parse(setting.value)):
            return _launch(setting, command.words)
    return Launch()


def commands(service: Service, launch: Launch) -> Iterator[UnitFinding]:
    """Findings on the number of commands, the type of the service and the options of the server."""
    yield from _verified(service)
    if launch.setting is None:
        return
    if launch.problem:
        message = f"{launch.problem}, so what it sets and starts was not read"
        remedy = "start the program itself by ExecStart=, and set variables by Environment="
        yield at(launch.setting, "advice", "unread-command", message, remedy)
    names = [word.rpartition("/")[2] for word in launch.words]
    place = next((at_ for at_ in range(1, len(names)) if names[at_] == "serve" and names[at_ - 1] == "ollama"), None)
    rest = launch.words[place + 1 :] if place is not None else ()
    wrong = next((word for word in rest if word not in ("-h", "--help", "2>&1")), None)
    if wrong is not None:
        what = "option" if wrong.startswith("-") else "word behind it"
        message = f"ollama serve has no {what} {quoted(wrong)}, and the server does not start"
        name = _INSTEAD.get(wrong.lstrip("-").partition("=")[0].lower().replace("_", "-"))
        comment = "give the comment a line of its own" if wrong.startswith("#") else "leave it out"
        remedy = f'write Environment="{name}=..." in its place' if name else comment
        yield at(launch.setting, "fatal", "option", message, remedy)


def _verified(service: Service) -> Iterator[UnitFinding]:
    """What systemd looks at when all lines are read, and refuses the unit for."""
    found = service.values("ExecStart")
    total = sum(len(parse(setting.value)) or 1 for setting in found)
    types, restarts = service.values("Type")[-1:], service.values("Restart")[-1:]
    oneshot = bool(types) and types[0].value == "oneshot"
    if total > 1 and not oneshot:
        yield at(
            found[-1],
            "fatal",
            "two-commands",
            "the service has two commands, and systemd refuses to load it",
            "write ExecStart= with nothing behind it on the line before, which takes back the first",
        )
    if oneshot and restarts and restarts[0].value in ("always", "on-success"):
        message = f"systemd refuses to load a service of Type=oneshot with Restart={restarts[0].value}"
        yield at(restarts[0], "fatal", "bad-setting", message, "leave Type=oneshot out, which is not for servers")
    if types and types[0].value == "dbus" and not service.values("BusName"):
        message = "systemd refuses to load a service of Type=dbus without BusName=, and Ollama has no name on D-Bus"
        yield at(types[0], "fatal", "bad-setting", message, "leave it out for the default, simple")
    written = [each for each in service.settings if (each.section, each.directive) == ("Service", "ExecStart")]
    stops = service.values("ExecStop") or service.values("SuccessAction")
    if written and not found and not (oneshot and stops):
        message = "no command is left, and systemd refuses to load the service"
        yield at(
            written[-1], "fatal", "bad-setting", message, "write ExecStart= with the command on the line behind it"
        )


def _launch(setting: Setting, words: tuple[str, ...]) -> Launch:
    variables: dict[str, str] = {}
    problem = None
    left = list(words)
    kept: list[str] = []
    while left:
        word = left.pop(0)
        name = word.rpartition("/")[2]
        pair = assignment(word)
        if pair and (not kept or kept[-1].rpartition("/")[2] in ("env", "sudo")):
            variables[pair[0]] = pair[1]
        elif name in _SHELLS and (script := _script_of(left)) is not None:
            inner = _script(script)
            if inner is None:
                problem = f"the command is a script of {name}"
                break
            variables.update(inner[1])
            left = [*inner[0], *left[len(left) :]]
            kept = []
        else:
            if _SCRIPT.fullmatch(name) and "ollama" not in [each.rpartition("/")[2] for each in left]:
                problem = f"the command is the script {quoted(name)}"
            kept.append(word)
            if name in _WITH_VALUE:
                kept, left = _past_options(name, kept, left)
    return Launch(setting, tuple(kept), variables, problem)


def _past_options(name: str, kept: list[str], left: list[str]) -> tuple[list[str], list[str]]:
    """The words behind the options of env and its like, so that assignments stand next to the program's name."""
    while left and left[0].startswith("-"):
        takes = left[0] in _WITH_VALUE[name]
        left = left[2:] if takes else left[1:]
    if name == "env":
        return kept, left
    return kept, left


def _script_of(words: list[str]) -> str | None:
    """The text behind the option -c of a shell, or None."""
    for place, word in enumerate(words):
        if re.fullmatch("-[a-zA-Z]*c[a-zA-Z]*", word):
            return words[place + 1] if place + 1 < len(words) else ""
        if not word.startswith("-"):
            return None
    return None


def _script(text: str) -> tuple[list[str], dict[str, str]] | None:
    """The words and the variables of a script that only sets variables and starts one program; None for any other."""
    if _COMPUTED.search(text):
        return None
    variables: dict[str, str] = {}
    parts = [part for part in re.split(r"&&|;", text) if part.strip()]
    for place, part in enumerate(parts):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            return None
        while words and words[0] in ("exec", "export"):
            words.pop(0)
        while words and assignment(words[0]):
            name, _equals, value = words.pop(0).partition("=")
            variables[name] = value
        if place == len(parts) - 1:
            return words, variables
        if words and words[0] not in ("cd", "sleep", "ulimit", "umask", "true", ":"):
            return None
    return None
