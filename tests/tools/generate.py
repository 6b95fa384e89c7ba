# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what follows from plugins/plugin_utils/settings.yml: ``python tests/tools/generate.py``.

The page docs/settings.md, the job templates of AWX and the roles' defaults are written whole; in the roles'
argument_specs.yml and README.md only the text between two marks is.
"""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
# A plain checkout is importable as a collection only after this.
runpy.run_path(str(ROOT / "tests" / "unit" / "conftest.py"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import awx
import role_files
import settings_page

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Contract

ROLES = ROOT / "roles"
OTHERS = ("ollama_install", "ollama_gateway")


def generate(contract: Contract) -> dict[Path, str]:
    """Each file as it should be."""
    files = {
        ROOT / "docs" / "settings.md": settings_page.page(contract),
        ROOT / "extensions" / "awx" / "job_templates.yml": awx.page(contract),
        **_of_role(contract, role_files.OLLAMA, instances=role_files.instance_keys(contract)),
    }
    for role in OTHERS:
        files.update(_of_role(contract, role))
    return files


def _of_role(contract: Contract, role: str, **more: str) -> dict[Path, str]:
    specs, readme = ROLES / role / "meta" / "argument_specs.yml", ROLES / role / "README.md"
    return {
        ROLES / role / "defaults" / "main.yml": role_files.defaults(contract, role),
        specs: _between_marks(specs, options=role_files.specs(contract, role)),
        readme: _between_marks(readme, variables=role_files.table(contract, role), **more),
    }


def _between_marks(path: Path, **parts: str) -> str:
    """The file with other text between the lines that say ``generated NAME`` and ``end of generated NAME``."""
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        start, end = rf"^[^\n]*\bgenerated {name}\b[^\n]*\n", rf"^[^\n]*\bend of generated {name}\b"
        mark = re.compile(rf"({start}).*?({end})", re.MULTILINE | re.DOTALL)
        text, count = mark.subn(lambda match, part=part: f"{match[1]}{part}{match[2]}", text)
        if count != 1:
            raise SystemExit(f"{path}: {count} places are marked as generated {name}, not one")
    return text


if __name__ == "__main__":
    for target, content in generate(load()).items():
        target.write_text(content, encoding="utf-8")
