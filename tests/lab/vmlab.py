# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start test hosts of any CPU and NUMA topology as virtual machines, emulated or on KVM.

  vmlab.py template TOPOLOGY...           boot once, save the running machine: later starts take seconds
  vmlab.py up NAME[=TOPOLOGY]...          start hosts; prints one JSON line each with address, port and key
  vmlab.py down NAME... | --all           stop hosts and delete their disks
  vmlab.py list | inventory [NAME...]     the running hosts as JSON lines | as an Ansible inventory

Environment: VMLAB_CACHE (images and templates, ~/.cache/vmlab), VMLAB_RUN (running machines, below it),
VMLAB_ACCEL (auto, kvm, tcg or a whole -accel value), VMLAB_CPU, VMLAB_QEMU, VMLAB_SUITE.
"""

# ruff: noqa: T201  (a command line prints)
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from vm import inventory, machine
from vm.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NEEDED = ("qemu-img", "mmdebstrap", "cpio", "mkfs.ext4", "lz4", "ssh-keygen", "ssh")


def arguments() -> argparse.Namespace:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("template", help="boot topologies once and save the running machines")
    command.add_argument("topology", nargs="+")
    command.add_argument("--warm", type=Path, help="playbook to run in the machine before it is saved")
    command = commands.add_parser("up", help="start hosts")
    command.add_argument("host", nargs="+", metavar="NAME[=TOPOLOGY]", help="without a topology: tiny")
    command.add_argument("--cold", action="store_true", help="boot, even where there is a template")
    command = commands.add_parser("down", help="stop hosts")
    command.add_argument("name", nargs="*")
    command.add_argument("--all", action="store_true", help="every host below VMLAB_RUN")
    commands.add_parser("list", help="running hosts, a JSON line each")
    command = commands.add_parser("inventory", help="running hosts as an Ansible inventory")
    command.add_argument("name", nargs="*")
    return parser.parse_args()


def together(work: Callable[[str], None], items: Iterable[str]) -> None:
    """Do the work for all items, as many at a time as this host has CPUs: each machine keeps one busy."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _done in pool.map(work, items):
            pass


def need_tools() -> None:
    """Debian keeps mkfs where the PATH of an ordinary user does not reach."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in (machine.QEMU[0], *NEEDED) if not shutil.which(tool, path=path)]
    if missing:
        raise machine.LabError(f"This host lacks {', '.join(missing)}; tests/lab/README.md names the packages.")


def template(args: argparse.Namespace) -> None:
    topologies = {name: Topology.load(name) for name in args.topology}
    lab = machine.open_lab()

    def work(name: str) -> None:
        began = time.monotonic()
        machine.make_template(lab, topologies[name], args.warm)
        print(f"vmlab: template of {name} ready after {time.monotonic() - began:.1f} s", file=sys.stderr)

    together(work, topologies)


def up(args: argparse.Namespace) -> None:
    hosts = {}
    for item in args.host:
        name, _equals, topology = item.partition("=")
        hosts[name] = Topology.load(topology or "tiny")
    lab = machine.open_lab()
    together(lambda name: print(json.dumps(machine.up(lab, name, hosts[name], cold=args.cold))), hosts)


def down(args: argparse.Namespace) -> None:
    if not (args.name or args.all):
        raise ValueError("Say which hosts to stop, or --all.")
    machine.RUN.mkdir(parents=True, exist_ok=True)
    for name in [folder.name for folder in machine.RUN.iterdir()] if args.all else args.name:
        machine.stop(machine.RUN / name)


def main() -> None:
    args = arguments()
    try:
        if args.command in ("template", "up"):
            need_tools()
        if args.command == "list":
            for info in machine.running():
                print(json.dumps(info))
        elif args.command == "inventory":
            print(json.dumps(inventory.inventory(machine.running(), args.name), indent=2))
        else:
            {"template": template, "up": up, "down": down}[args.command](args)
    except (machine.LabError, ValueError, RuntimeError) as error:
        sys.exit(f"vmlab: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"vmlab: {error.cmd[0]} ended with status {error.returncode}; what it said stands above")


if __name__ == "__main__":
    main()
