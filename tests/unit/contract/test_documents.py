# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents name files and plugins that exist, and each file has one row in the table of rooms."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "molecule/README.md", "roles/ollama/README.md", "docs/*.md")
PAGES = sorted(path for pattern in DOCUMENTS for path in ROOT.glob(pattern))
ARCHITECTURE = ROOT / "docs" / "architecture.md"
# Folders of the repository, and folders of private code, which documents name without what is above them.
TOP = {"changelogs", "docs", "extensions", "meta", "molecule", "playbooks", "plugins", "requirements", "roles", "tests"}
PRIVATE = sorted(
    path for folder in ("module_utils", "plugin_utils") for path in (ROOT / "plugins" / folder).glob("_*/")
)


def named_paths(text: str) -> list[str]:
    """Paths of the repository in backticks: below a folder at its top, or in private code."""
    private = {path.name for path in PRIVATE}
    words = re.findall(r"`([\w./*-]+)`", text)
    return [word for word in words if "/" in word and word.split("/")[0] in TOP | private]


def find(name: str, *above: Path) -> list[Path]:
    """The files and folders that a name stands for; a plugin's may go without its suffix."""
    folders = [*above, ROOT, ROOT / "plugins" / "module_utils", ROOT / "plugins" / "plugin_utils"]
    name = name.rstrip("/")
    found = [[*folder.glob(pattern)] for folder in folders for pattern in (name, f"{name}.py")]
    return next(filter(None, found), [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_documents_name_exist(page):
    """Neither a path in backticks nor the target of a link is outdated."""
    text = page.read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    assert [name for name in named_paths(text) if not find(name)] == []
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_each_file_has_one_row_in_the_table_of_rooms():
    """A file with two rows has two descriptions, and one of them is wrong sooner or later."""
    table = ARCHITECTURE.read_text("utf-8").partition("## The rooms")[2].partition("## ")[0]
    rows = [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    files = Counter()
    for names in rows:
        folder = ROOT
        for name in names:
            found = find(name, folder)
            assert found, f"{name} does not exist"
            folder = found[0].parent
            if "*" not in name:
                files.update(path for path in found if path.is_file())
    assert [path.name for path, count in files.items() if count > 1] == []


def test_the_readme_names_every_plugin_and_playbook():
    """A plugin that is gone has no row, and a new one has one."""
    table = (ROOT / "README.md").read_text("utf-8").partition("## What is in it")[2].partition("## ")[0]
    listed = set()
    for row in table.splitlines():
        for kinds, names in re.findall(r"(\w+?)s? ((?:`\w+`(?:, )?)+)", row.split("|")[1] if "|" in row else ""):
            listed |= {(kinds, name) for name in re.findall(r"`(\w+)`", names)}
    plugins = [("filter", path) for path in ROOT.glob("plugins/filter/*.yml")]
    plugins += [("action", path) for path in ROOT.glob("plugins/action/[!_]*.py")]
    plugins += [("module", path) for path in ROOT.glob("plugins/modules/*.py")]
    plugins += [("callback", path) for path in ROOT.glob("plugins/callback/[!_]*.py")]
    plugins += [("role", path) for path in ROOT.glob("roles/*")]
    plugins += [("playbook", path) for path in ROOT.glob("playbooks/*.yml")]
    public = {(kind, path.stem) for kind, path in plugins}
    # An action and the module that documents it are one plugin.
    public -= {("module", name) for kind, name in public if kind == "action"}
    assert listed == public


def test_an_outdated_path_is_found():
    """Both ways to name a file are checked."""
    text = "`_plan/gone.py`, `plugins/x.py`, `server/sched.go` and `a b`"
    assert named_paths(text) == ["_plan/gone.py", "plugins/x.py"]
    assert [bool(find(name)) for name in ("_plan/gone.py", "_plan/make.py", "plugins/modules/model")] == [
        False,
        True,
        True,
    ]
