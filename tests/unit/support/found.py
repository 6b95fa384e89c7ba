# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module unit_files_info returns of a unit's other files."""

from __future__ import annotations

UNIT = "/etc/systemd/system/ollama.service"
DROPIN = "/etc/systemd/system/ollama.service.d/override.conf"
FILE = "/etc/default/ollama"


def found_unit(variables, directives=None, file=DROPIN):
    """A unit with variables and directives of [Service] in one file, a line each from the second on; None: a secret."""
    names = [*variables, *(directives or {})]
    where = {name: {"file": file, "line": number} for number, name in enumerate(names, 2)}
    return {
        "path": UNIT,
        "dropins": [file] if file == DROPIN else [],
        "masked": False,
        "settings": [
            {"section": "Service", "directive": name, "value": value, "secret": False, **where[name]}
            for name, value in (directives or {}).items()
        ],
        "variables": {
            name: {"value": value, "secret": value is None, "from_file": file == FILE, **where[name]}
            for name, value in variables.items()
        },
        "environment_files": [],
        "problems": [],
    }
