# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files and links a run writes, removes and leaves as they are, what they say, and which of them change.

``found`` is what unit_files_info returned, ``options`` are the role's variables without their prefix.
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._places import (
    CONTAINER_SUFFIX,
    DOCKER_SUFFIX,
    UNITS_FOLDER,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._container.docker import container_text
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import PODMAN
from ansible_collections.inference.ollama.plugins.plugin_utils._extras import Extras, extras_of
from ansible_collections.inference.ollama.plugins.plugin_utils._files import (
    foreign_dropins,
    kept_name,
    stale_files,
    unit_files,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import PATHS as FIREWALL_PATHS
from ansible_collections.inference.ollama.plugins.plugin_utils._firewall import firewall_files
from ansible_collections.inference.ollama.plugins.plugin_utils._found import lost_settings
from ansible_collections.inference.ollama.plugins.plugin_utils._install.applied import switched
from ansible_collections.inference.ollama.plugins.plugin_utils._kernel_settings import KERNEL, KernelSetting
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.found import REPLACE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE
from ansible_collections.inference.ollama.plugins.plugin_utils._questions import prefix_of
from ansible_collections.inference.ollama.plugins.plugin_utils._refusals import template_path
from ansible_collections.inference.ollama.plugins.plugin_utils._render import (
    render,
    render_container,
    render_docker_unit,
    render_dropin,
    render_slice,
    render_template_unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._firewalld import ZoneRules

_MODE = "0644"


class Wanted(NamedTuple):
    """What is to be on a host, and what is not.

    ``files`` are those of units, as unit_files() gives them, and ``texts`` what all files say, by path; ``kernel`` are
    the settings of the kernel that have a file, with their values; ``extras`` is what extras_of() gives. ``kept`` are
    files of others by the name under which they stay, ``given_up`` those that do not, ``stale`` is what stale_files()
    gives, ``absent`` are all paths that go, and ``secrets_path`` is where the file of secrets is, or was.
    """

    files: list[dict[str, str | None]]
    texts: dict[str, str]
    kernel: list[tuple[KernelSetting, Any]]
    extras: Extras
    kept: dict[str, str]
    given_up: list[str]
    stale: dict[str, list[str]]
    absent: list[str]
    secrets_path: str
    notices: list[str]

    def unit_texts(self) -> dict[str, str]:
        """Return what the files of units say, by path."""
        return {path: self.texts[path] for path in (str(file["path"]) for file in self.files)}

    def changes(self, found: Mapping[str, Any], programs: Mapping[str, str], install: Mapping[str, Any]) -> list[str]:
        """Return the paths that file_transaction will change; ``programs`` are the SHA-256 of programs, by name."""
        digests = {**text_digests(self.texts), **self.extras.digests(programs)}
        return [*self.kept.values(), *_changes(digests, self.absent, found), *switched(install)]


def wanted_of(  # noqa: PLR0913, PLR0917
    plan: Mapping[str, Any],
    options: Mapping[str, Any],
    found: Mapping[str, Any],
    install: Mapping[str, Any],
    zones: ZoneRules,
    host: str,
) -> Wanted:
    """Return what is to be on a host; ``install`` is what is installed with it, empty where nothing is.

    ``zones`` has the record of the rules of firewalld, ``host`` is the name in the inventory.
    """
    prefix, ours = prefix_of(options), found["headed"]
    files = unit_files(plan, options["dropin_name"], prefix)
    kept, given_up, notices = _foreign(plan, options, files, found)
    unit = replaced_unit(plan, found, prefix)
    if unit is not None:
        given_up.append(unit)
        notices.append(
            f"{unit} gives its place to the unit of the container, since systemd reads it first; a copy stays beside it"
        )
    template_is_ours = template_path(options) in ours
    # A link to an instance is the role's if the template is.
    links = [path for path in found["boot_links"] if template_is_ours and "/ollama@" in path]
    stale = stale_files(plan, files, ours, links)
    values = [(setting, views.kernel(plan)[setting.name]) for setting in KERNEL]
    kernel = [(setting, value) for setting, value in values if value is not None]
    extras = extras_of(plan, options, prefix, host)
    beside = {
        **{setting.path: render(setting.source, value=value) for setting, value in kernel},
        **firewall_files(plan),
        **zones.files,
    }
    texts = {
        **{str(file["path"]): _text(plan, file) for file in files},
        **install.get("texts", {}),
        **{f"{prefix}{path}": text for path, text in beside.items()},
        **extras.texts,
    }
    elsewhere = [*(setting.path for setting in KERNEL), *FIREWALL_PATHS, *zones.absent]
    left = [
        *(link for link in links if posixpath.basename(link) in stale["units"]),
        *_loose_links(plan, found, stale["files"]),
        *(path for path in (f"{prefix}{each}" for each in elsewhere) if path not in texts),
        *extras.unwanted(prefix, found),
    ]
    secrets_path = f"{prefix}{options['secrets_path']}"
    absent = [*stale["files"], *given_up, *left, *([] if _has_secrets(plan) else [secrets_path])]
    notices += _foreign_slice(plan, files, found)
    return Wanted(files, texts, kernel, extras, kept, given_up, stale, absent, secrets_path, notices)


def replaced_unit(plan: Mapping[str, Any], found: Mapping[str, Any], prefix: str = "") -> str | None:
    """Return the unit file that hides the one of a container of its name, in a folder that systemd reads before."""
    path = f"{prefix}{UNITS_FOLDER}/{SINGLE}"
    # One of the role's own, for a container of Docker, is left of an earlier plan.
    others = set(found["files"]) - set(found["headed"])
    return path if plan.get("deployment") == PODMAN and path in others else None


def _loose_links(plan: Mapping[str, Any], found: Mapping[str, Any], stale: list[str]) -> Iterator[str]:
    """Yield the links to units of the role that go while another file makes a unit of the same name."""
    planned = {instance["unit"] for instance in plan["instances"]}
    gone = {posixpath.basename(path) for path in stale} & planned
    return (link for link in found["boot_links"] if posixpath.basename(link) in gone)


def present(paths: list[str], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths at which something is."""
    return (path for path in paths if path in found["digests"] or path in found["boot_links"])


def text_digests(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of texts, by path."""
    return {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}


def _foreign(
    plan: Mapping[str, Any], options: Mapping[str, Any], files: list[dict[str, str | None]], found: Mapping[str, Any]
) -> tuple[dict[str, str], list[str], list[str]]:
    """What becomes of others' files in our places: those kept, by their next name; those given up; notices."""
    replaces = options.get("adopt") == REPLACE
    foreign = foreign_dropins(files, found["files"], found["headed"])
    if not replaces:
        kept = {path: kept_name(path) for path in foreign}
        return kept, [], [f"{path} stays as {other}, which systemd reads before it" for path, other in kept.items()]
    given_up = [path for path in map(kept_name, _dropins(files)) if path in found["files"]]
    return {}, given_up, [*lost_settings(plan, found.get("found_unit"), [*foreign, *given_up])]


def _dropins(files: list[dict[str, str | None]]) -> list[str]:
    return [str(file["path"]) for file in files if str(file["path"]).endswith(".conf")]


def _foreign_slice(
    plan: Mapping[str, Any], files: list[dict[str, str | None]], found: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each file for the slice that the role has not written, since only one of them can set the weight."""
    path = next((str(file["path"]) for file in files if plan["slice"] and file["unit"] == plan["slice"]), None)
    if path is not None:
        folder = posixpath.dirname(path)
        beside = {folder.removesuffix(".d"), *(file for file in found["files"] if posixpath.dirname(file) == folder)}
        for file in sorted(beside & set(found["files"]) - set(found["headed"]) - {path}):
            yield f"{file} is not the role's and stays beside {path}; only one of the two can set CPUWeight="


def _has_secrets(plan: Mapping[str, Any]) -> bool:
    return any(decision["kind"] == views.SECRET for decision in plan["decisions"])


def _text(plan: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    if file["instance"] is not None:
        path, name = str(file["path"]), str(file["instance"])
        if path.endswith(DOCKER_SUFFIX):
            return container_text(plan, name)
        if path.endswith(f"/{file['unit']}"):
            return render_docker_unit(plan, name)
        return render_container(plan, name) if path.endswith(CONTAINER_SUFFIX) else render_dropin(plan, name)
    return render_slice(plan) if file["unit"] == plan["slice"] else render_template_unit(plan)


def _changes(wanted: Mapping[str, str], absent: list[str], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that file_transaction will change."""
    digests = found["digests"]
    for path, digest in wanted.items():
        if digests.get(path) != {"sha256": digest, "mode": _MODE}:
            yield path
    yield from present(absent, found)
    yield from found["different"]
