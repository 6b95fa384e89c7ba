# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets the server gets, and by which way: a credential of systemd, or a file that root alone can read.

Sources: docs/policy.md, rule S6; docs/secrets.md.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._secrets import MASK
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import BEFORE, DIRECTIVE, SECRET
from ansible_collections.inference.ollama.plugins.plugin_utils._secret_environment import KEY, OPTION

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

CREDENTIALS, FILE = "credentials", "file"
# The name of the credential, and where systemd keeps those of a service (systemd.exec(5), "Credentials").
CREDENTIAL, _FOLDER = "ollama.env", "/run/credentials"
# From here on the commands of ExecStartPre= get the credentials too, and so they are there before the server's start.
SINCE = 252
# coreutils; every distribution has it there.
_TEST = "/usr/bin/test"
# What judges the name alone; of a value nothing is known here.
_OF_NAMES = frozenset(
    {"build-only", "changed", "dangerous", "installer", "internal", "name", "negated", "never", "not-yet", "overridden"}
    | {"release-unknown", "removed", "unknown", "client-only"}
)
# envconfig.AsMap() of Ollama 0.32.15: the server logs these with their values.
_LOGGED = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
# LogFilterPatterns= of systemd 253: a tilde before what is left out.
FILTERS_SINCE = 253
_LINE = "~server config.*(PROXY|proxy):[^ ]*@"


def hand_over(planning: Planning) -> None:
    """Decide on the secrets of one server and the directives that bring them to it."""
    names = _names(planning)
    if not names:
        return
    _check(planning)
    for name in names:
        option = "ollama_api_key" if name == KEY and planning.policy.api_key else f"{OPTION}.{name}"
        planning.record(SECRET, name, MASK, OPERATOR, f"{option}, whose value stands in no unit and no plan")
    _keep_out_of_the_log(planning)
    path, held = planning.policy.secrets_path, f"holds {', '.join(names)}"
    method, source, why = _method(planning)
    if method == FILE:
        reason = f"{held}; a file that root alone can read, since any user can read Environment= by systemctl show"
        planning.record(DIRECTIVE, "EnvironmentFile", path, OPERATOR, f"{reason}; {why}")
        return
    given = posixpath.join(_FOLDER, _unit(planning), CREDENTIAL)
    reason = f"{held}; systemd reads the file, which root alone can, and gives it to this service alone; {why}"
    planning.record(DIRECTIVE, "LoadCredential", f"{CREDENTIAL}:{path}", source, reason)
    reason = (
        "the first command of a start gets the credential, so that it is there when the server's variables are read"
    )
    planning.record(DIRECTIVE, BEFORE, [_TEST, "-r", given], source, f"{reason}; without it no start succeeds")
    reason = "the credential, as variables; the dash, because the command before the server starts without it"
    planning.record(DIRECTIVE, "EnvironmentFile", f"-{given}", source, reason)


def _keep_out_of_the_log(planning: Planning) -> None:
    """Decide on LogFilterPatterns=: the server logs its proxies at every start, with their passwords."""
    if _LOGGED & {*planning.policy.secret_environment} and _filters(planning):
        reason = "the line by which the server logs its variables at a start holds the password of a proxy"
        planning.record(DIRECTIVE, "LogFilterPatterns", _LINE, POLICY, f"{reason}, and journald leaves it out")


def _filters(planning: Planning) -> bool:
    return planning.machine.systemd is not None and planning.machine.systemd >= FILTERS_SINCE


def _names(planning: Planning) -> list[str]:
    key = {KEY} if planning.policy.api_key else set()
    return sorted({*key, *planning.policy.secret_environment})


def _unit(planning: Planning) -> str:
    return SINGLE if planning.count == 1 else f"ollama@{planning.instance}.service"


def _method(planning: Planning) -> tuple[str, str, str]:
    """The way, the source of the decision, and why."""
    wanted, systemd = planning.policy.secrets_method, planning.machine.systemd
    engine = engine_of(planning.policy.deployment)
    if engine is not None:
        if wanted == CREDENTIALS:
            planning.error(
                f"ollama_secrets_method: {wanted!r} reaches a program that systemd starts itself, and {engine} starts"
                " the server; allowed is auto or file"
            )
        return FILE, POLICY, f"{engine} hands its variables on by their names"
    old = systemd is not None and systemd < SINCE
    before = (
        f"systemd {systemd} gives a credential to the server alone, after its variables are read; {SINCE} and later"
    )
    if wanted == CREDENTIALS and old:
        planning.error(f"ollama_secrets_method: {before} give it to the command before; allowed is auto or file")
    if wanted is not None:
        return wanted, OPERATOR, f"ollama_secrets_method is {wanted}"
    if systemd is None:
        return FILE, POLICY, "not by a credential, since the version of systemd is not known"
    if old:
        return FILE, POLICY, f"not by a credential, since systemd {systemd} is older than {SINCE}"
    if planning.machine.container:
        return FILE, POLICY, "not by a credential, since a container may keep its mount from the service"
    return CREDENTIALS, POLICY, f"by a credential, since systemd {systemd} is {SINCE} or later"


def _check(planning: Planning) -> None:
    """Note an error for each name that is no secret's, is given twice, or would win over what the plan sets."""
    policy, written = planning.policy, planning.written()
    judged = lint(dict.fromkeys(policy.secret_environment, MASK), planning.release, hardware_known=True)
    for finding in judged:
        if finding.code not in _OF_NAMES or finding.name == KEY:
            continue
        if finding.severity in ("fatal", policy.lint_level):
            planning.error(f"{OPTION}.{finding.name}: {finding.message}; {finding.remedy}")
        else:
            message = f"{finding.name}: {finding.message}"
            planning.warn(f"secret-environment-{finding.code}", message, finding.remedy)
    for name in policy.secret_environment:
        key = planning.contract.named.get(name)
        if name == KEY and policy.api_key:
            planning.error(f"{OPTION}.{name}: ollama_api_key sets it too; set only one of them")
        elif name in policy.environment:
            planning.error(f"{OPTION}.{name}: ollama_environment sets it too; set only one of them")
        elif key is not None or name in written:
            instead = f"ollama_{key}" if key else "the plan"
            planning.error(f"{OPTION}.{name}: {instead} decides it, and a file of variables would win; leave it out")
        elif name in _LOGGED and not _filters(planning):
            planning.warn(
                "proxy-in-the-log",
                f"Ollama writes {name} into its log at every start, with a password in it",
                f"let the proxy know this host by its address, or see to who may read the journal; from systemd"
                f" {FILTERS_SINCE} on the role keeps the line out of it",
            )
