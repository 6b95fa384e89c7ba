# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about an installation, on the target and on the controller, in which order, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._install.decide import OURS, Seen, decide, kept_releases
from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import (
    CHECKSUMS,
    Wanted,
    first_question,
    local_paths,
    read_checksums,
    second_question,
    wanted,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import option_errors
from ansible_collections.inference.ollama.plugins.plugin_utils._values import truth

if TYPE_CHECKING:
    from collections.abc import Mapping

# A module by its name with its arguments, and what it returns.
Read = Callable[[str, "dict[str, Any]"], "dict[str, Any]"]
_ROLE = "ollama_install"


class Local(NamedTuple):
    """How files of the controller are read: ``{path, bytes, problem}`` of the first one, and the text of one."""

    find: Callable[[list[str]], dict[str, Any]]
    text: Callable[[str], str]


def installation(
    read: Read, options: Mapping[str, Any], topology: Mapping[str, Any], local: Local, *, whole: bool = True
) -> dict[str, Any] | None:
    """What is to be installed, as decide() returns it with ``keep``; None where nothing is.

    ``options`` are the variables without their prefix; those that are not set are as the role has them. Where some are
    wrong, ``decided`` is false. Raises OllamaError where a reader fails. Not ``whole`` is what a plan is made for:
    which release and which unit there will be, without a look at archives, and by any user.
    """
    given = {name: option.default for name, option in load().options.items() if option.role == _ROLE}
    options = {**given, **options}
    if not truth(str(options["install"])) or options["install_state"] != "present":
        return None
    if option_errors({name: options[name] for name in given}):
        # They are refused with all others.
        return {"decided": False}
    asked = wanted(options, topology)
    first = first_question(asked, options, options["command_timeout"])
    info = dict(_answer(read("install_info", first))["install"])
    asked = wanted(options, topology, info)
    second = second_question(asked, first, info) if whole else None
    if second is not None:
        info["sources"] = _answer(read("install_info", second))["install"]["sources"]
    found: dict[str, Any] = {}
    if (info.get("owner") or {}).get("kind") not in OURS:
        found = _answer(read("unit_files_info", {}))["found_unit"] or {}
    install = decide(asked, options, Seen(topology, info, found, _on_controller(asked, local) if whole else {}))
    if not whole:
        return install
    states = _answer(read("snapshot", {"folder": options["state_folder"], "install_folder": asked.folder}))
    install["keep"] = kept_releases(info, install, int(options["install_keep"]), states["targets"])
    return install


def _answer(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("failed"):
        raise OllamaError(str(said.get("msg")))
    return said


def _on_controller(asked: Wanted, local: Local) -> dict[str, dict[str, Any]]:
    """Return ``{path, bytes, sha256, problem}`` of each archive that is to come from the controller, by its name."""
    places = local_paths(asked)
    texts = map(local.text, places.pop(CHECKSUMS, []))
    known = read_checksums(next(filter(None, texts), ""), places)
    return {name: {**local.find(paths), "sha256": known.get(name)} for name, paths in places.items()}
