# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd would apply of a service were the role's own files not there.

Source: systemd.unit(5), "Unit File Load Path", the rules on drop-ins, masks and aliases; systemd.exec(5),
"Environment=" and "EnvironmentFile=".
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret, is_secret
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import FOLDERS, dropins_of
from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service, read_service
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import Tree, UnreadableError
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import assignment, expand, split_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting

# A unit has a handful; more is a mistake or an attack.
_MOST_FILES = 1000
# systemd.unit(5): "dependencies cannot be reset to an empty list".
_NEVER_CLEARED = frozenset(
    {"After", "Before", "Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "OnFailure"}
    | {"OnSuccess", "PropagatesReloadTo", "ReloadPropagatedFrom", "PropagatesStopTo", "StopPropagatedFrom"}
    | {"JoinsNamespaceOf"}
)
# Directives with one value, of which the last counts. Of others all count; to keep one too many changes nothing.
_SINGLE = frozenset(
    {"Type", "User", "Group", "DynamicUser", "Slice", "WorkingDirectory", "RootDirectory", "UMask", "Nice", "Restart"}
    | {"RestartSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec", "StartLimitIntervalSec", "StartLimitBurst"}
    | {"OOMScoreAdjust", "OOMPolicy", "CPUWeight", "StartupCPUWeight", "CPUQuota", "NUMAPolicy", "CPUSchedulingPolicy"}
    | {"CPUSchedulingPriority", "IOWeight", "MemoryMin", "MemoryLow", "MemoryHigh", "MemoryMax", "MemorySwapMax"}
    | {"TasksMax", "KillMode", "KillSignal", "Delegate", "NoNewPrivileges", "PrivateTmp", "PrivateDevices"}
    | {"PrivateNetwork", "PrivateUsers", "ProtectSystem", "ProtectHome", "ProtectKernelTunables", "DevicePolicy"}
    | {"ProtectKernelModules", "ProtectControlGroups", "Description", "StandardOutput", "StandardError"}
)


def find_unit(
    prefix: str, name: str, template: str, header: str, planned: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """``found_unit`` of the module unit_files_info; None where there is no unit ``name`` below the prefix.

    Files with a line that begins with ``header`` are the role's. ``planned`` has texts of files that will be there, by
    path, in the place of those that are.
    """
    tree, planned = Tree(prefix), planned or {}
    path = next((each for each in planned if each == f"{UNITS_FOLDER}/{name}"), None) or _unit_path(tree, name)
    if path is None:
        return None
    template_path = _unit_path(tree, template)
    problems: list[str] = []

    def ours(place: str) -> bool:
        text = planned[place] if place in planned else _read(tree, place, [])
        return text is not None and any(line.startswith(header) for line in text.splitlines())

    masked = tree.is_masked(path)
    more: dict[str, list[str]] = {}
    for place in planned:
        more.setdefault(posixpath.dirname(place), []).append(posixpath.basename(place))

    def listed(folder: str) -> list[str]:
        return sorted({*tree.names(folder), *more.get(folder, ())})

    dropins = [place for place in dropins_of(_names(tree, path, name), listed, ours) if not tree.is_masked(place)]
    texts = {}
    for place in ([] if masked else [path, *dropins])[:_MOST_FILES]:
        text = planned[place] if place in planned else _read(tree, place, problems)
        if text is not None:
            texts[tree.shown(place)] = text
    files = _environment_files(tree, read_service(texts.items()), problems)
    service = read_service(texts.items(), ((entry["path"], entry.pop("text")) for entry in files if "text" in entry))
    return {
        "path": tree.shown(path),
        "dropins": [tree.shown(place) for place in dropins],
        "masked": masked or (template_path is not None and tree.is_masked(template_path)),
        "settings": _settings(service),
        "variables": _variables(service),
        "environment_files": files,
        "problems": problems,
    }


def _unit_path(tree: Tree, name: str) -> str | None:
    return next((f"{folder}/{name}" for folder in FOLDERS if tree.there(f"{folder}/{name}")), None)


def _read(tree: Tree, path: str, problems: list[str]) -> str | None:
    try:
        text = tree.read(path)
    except UnreadableError as error:
        problems.append(f"{tree.shown(path)}: {error}")
        return None
    if text is None:
        problems.append(f"{tree.shown(path)}: it is a link to nothing")
    return text


def _names(tree: Tree, path: str, name: str) -> list[str]:
    """The unit's name, and that of the unit which it is an alias of."""
    try:
        target = tree.resolve(path).rpartition("/")[2]
    except UnreadableError:
        target = name
    return [name, target] if target.endswith(".service") and target != name else [name]


def _environment_files(tree: Tree, service: Service, problems: list[str]) -> list[dict[str, Any]]:
    """The environment files in effect; ``text`` of those that could be read."""
    found: list[dict[str, Any]] = []
    for setting in service.values("EnvironmentFile"):
        pattern = expand(setting.value)
        optional = pattern.startswith("-")
        pattern = pattern.removeprefix("-").strip("\"'")
        if not pattern.startswith("/"):
            problems.append(f"{setting.file}:{setting.line}: the path of an EnvironmentFile= does not begin with /")
            continue
        for path in tree.matching(pattern)[:_MOST_FILES]:
            entry: dict[str, Any] = {"path": tree.shown(path), "optional": optional, "problem": None}
            found.append(entry)
            try:
                text = tree.read(path)
                if text is not None:
                    entry["text"] = text
                elif not optional:
                    entry["problem"] = "it does not exist"
            except UnreadableError as error:
                entry["problem"] = str(error)
            if entry["problem"]:
                problems.append(f"{entry['path']}: {entry['problem']}")
    return found


def _settings(service: Service) -> list[dict[str, Any]]:
    """The settings in effect, in the order of effect."""
    kept: list[Setting] = []
    for setting in service.settings:
        key = (setting.section, setting.directive)
        replaces = setting.directive in _SINGLE or setting.directive.startswith("Limit")
        if replaces or (not setting.value and setting.directive not in _NEVER_CLEARED):
            kept = [other for other in kept if (other.section, other.directive) != key]
        if setting.value:
            kept.append(setting)
    return [_setting(setting) for setting in kept]


def _setting(setting: Setting) -> dict[str, Any]:
    secret = _holds_secret(setting)
    return {
        "section": setting.section,
        "directive": setting.directive,
        "value": None if secret else setting.value,
        "secret": secret,
        "file": setting.file,
        "line": setting.line,
    }


def _holds_secret(setting: Setting) -> bool:
    words = [expand(word) for word in split_words(setting.value)[0]]
    if setting.directive == "Environment":
        pairs = [assignment(word) for word in words]
        known = any(pair and _is_secret(*pair) for pair in pairs)
        return known or Redactor().text(setting.value) != setting.value
    hidden = setting.directive.startswith("SetCredential")
    return hidden or Redactor().command_line(words) != words or Redactor().text(setting.value) != setting.value


def _variables(service: Service) -> dict[str, dict[str, Any]]:
    found = {}
    for name, variable in service.environment.items():
        secret = _is_secret(name, variable.value)
        found[name] = {
            "value": None if secret else variable.value,
            "secret": secret,
            "file": variable.file,
            "line": variable.line,
            "from_file": variable.from_file,
        }
    return found


def _is_secret(name: str, value: str) -> bool:
    return is_secret(name, value) or carries_secret(value)
