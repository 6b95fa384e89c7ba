# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/settings.md; generate.py writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import ACTING, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract
    from ansible_collections.inference.ollama.plugins.plugin_utils._setting import Group, Proof, Setting

HEAD = """\
<!-- Written by tests/tools/generate.py from plugins/plugin_utils/settings.yml. Change that file, not this one. -->

# Settings of Ollama and its runner

Which environment variable of `ollama serve` acts in which release, and what to use in place of those that do not.
The filter `inference.ollama.setting_lint` checks an environment against this list, and the plan sets only what acts.

- Supported releases: {oldest} and later; the newest known one is {newest}. There are no releases from {gap}.
- Facts up to 0.33.0-rc2 are from Ollama's own source, some tried on the real program besides; the file names the
  evidence for each. Later releases are known from third parties only: there a name is taken to act until something
  says otherwise.
- From {llama_server} on, models run in `llama-server`, which inherits the environment of the service.
- A name that ends in `*` stands for every name that begins so.

The last column says how a program sees that a setting acts, the strongest way first:

| shown by | where to look |
| --- | --- |
{proofs}

What a value may be:

| type | value |
| --- | --- |
{types}
"""

# Each kind of proof: how a row names it, and where to look.
PROOFS = {
    "config_map": "map | the map of the log line `server config`, under the setting's own name",
    "server_environ": "server | `/proc/PID/environ` of `ollama serve`",
    "runner_environ": "runner | `/proc/PID/environ` of the process that holds a model: `llama-server`, before that"
    " `ollama runner`",
    "runner_status": "runner's field | `/proc/PID/status` of that process",
    "command_line": "`--flag` | the command line of that process",
    "journal": "log `pattern` | a line of the server's log that this regular expression finds; a group holds the value",
    "api": "`/path` field | the answer of the server",
    "none": "- | nothing shows it, because nothing acts",
}

STATUS = {
    "client_only": "clients only",
    "installer": "installer only",
    "build_only": "build only",
}


def page(contract: Contract) -> str:
    """The whole page."""
    head = HEAD.format(
        oldest=contract.oldest_supported,
        newest=contract.newest_known,
        gap=" to ".join(contract.none_between),
        llama_server=contract.since("llama_server"),
        proofs="\n".join(f"| {text} |" for text in PROOFS.values()),
        types="\n".join(
            f"| {kind} | {text} |"
            for kind, text in sorted(contract.types.items())
            if any(setting.type == kind for setting in contract.by_name.values())
        ),
    )
    rows = [line for group in contract.groups for line in _group(group)]
    return "\n".join([head, *rows, *_directives(contract)])


def _directives(contract: Contract) -> Iterator[str]:
    yield "## Settings that are no environment variable\n"
    yield "Variables of the role that become directives of the unit or settings of the kernel, and where they show.\n"
    yield "| variable | becomes | shown by |"
    yield "| --- | --- | --- |"
    for option in contract.options.values():
        if option.proof is not None:
            yield f"| `ollama_{option.name}` | {', '.join(f'`{name}`' for name in option.becomes)} | {option.proof} |"
    yield ""


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield f"{group.about}\n"
    yield "| name | type | acts in | effect | instead | shown by |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for setting in group.settings:
        cells = (
            f"`{setting.name}`",
            _type(setting),
            _span(setting),
            _effect(setting),
            _instead(setting),
            _shown(setting),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _type(setting: Setting) -> str:
    parts = [setting.type]
    if setting.values:
        parts.append(" ".join(f"`{value}`" for value in setting.values))
    if setting.minimum is not None or setting.maximum is not None:
        least = setting.minimum or 0
        parts.append(f"from {least} on" if setting.maximum is None else f"{least} to {setting.maximum}")
    if setting.example:
        parts.append(f"`{setting.example}`")
    return ", ".join(parts)


def _span(setting: Setting) -> str:
    if setting.status not in ACTING:
        return STATUS.get(setting.status, setting.status)
    return f"{setting.since} to {setting.until}" if setting.until else f"{setting.since} on"


def _effect(setting: Setting) -> str:
    parts = [setting.effect]
    if setting.default is not None:
        parts.append(f"Default: {setting.default}.")
    parts += [f"*{phase.start} {f'to {phase.end}' if phase.end else 'on'}:* {phase.how}" for phase in setting.acts]
    if setting.pitfall:
        parts.append(f"**Mind:** {setting.pitfall}")
    if setting.option:
        parts.append(f"**Set by** `ollama_{setting.option.name}`.")
    return " ".join(parts)


def _instead(setting: Setting) -> str:
    names = [setting.instead, *(phase.instead for phase in setting.acts)]
    return ", ".join(dict.fromkeys(f"`{name}`" for name in names if name))


def _shown(setting: Setting) -> str:
    return "; ".join(
        " ".join(filter(None, (_way(proof), _since(proof))))
        for proof in setting.proof
        if proof.until is None or proof.until >= load().oldest_supported
    )


def _way(proof: Proof) -> str:
    ways = {
        "config_map": "map",
        "server_environ": "server",
        "runner_environ": "runner",
        "runner_status": f"runner's {proof.field}",
        "command_line": f"`{proof.flag}`",
        "journal": f"log `{proof.pattern}`",
        "api": f"`{proof.path}` {proof.field}",
        "none": "-",
    }
    return ways[proof.kind]


def _since(proof: Proof) -> str:
    oldest = load().oldest_supported
    parts = [
        f"from {proof.since}" if proof.since and proof.since > oldest else None,
        f"to {proof.until}" if proof.until else None,
    ]
    return f"({' '.join(filter(None, parts))})" if any(parts) else ""
