# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the unit files on a host differ from those that a plan asks for.

Texts are compared as they are written, because that is what the role would write again: the same settings in
other words are a difference of the text alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._secrets import mentions_secret
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import settings_of
from ansible_collections.inference.ollama.plugins.plugin_utils._files import is_ours, unit_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA = 1
# What a difference can be; docs in file_drift.yml.
FILE_MISSING, NOT_OURS, MISSING, EXTRA, DIFFERS, TEXT, STALE = (
    "file-missing",
    "not-ours",
    "missing",
    "extra",
    "differs",
    "text",
    "stale",
)
HIDDEN = "(not shown)"


def file_drift(desired: Mapping[str, Any], contents: Mapping[str, str | None]) -> dict[str, Any]:
    """``{schema, differences: [{unit, instance, path, setting, kind, on_host, planned}, …]}``, in the files' order.

    A row has a ``cause`` where the host says with which variables the file was made.

    ``desired`` is what desired_state() returned, ``contents`` the text of each file on the host. Raises OllamaError
    for a file that is there and cannot be read: nobody knows whether it differs.
    """
    differences: list[dict[str, Any]] = []
    for file in desired["unit_files"]:
        path = file["path"]
        if path in contents and contents[path] is None:
            raise OllamaError(f"{path}: it cannot be compared with the plan, since it cannot be read")
        place = {"unit": file["unit"], "instance": file["instance"], "path": path}
        differences += [{**place, **row} for row in _compare(contents.get(path), file["content"])]
    for path in desired["stale"]:
        differences.append({"unit": None, "instance": None, "path": path, **_row(STALE)})
    causes = desired.get("origins") or {}
    return {
        "schema": SCHEMA,
        "differences": [{**row, "cause": causes[row["path"]]} if row["path"] in causes else row for row in differences],
    }


def digest_drift(
    plan: Mapping[str, Any], dropin_name: str, made: Mapping[str, str], found: Mapping[str, str | None]
) -> dict[str, Any]:
    """The same by SHA-256 alone, where no text of the plan is at hand: files as they were written and as they are.

    ``made`` and ``found`` are by path, None for a file that is not there. Any other byte is a difference here.
    """
    owners = {str(file["path"]): file for file in unit_files(plan, dropin_name)}
    differences = []
    for path, digest in made.items():
        if path in owners and found.get(path) != digest:
            place = {"unit": owners[path]["unit"], "instance": owners[path]["instance"], "path": path}
            differences.append({**place, **_row(FILE_MISSING if found.get(path) is None else DIFFERS)})
    return {"schema": SCHEMA, "differences": differences}


def _compare(on_host: str | None, planned: str) -> Iterator[dict[str, Any]]:
    if on_host is None:
        yield _row(FILE_MISSING)
    elif not is_ours(on_host):
        yield _row(NOT_OURS)
    elif on_host != planned:
        here, there = _settings(on_host), _settings(planned)
        if here == there:
            yield _row(TEXT)
        for setting in [*there, *(name for name in here if name not in there)]:
            ours, theirs = here.get(setting), there.get(setting)
            if ours != theirs:
                kind = MISSING if ours is None else EXTRA if theirs is None else DIFFERS
                yield _row(kind, setting, _shown(setting, ours), _shown(setting, theirs))


def _settings(text: str) -> dict[str, list[str]]:
    """What the text sets: variables, then directives, with their section unless that is [Service]."""
    of_docker = settings_of(text) if text.startswith("{") else None
    if of_docker is not None:
        return of_docker
    service = read_service([("", text)])
    # In a container's file systemd reads a command of each, in which $ is doubled.
    contained = [each for each in service.settings if (each.section, each.directive) == ("Container", "Environment")]
    lines = [f"Environment={each.value.replace('$$', '$')}" for each in contained]
    variables = read_service([("", "\n".join(["[Service]", *lines]))]).environment
    found = {name: [variable.value] for name, variable in {**service.environment, **variables}.items()}
    for setting in service.settings:
        if setting.directive != "Environment" or setting.section not in ("Service", "Container"):
            section = "" if setting.section == "Service" else f"[{setting.section}]"
            found.setdefault(section + setting.directive, []).append(setting.value)
    return found


def _shown(setting: str, values: list[str] | None) -> str | None:
    if values is None:
        return None
    # A key or a password that somebody wrote into the file by hand is not printed a second time. An empty value
    # clears what stands before it, as in front of ExecStart=, and says nothing to a reader.
    text = " | ".join(filter(None, values))
    secret = any(map(mentions_secret, (setting, *values))) or Redactor().text(text) != text
    return HIDDEN if secret else text


def _row(
    kind: str, setting: str | None = None, on_host: str | None = None, planned: str | None = None
) -> dict[str, Any]:
    return {"setting": setting, "kind": kind, "on_host": on_host, "planned": planned}
