# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name what is wrong with the files of a built collection: ``python tests/tools/artefact_files.py ARTEFACT``.

It holds every file of git in the folders that users need, and no other; what its documents and its meta files name is
in it.
"""

from __future__ import annotations

import json
import posixpath
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles")
FILES = ("CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "tests/config.yml")
# Written by the first release.
LATER = ("CHANGELOG.md",)
# Settings of runs in a clone, and what the site is built with, in folders of which all else is shipped.
NOT_SHIPPED = ("playbooks/ansible.cfg", *(f"docs/docsite/{name}" for name in ("conf.py", "index.rst", "site.css")))
# What the changelog of the next release is made of.
NOT_SHIPPED_FOLDER = "changelogs/fragments/"
# Written by ansible-galaxy.
BUILT = {"FILES.json", "MANIFEST.json"}
# Two thirds are modules, deciders and what is known of settings; far more is something that was not meant for users.
MOST_BYTES = 1_400_000


def wanted(tracked: list[str]) -> set[str]:
    """Return those of the repository's files that the artefact must hold."""
    shipped = {name for name in tracked if name.split("/")[0] in FOLDERS or name in FILES + LATER}
    shipped = {name for name in shipped if not name.startswith(NOT_SHIPPED_FOLDER)}
    return (shipped | set(FILES) | BUILT) - set(NOT_SHIPPED)


def differences(names: set[str], expected: set[str]) -> list[str]:
    """Return a sentence for each file that is missing, and for each that does not belong there."""
    return [
        *(f"{name}: is missing" for name in sorted(expected - names)),
        *(f"{name}: does not belong into the artefact" for name in sorted(names - expected)),
    ]


def named_by_page(page: str, text: str) -> list[str]:
    """Return the files that a document of Markdown links to, and those of shipped folders that it has in backticks."""
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    found = [posixpath.normpath(posixpath.join(posixpath.dirname(page), link)) for link in links]
    return found + [name for name in re.findall(r"`([\w./-]+\.\w+)`", text) if name.split("/")[0] in FOLDERS]


def named_by_meta(texts: dict[str, str]) -> list[str]:
    """Return the files that the manifest and the description of the execution environment name."""
    manifest = json.loads(texts["MANIFEST.json"])["collection_info"]
    needed = yaml.safe_load(texts.get("meta/execution-environment.yml", "")) or {}
    return [manifest["readme"], manifest["license_file"], *needed.get("dependencies", {}).values()]


def unresolved(texts: dict[str, str], names: set[str]) -> list[str]:
    """Return a sentence for each file that is named and not there; texts are the documents and what meta files hold."""
    named = [(page, name) for page in texts if page.endswith(".md") for name in named_by_page(page, texts[page])]
    named += [("MANIFEST.json or meta", name) for name in named_by_meta(texts)]
    return [f"{page}: names {name}, which the artefact does not hold" for page, name in named if name not in names]


def faults(artefact: Path, tracked: list[str]) -> list[str]:
    """Return a sentence for each fault of a built collection."""
    size = artefact.stat().st_size
    found = [] if size <= MOST_BYTES else [f"{artefact.name} has {size} bytes, at most {MOST_BYTES} are expected"]
    with tarfile.open(artefact) as tar:
        members = [member for member in tar.getmembers() if not member.isdir()]
        found += [f"{member.name}: is not a regular file" for member in members if not member.isreg()]
        names = {member.name for member in members}
        read = {
            name
            for name in names
            if name.endswith(".md") or name in ("MANIFEST.json", "meta/execution-environment.yml")
        }
        texts = {
            member.name: tar.extractfile(member).read().decode()
            for member in members
            if member.isreg() and member.name in read
        }
    return found + differences(names, wanted(tracked)) + unresolved(texts, names)


def main(artefact: str) -> str | None:
    """Return what is wrong, for sys.exit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    tracked = [name for name in listed if (ROOT / name).exists()]
    return "\n".join(faults(Path(artefact), tracked)) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
