# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of a topology: cold boots, saved templates, copy-on-write clones.

A template is the memory of a booted machine, as files, plus the state of its devices. A clone maps those
files privately, so its start costs no boot, and clones of one template share the memory that none changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import accelerator, firmware
from .inventory import inventory
from .monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .topology import Topology

HERE = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("VMLAB_CACHE", Path("~/.cache/vmlab").expanduser()))
RUN = Path(os.environ.get("VMLAB_RUN", CACHE / "run"))
QEMU = os.environ.get("VMLAB_QEMU", "qemu-system-x86_64").split()
APPEND = (
    "console=ttyS0 root=/dev/vda rw quiet systemd.show_status=no mitigations=off nokaslr "
    "random.trust_cpu=on nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
)
READY = b"LAB-READY"  # what the image's last unit writes to the console
BOOT_LIMIT = 600.0  # seconds; 56 emulated CPUs on a busy host need one or two minutes

# Gives the -object of a node's memory backend, for the node's number and its size in MiB.
Backend = Callable[[int, int], str]


class LabError(Exception):
    """Something that the person at the keyboard has to know; the message is the whole story."""


class Lab(NamedTuple):
    """What every machine of one call shares."""

    image: Path
    accelerator: accelerator.Accelerator

    def ssh(self, port: int, command: str, timeout: float = 120) -> None:
        """Run a command as root in the machine behind a port of this host."""
        options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]
        options += ["LogLevel=ERROR", f"ConnectTimeout={timeout:.0f}"]
        where = ["-i", self.image / "id", "-p", str(port), *(f"-o{option}" for option in options)]
        argv = ["ssh", *where, "root@127.0.0.1", command]
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=True, timeout=timeout)


def open_lab() -> Lab:
    """Build the image if it is not in the cache yet; say which accelerator runs the machines."""
    chosen = accelerator.from_environment()
    sys.stderr.write(f"vmlab: {chosen.name} runs the machines ({chosen.reason})\n")
    built = subprocess.run(
        ["bash", HERE / "build-image.sh"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    return Lab(Path(built), chosen)


def key_of(lab: Lab, topology: Topology) -> str:
    """A name for everything that shapes a saved machine: a template of other parts would not load."""
    code = [Path(__file__).with_name(f"{name}.py").read_text() for name in ("firmware", "machine", "topology")]
    parts = [lab.image.name, topology.spec, QEMU, lab.accelerator.accel, lab.accelerator.cpu, APPEND, code]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def template_of(lab: Lab, topology: Topology) -> Path:
    return CACHE / f"template-{topology.name}-{key_of(lab, topology)}"


def _initrd(lab: Lab, topology: Topology) -> Path:
    path = lab.image / f"initrd-{key_of(lab, topology)}.img"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(firmware.acpi_archive(topology.madt()) + (lab.image / "initrd.img").read_bytes())
        scratch.rename(path)
    return path


def _overlay(base: Path, fmt: str, disk: Path) -> None:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", fmt, "-b", base, disk], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _qemu(lab: Lab, topology: Topology, where: Path, port: int, backend: Backend, *extra: str) -> None:
    command = [
        *(*QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-daemonize"),
        *("-M", "q35", "-accel", lab.accelerator.accel, "-cpu", lab.accelerator.cpu),
        *("-pidfile", where / "pid", "-qmp", f"unix:{where}/qmp,server=on,wait=off"),
        *("-chardev", f"socket,id=con,path={where}/console,server=on,wait=off,logfile={where}/console.log"),
        *("-serial", "chardev:con"),
        *("-kernel", lab.image / "vmlinux", "-initrd", _initrd(lab, topology), "-append", APPEND),
        *("-drive", f"if=none,id=d0,file={where}/disk.qcow2,format=qcow2,cache=unsafe,discard=unmap"),
        *("-device", "virtio-blk-pci,drive=d0,num-queues=1", "-device", "virtio-rng-pci"),
        *("-netdev", f"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=n0,romfile="),
        *topology.args(backend),
        *extra,
    ]
    log = where / "qemu.log"  # a file, for the daemon keeps what it gets open
    with log.open("w") as out:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    if done.returncode:
        raise LabError(f"QEMU did not start a machine of topology {topology.name}: {log.read_text()}")


def alive(where: Path) -> int:
    """The process id of the machine in this folder, or 0; ids get reused, so the command line counts."""
    try:
        pid = int((where / "pid").read_text())
        return pid if str(where).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() else 0
    except (OSError, ValueError):
        return 0


def _wait_for_end(pid: int, limit: float) -> bool:
    """Whether the process is gone within ``limit`` seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)


def _wait_for_boot(where: Path) -> None:
    """Block until the guest says that it is ready: console output wakes us, and its log holds all of it."""
    log, end = where / "console.log", time.monotonic() + BOOT_LIMIT
    with socket.socket(socket.AF_UNIX) as console:
        console.connect(str(where / "console"))
        running = True
        while READY not in (seen := log.read_bytes()):
            console.settimeout(max(end - time.monotonic(), 0.01))
            if running and b"Kernel panic" not in seen:
                with contextlib.suppress(TimeoutError):
                    running = bool(console.recv(65536))
                    continue
            tail = seen[-2000:].decode(errors="replace")
            raise LabError(f"The guest did not boot; its console ends with:\n{tail}")


def boot(lab: Lab, topology: Topology, where: Path, backend: Backend) -> int:
    """A cold start; the port at which the machine answers SSH."""
    port = _free_port()
    _overlay(lab.image / "rootfs.ext4", "raw", where / "disk.qcow2")
    _qemu(lab, topology, where, port, backend)
    _wait_for_boot(where)
    return port


def _clone(lab: Lab, topology: Topology, where: Path, template: Path) -> int:
    port = _free_port()
    _overlay(template / "disk.qcow2", "qcow2", where / "disk.qcow2")

    def backend(node: int, mib: int) -> str:
        return f"memory-backend-file,id=m{node},size={mib}M,mem-path={template}/ram{node},share=off"

    _qemu(lab, topology, where, port, backend, "-incoming", "defer")
    with Monitor(where / "qmp") as monitor:
        monitor.allow_shared_memory()
        monitor.command("migrate-incoming", uri=f"exec:cat {template}/state")
        monitor.wait_for_migration()
        monitor.command("cont")
    return port


def make_template(lab: Lab, topology: Topology, warm: Path | None) -> None:
    """Boot once, run the playbook ``warm`` in the machine, save it; nothing where it is saved already."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{topology.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        where = template_of(lab, topology)
        if not (where / "done").exists():
            stop(where)
            where.mkdir(parents=True)
            try:
                _save(lab, topology, where, warm)
            except BaseException:
                stop(where)
                raise


def _save(lab: Lab, topology: Topology, where: Path, warm: Path | None) -> None:
    def backend(node: int, mib: int) -> str:
        return f"memory-backend-file,id=m{node},size={mib}M,mem-path={where}/ram{node},share=on"

    port = boot(lab, topology, where, backend)
    # The guest's page cache, and with a playbook its module cache, get what Ansible needs.
    warmup = "python3 -c 'import json, subprocess, tempfile, zipfile'"
    lab.ssh(port, f"date -s @{time.time():.0f} >/dev/null; {warmup}")
    if warm:
        hosts = inventory([_address(lab, topology.name, port)])
        (where / "inventory.json").write_text(json.dumps(hosts))
        env = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOST_KEY_CHECKING": "0"}
        command = ["ansible-playbook", "-i", where / "inventory.json", warm]
        subprocess.run(command, check=True, stdout=sys.stderr, env=env)
    lab.ssh(port, "systemctl is-system-running --wait >/dev/null; sync")
    pid = alive(where)
    with Monitor(where / "qmp") as monitor:
        monitor.command("stop")
        monitor.allow_shared_memory()
        monitor.command("migrate", uri=f"exec:cat > {where}/state")
        monitor.wait_for_migration()
        monitor.command("quit")
    if not _wait_for_end(pid, 60):
        raise LabError(f"QEMU (process {pid}) does not end after saving {topology.name}.")
    (where / "done").touch()


def _address(lab: Lab, name: str, port: int) -> dict[str, Any]:
    return {"name": name, "host": "127.0.0.1", "port": port, "user": "root", "key": str(lab.image / "id")}


def up(lab: Lab, name: str, topology: Topology, *, cold: bool = False) -> dict[str, Any]:
    """Start a machine, as a clone where its topology has a template; what one needs to reach it."""
    where, template, began = RUN / name, template_of(lab, topology), time.monotonic()
    if alive(where):
        raise LabError(f"A machine named {name} is running already.")
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    if cold or not (template / "done").exists():
        how = "boot"
        port = boot(lab, topology, where, lambda node, mib: f"memory-backend-ram,id=m{node},size={mib}M")
    else:
        how = "clone"
        port = _clone(lab, topology, where, template)
    # A clone wakes with the template's clock and name.
    lab.ssh(port, f"date -s @{time.time():.0f} >/dev/null; echo {name} >/etc/hostname; hostname {name}")
    info = {
        **_address(lab, name, port),
        "topology": topology.name,
        "accelerator": lab.accelerator.name,
        "pid": alive(where),
        "how": how,
        "seconds": round(time.monotonic() - began, 1),
    }
    (where / "info.json").write_text(json.dumps(info))
    return info


def stop(where: Path) -> None:
    """End the machine in this folder and delete its disk."""
    if pid := alive(where):
        with contextlib.suppress(OSError, RuntimeError), Monitor(where / "qmp") as monitor:
            monitor.command("quit")
        if not _wait_for_end(pid, 10):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(where, ignore_errors=True)


def running() -> Iterator[dict[str, Any]]:
    for file in sorted(RUN.glob("*/info.json")):
        if alive(file.parent):
            yield json.loads(file.read_text())
