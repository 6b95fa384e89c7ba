# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where files that the role has not written are in the way of its own, and what is lost with one of them.

Sources: docs/policy.md, rules F1 to F4.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._files import foreign_dropins, kept_name, unit_files
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import REPLACE, conflicts, variable_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE
from ansible_collections.inference.ollama.plugins.plugin_utils._values import printable, quoted
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.values import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def found_errors(options: Mapping[str, Any], found: Mapping[str, Any], plan: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield why a file of somebody else's would be lost or hidden; nothing without a plan."""
    if plan is None:
        return
    name, prefix = str(options["dropin_name"]), str(options.get("staging_root") or "").rstrip("/")
    files = unit_files(plan, name, prefix)
    if options.get("adopt") != REPLACE:
        for path in foreign_dropins(files, found["files"], found["headed"]):
            other, digests = kept_name(path), found["digests"]
            if other in found["files"] and (digests.get(other) is None or digests.get(other) != digests.get(path)):
                yield (
                    f"ollama_dropin_name: {name!r} would take the place of {path}, which would stay as {other}, and"
                    " there is another file of that name. Put both into one, or choose another ollama_dropin_name"
                )
    yield from conflicts(found.get("found_unit"), plan, name)
    own = f"{prefix}{UNITS_FOLDER}/{SINGLE}.d/{name}"
    for path in (found.get("found_unit") or {}).get("dropins", ()):
        if posixpath.basename(path) == name and path != own and any(file["path"] == own for file in files):
            yield (
                f"ollama_dropin_name: {name!r} is the name of {path} too, and systemd reads only one file of a name;"
                " choose another ollama_dropin_name"
            )


def lost_settings(plan: Mapping[str, Any], found: Mapping[str, Any] | None, replaced: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each setting that was found and is not kept: those of the files that are ``replaced``, and
    those that the plan sets otherwise.
    """
    if found is None:
        return
    gone, instance = set(replaced), plan["instances"][0]["name"]
    planned: dict[str, Any] = {**views.environment(plan, instance), **views.directives(plan, instance)}
    # Commands of another file run beside those of the plan.
    planned.pop(views.BEFORE, None)
    for name, variable in found["variables"].items():
        if _is_lost(name, variable["value"], planned.get(name), replaced=variable["file"] in gone):
            yield _sentence(name, variable)
    for setting in found["settings"]:
        name = setting["directive"]
        lost = _is_lost(name, setting["value"], planned.get(name), replaced=setting["file"] in gone)
        if lost and name != "Environment" and setting["file"] in found["dropins"]:
            yield _sentence(name, setting)


def _is_lost(name: str, value: str | None, planned: object, *, replaced: bool) -> bool:
    if planned is None:
        return replaced
    setting = load().get(name)
    text = views.as_text(planned) or ""
    return value is None or not (value == text or (setting is not None and same(setting.type, text, value)))


def _sentence(name: str, entry: Mapping[str, Any]) -> str:
    value = entry["value"]
    shown = " (its value is not shown)" if value is None else f"={value if printable(value) else quoted(value)}"
    named = variable_of(name)
    keeps = "" if named.startswith("ollama_environment.") and "directive" in entry else f"; {named} keeps it"
    return f"was {name}{shown} in {entry['file']}:{entry['line']}; not kept{keeps}"
