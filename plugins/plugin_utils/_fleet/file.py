# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file on the controller that holds the placement: a file of variables, with a line for each model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE = "ollama_fleet_placement"
_HEAD = """\
---
# Which host has which model of ollama_fleet_models, as the playbook inference.ollama.place has found out. Put this file
# where your inventory reads it, as group_vars/ollama/placement.yml. The playbook reads it in its next run.
"""


def file_text(placement: Mapping[str, Sequence[str]]) -> str:
    """Return the text of the file."""
    lines = [f"  {json.dumps(name)}: {json.dumps(list(hosts))}\n" for name, hosts in sorted(placement.items())]
    return f"{_HEAD}{VARIABLE}:{'' if lines else ' {}'}\n{''.join(lines)}"


def placement_of(text: str) -> Any:  # noqa: ANN401 - whatever somebody has written there
    """Return what the file says; ValueError says why the playbook may not write it again."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise ValueError(f"the file is not YAML that can be read{where}; name a file of its own") from None
    if not isinstance(found, Mapping) or set(found) - {VARIABLE}:
        raise ValueError(
            f"the file has more than {VARIABLE}, or something else, which would be lost; name a file of its own"
        )
    return found.get(VARIABLE)
