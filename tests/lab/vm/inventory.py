# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the JSON lines of ``vmlab.py list`` and ``box.sh list`` into an Ansible inventory.

vmlab.py list | inventory.py [NAME...]     only the named hosts; without names all of them
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def entry(info: dict[str, Any]) -> dict[str, Any]:
    """Ansible's connection variables of the machine or box that one JSON line describes."""
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    if info.get("proxy"):
        options += f' -o ProxyCommand="{info["proxy"]}"'
    return {
        "ansible_host": info["host"],
        "ansible_port": info["port"],
        "ansible_user": info["user"],
        "ansible_ssh_private_key_file": info["key"],
        "ansible_ssh_common_args": options,
        # Where several machines are emulated on a few processors, a login may take longer than Ansible's ten seconds.
        "ansible_timeout": 60,
        "ansible_ssh_retries": 2,
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def inventory(infos: Iterable[dict[str, Any]], names: Iterable[str] = ()) -> dict[str, Any]:
    """An inventory in the form that Ansible's yaml plugin reads; JSON is YAML."""
    wanted = set(names)
    hosts = {info["name"]: entry(info) for info in infos if not wanted or info["name"] in wanted}
    if missing := sorted(wanted - set(hosts)):
        raise ValueError(f"Not running: {', '.join(missing)}.")
    return {"all": {"hosts": hosts}}


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(inventory(map(json.loads, sys.stdin), sys.argv[1:]), indent=2) + "\n")
    except ValueError as error:
        sys.exit(str(error))
