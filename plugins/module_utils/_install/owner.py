# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who brought the Ollama that is on a host: this collection, a package, install.sh, snap, Homebrew, a person.

A package is named only where the database of its manager has the very file: dpkg-query(1), rpm(8), pacman(8) and
apk(8), and the files in which dpkg and pacman keep what they know. install.sh of Ollama writes a unit with known lines
(scripts/install.sh@v0.30.0, configure_systemd()).
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._install.releases import VERSION
from ansible_collections.inference.ollama.plugins.module_utils._preflight.managers import other_managers

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root

# The header of every file that a role of this collection writes.
HEADER = re.compile(r"# Managed by Ansible, role inference\.ollama\..*")
# Where install.sh, packages and people put the program.
_PROGRAMS = ("/usr/local/bin/ollama", "/usr/bin/ollama", "/bin/ollama", "/opt/bin/ollama")
_KINDS = {"snap": "snap", "homebrew": "homebrew", "user": "user_unit"}
_DPKG, _PACMAN = "/var/lib/dpkg/info", "/var/lib/pacman/local"
_RPM = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
_APK = "/lib/apk/db/installed"
_INSTALL_SH = ("ExecStart=", "RestartSec=3", 'Environment="PATH=', "User=ollama")
_WORD = re.compile(r"[A-Za-z0-9][\w.+:~-]{0,200}")


class Found(NamedTuple):
    """What was read before: folder of releases, where the program should be, the unit, and the program it starts."""

    folder: str
    program: str
    unit: Optional[dict[str, Any]]
    binary: Optional[str]


def find_owner(root: Root, run: Runner | None, found: Found) -> dict[str, Any] | None:
    """``{kind, name, path, version, evidence}`` of the installation that counts; None where there is none.

    ``kind`` is collection, package, snap, homebrew, install.sh, user_unit, unit or other. A version is a package's
    own; the release is asked for elsewhere.
    """
    candidates = (found.program, found.binary, *_PROGRAMS)
    places = list(dict.fromkeys(path for path in candidates if path and root.kind(path) != "absent"))
    return (
        _of_collection(root, found, places)
        or next(filter(None, (_package(root, run, path) for path in places)), None)
        or _of_manager(root, found)
        or (_row("other", None, places[0], None, f"{places[0]} is there, and no package has it") if places else None)
    )


def _of_collection(root: Root, found: Found, places: list[str]) -> dict[str, Any] | None:
    for path in places:
        target = root.target(path)
        leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else ""
        if leads.startswith(f"{found.folder}/"):
            return _row("collection", "inference.ollama", path, None, f"{path} leads to {found.folder}")
    unit = found.unit
    if unit is not None and unit["ours"] and root.kind(f"{found.folder}/current") == "link":
        return _row("collection", "inference.ollama", unit["path"], None, f"{unit['path']} has the header of a role")
    return None


def _of_manager(root: Root, found: Found) -> dict[str, Any] | None:
    """What starts an Ollama: snap and Homebrew before a unit, since theirs is on the host in any case."""
    prefix = "" if root.live else root.path.rstrip("/")
    managed = [(each["manager"], each["path"].removeprefix(prefix)) for each in other_managers(prefix)]
    for manager, path in managed:
        if manager in ("snap", "homebrew"):
            return _row(_KINDS[manager], manager, path, None, f"{path} is there")
    if found.unit is not None and not found.unit["ours"]:
        return _by_unit(root, found.unit["path"], found.binary)
    if managed:
        manager, path = managed[0]
        return _row(_KINDS.get(manager, "unit"), manager, path, None, f"{path} starts an Ollama")
    return None


def _row(kind: str, name: str | None, path: str, version: str | None, evidence: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "path": path, "version": version, "evidence": evidence}


def _by_unit(root: Root, path: str, binary: str | None) -> dict[str, Any]:
    text = root.lines(path, re.compile(".*")) or []
    signs = all(any(line.startswith(sign) for line in text) for sign in _INSTALL_SH)
    if signs and path == "/etc/systemd/system/ollama.service":
        where = binary or path
        return _row("install.sh", "install.sh", where, None, f"{path} is as install.sh of Ollama writes it")
    return _row("unit", None, path, None, f"{path} was written by somebody else")


def _package(root: Root, run: Runner | None, path: str) -> dict[str, Any] | None:
    """The package whose file this is, by the databases that the host has."""
    target = root.target(path) or ""
    if target.startswith("/nix/store/"):
        return _row("package", "nix", path, None, f"{path} leads to {target}")
    other = path[4:] if path.startswith("/usr/bin/") else f"/usr{path}" if path.startswith("/bin/") else path
    for ask in (_dpkg, _pacman, _rpm, _apk):
        for name in dict.fromkeys((path, other)):
            found = ask(root, run, name)
            if found is not None:
                return _row("package", found[0], path, found[1], f"{found[2]} has {name}")
    return None


def _dpkg(root: Root, run: Runner | None, path: str) -> tuple[str, str | None, str] | None:
    if root.kind(_DPKG) != "folder":
        return None
    form = re.compile(re.escape(path))
    lists = [name for name in root.names(_DPKG) if name.endswith(".list") and "ollama" in name]
    name = next((name[:-5] for name in lists if root.lines(f"{_DPKG}/{name}", form)), None)
    source = f"{_DPKG}/{name}.list"
    if name is None and run is not None:
        said = run(["dpkg-query", "-S", path]).out or ""
        match = re.match(r"([a-z0-9][a-z0-9.+-]{0,100})(?::[a-z0-9]+)?: /", said)
        name, source = (match[1] if match else None), "dpkg"
    if name is None:
        return None
    package = name.partition(":")[0]
    version = _word(run, ["dpkg-query", "-W", "-f=${Version}", package])
    return package, version, source


def _pacman(root: Root, run: Runner | None, path: str) -> tuple[str, str | None, str] | None:
    if root.kind(_PACMAN) != "folder":
        return None
    form = re.compile(re.escape(path.lstrip("/")))
    for name in root.names(_PACMAN):
        if "ollama" in name and root.lines(f"{_PACMAN}/{name}/files", form):
            # NAME-VERSION-RELEASE (alpm).
            package, version, number = [*name.rsplit("-", 2), "", ""][:3]
            return package, f"{version}-{number}", f"{_PACMAN}/{name}/files"
    package = _word(run, ["pacman", "-Qoq", path]) or ""
    return (package, None, "pacman") if package else None


def _rpm(root: Root, run: Runner | None, path: str) -> tuple[str, str | None, str] | None:
    if run is None or all(root.kind(place) == "absent" for place in _RPM):
        return None
    said = (run(["rpm", "-qf", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n", path]).out or "").split()
    known = len(said) >= 2 and all(_WORD.fullmatch(word) for word in said[:2]) and said[1][0].isdigit()
    return (said[0], said[1], "rpm") if known else None


def _apk(root: Root, run: Runner | None, path: str) -> tuple[str, str | None, str] | None:
    if run is None or root.kind(_APK) == "absent":
        return None
    match = re.search(
        r"is owned by (\S{1,200}?)-([0-9]\S{0,100})\s*$", run(["apk", "info", "--who-owns", path]).out or ""
    )
    return (match[1], match[2], "apk") if match else None


def _word(run: Runner | None, argv: list[str]) -> str | None:
    said = ((run(argv).out if run is not None else None) or "").strip()
    return said if _WORD.fullmatch(said) else None


def release_of(text: str | None) -> str | None:
    """The release in a tag or a file's name such as v0.32.15; None for any other text."""
    word = (text or "").strip().rstrip("/").rpartition("/")[2]
    word = word.removeprefix("v")
    return word if VERSION.fullmatch(word) else None
