# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import a built collection as Galaxy does, and fail on all that it warns of: ``galaxy_import.py ARTEFACT FOLDER``.

The importer ends with status 0 where it warns, where a program that it needs is missing, and where ansible-lint itself
fails; so its result is looked at, and what ansible-lint says at its end. Its files go to FOLDER.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

CONFIG = Path(__file__).resolve().parents[2] / ".config" / "galaxy-importer.cfg"
# Writes what ansible-lint says beside what it finds, which the importer throws away, to a file.
LINT = """#!/bin/sh
"{program}" "$@" 2>"{log}"
code=$?
cat "{log}" >&2
exit $code
"""
DOCUMENTED = (("module", "plugins/modules/", ".py"), ("filter", "plugins/filter/", ".yml"))


def complaints(output: str, code: int) -> list[str]:
    """Return the lines of the importer's output that are no progress."""
    found = re.findall(r"(?m)^(?:WARNING|ERROR|CRITICAL): .*", output)
    return found or [f"the importer ended with status {code}: {output.strip()[-500:]}"] * (code != 0)


def undocumented(result: dict, names: set[str]) -> list[str]:
    """Return a sentence for each part of the collection that Galaxy would show without its documentation."""
    pages = result["docs_blob"]
    shown = {(part["content_type"], part["content_name"]): part for part in pages["contents"]}
    found = [] if pages["collection_readme"]["html"] else ["README.md was not rendered"]
    rendered = {f"docs/{page['name']}" for page in pages["documentation_files"] if page["html"]}
    documents = {name for name in names if re.fullmatch(r"docs/[^/]+\.md", name)}
    found += [f"{name} was not rendered" for name in sorted(documents - rendered)]
    for kind, folder, suffix in DOCUMENTED:
        for name in sorted(name for name in names if name.startswith(folder) and name.endswith(suffix)):
            part = shown.get((kind, name[len(folder) : -len(suffix)]), {})
            found += [] if (part.get("doc_strings") or {}).get("doc") else [f"{name}: its documentation was not read"]
    for name in sorted({name.split("/")[1] for name in names if name.startswith("roles/")}):
        found += [] if shown.get(("role", name), {}).get("readme_html") else [f"role {name}: its README was not read"]
    return found


def unlinted(log: str, names: set[str]) -> list[str]:
    """Return a sentence unless ansible-lint reports that it looked at all files of roles and playbooks and passed."""
    least = sum(name.startswith(("roles/", "playbooks/")) and name.endswith(".yml") for name in names)
    passed = re.search(r"(?m)^Passed: 0 failure\(s\), 0 warning\(s\) in (\d+) files", log)
    if passed and int(passed[1]) >= least:
        return []
    return [f"ansible-lint did not pass {least} files or more; it ends with: {log.strip()[-500:] or 'nothing'}"]


def lint_program(folder: Path) -> Path:
    """Put a program ansible-lint in a folder for PATH, and return the file to which it writes what it says."""
    program, log = shutil.which("ansible-lint"), folder / "lint.log"
    log.unlink(missing_ok=True)
    if program:
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / "ansible-lint").write_text(LINT.format(program=program, log=log), encoding="utf-8")
        (folder / "bin" / "ansible-lint").chmod(0o755)
    return log


def main(artefact: str, work: str) -> str | None:
    """Return what is wrong, for sys.exit; the importer's own output is printed."""
    folder = Path(work).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log, result = lint_program(folder), folder / "importer_result.json"
    result.unlink(missing_ok=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", str(Path(artefact).resolve())],
        cwd=folder,
        env={**os.environ, "PATH": path, "GALAXY_IMPORTER_CONFIG": str(CONFIG)},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    sys.stdout.write(run.stdout)
    found = complaints(run.stdout, run.returncode)
    if result.exists():
        with tarfile.open(artefact) as tar:
            names = {member.name for member in tar.getmembers() if member.isreg()}
        found += undocumented(json.loads(result.read_text(encoding="utf-8")), names)
        found += unlinted(log.read_text(encoding="utf-8") if log.exists() else "", names)
    elif not found:
        found = ["the importer wrote no result"]
    return "\n".join(found) or None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
