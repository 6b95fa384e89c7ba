# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print as JSON what a host, its service and its processes say. One run costs less than a dozen tasks.

probe.py state             what must not change: files below /etc, the server's process
probe.py server [MODEL]    processes, nodes, files and journal; loads MODEL first, so that there is a runner to see
probe.py slices            the control group of the server, and the weight of its slice by systemd and by the kernel
probe.py installed         what lies where an installation leaves something, accounts, the release that answers
probe.py services          every service of Ollama that runs or starts at boot, what answers at its port, and its files

Python 3.9, standard library only.
"""

from __future__ import annotations

import base64
import contextlib
import glob
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import urllib.request
from typing import Any

UNIT = "ollama.service"
FOLDERS = ("/etc/systemd", "/etc/ollama")
INSTALLED = ("/etc", "/opt", "/usr/local", "/var/lib", "/usr/share/ollama")
REQUESTS = "/srv/mirror/requests.jsonl"
SHOWN = ("ActiveState", "MainPID", "InvocationID", "NRestarts", "UnitFileState")


def read(path: str) -> str:
    with open(path, errors="replace") as file:
        return file.read()


def run(*argv: str) -> dict[str, Any]:
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    done = subprocess.run(argv, check=False, stdin=null, stdout=pipe, stderr=subprocess.STDOUT)
    return {"rc": done.returncode, "out": done.stdout.decode(errors="replace").strip()}


def files() -> dict[str, dict[str, Any]]:
    """Mode, owner and checksum of every file; a link is what it points to."""
    found = {}
    for folder in FOLDERS:
        for top, _folders, names in os.walk(folder):
            for path in (os.path.join(top, name) for name in sorted(names)):
                facts = os.lstat(path)
                if stat.S_ISLNK(facts.st_mode):
                    data = os.readlink(path).encode()
                else:
                    with open(path, "rb") as file:
                        data = file.read()
                digest = hashlib.sha256(data).hexdigest()
                found[path] = {"mode": f"{facts.st_mode & 0o7777:04o}", "uid": facts.st_uid, "sha256": digest}
    return found


def shown(unit: str = UNIT) -> dict[str, str]:
    lines = run("systemctl", "show", unit, *(f"--property={name}" for name in SHOWN))["out"].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def state() -> dict[str, Any]:
    service = shown()
    kept = ("ActiveState", "MainPID", "InvocationID")
    return {"files": files(), **{name: service.get(name) for name in kept}}


def process(pid: int) -> dict[str, Any]:
    """What the kernel says of one process."""
    status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
    pairs = [pair.split("=", 1) for pair in read(f"/proc/{pid}/environ").split("\0") if "=" in pair]
    return {
        "pid": pid,
        "comm": read(f"/proc/{pid}/comm").strip(),
        "argv": [word for word in read(f"/proc/{pid}/cmdline").split("\0") if word],
        "environ": dict(pairs),
        "cpus": status["Cpus_allowed_list"].strip(),
        "threads": int(status["Threads"]),
    }


def children(pid: int) -> list[int]:
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        # The thread of a request that has just been answered may be gone by now.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in read(task).split()]
    return found


def members(cpus: str) -> set[int]:
    """``0-3,8`` as a set."""
    ranges = [part.split("-") for part in cpus.strip().split(",") if part]
    return {cpu for ends in ranges for cpu in range(int(ends[0]), int(ends[-1]) + 1)}


def cores(cpus: str) -> int:
    """How many physical cores these CPUs belong to."""
    path = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return len({read(path.format(cpu)) for cpu in members(cpus)})


def nodes() -> dict[str, dict[str, Any]]:
    """CPUs and physical cores by NUMA node, read here without any code of the collection."""
    found = {}
    for path in glob.glob("/sys/devices/system/node/node[0-9]*"):
        cpus = read(f"{path}/cpulist").strip()
        found[os.path.basename(path)[4:]] = {"cpus": cpus, "cores": cores(cpus)}
    return found


def api(address: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(f"http://{address}{path}", data), timeout=120) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        return {"error": str(error)}


def leaks(secret: str, pid: int) -> dict[str, Any]:
    """Where an unprivileged user finds the secret, and which of the files with it are open to others."""
    ways = {
        "systemctl show": "systemctl show ollama.service",
        "systemctl cat": "systemctl cat ollama.service",
        "environ": f"cat /proc/{pid}/environ",
        "command lines": "cat /proc/[0-9]*/cmdline",
        "files": "cat /etc/ollama/* /etc/systemd/system/ollama.service.d/*",
        "journal": "journalctl --no-pager -u ollama.service",
    }
    user = ("runuser", "-u", "nobody", "--", "sh", "-c")
    found = [way for way, command in ways.items() if secret in run(*user, command)["out"]]
    holders = [path for path in files() if secret in read(path)]
    journal = secret in run("journalctl", "--no-pager", "-o", "cat")["out"]
    return {"nobody": found, "holders": holders, "journal": journal}


def planted(coded: str) -> dict[str, Any]:
    """Where each secret is found by root, and by nobody: ``coded`` are texts in base64, with commas between them.

    Of the journal the lines, since what the server itself logs is a question of its own.
    """
    texts = [base64.b64decode(each).decode() for each in coded.split(",")]
    ways = {
        "systemctl show": "systemctl show 'ollama*'",
        "systemctl cat": "systemctl cat 'ollama*'",
        "command lines": "cat /proc/[0-9]*/cmdline",
        "journal": "journalctl --no-pager -o cat",
    }
    said = {way: run("sh", "-c", command)["out"] for way, command in ways.items()}
    own = re.compile(r"/proc/|/sys/|/var/log/journal/")
    folders = ("/etc", "/run", "/tmp", "/var", "/root", "/home", "/usr/local", "/opt")
    found: dict[str, Any] = {}
    for text in texts:
        # Processes were looked at before, so that this one's own command line is not among them.
        grep = run("grep", "-rlaFs", "-D", "skip", "-e", text, *folders)
        files = [line for line in grep["out"].splitlines() if own.search(line) is None]
        nobody = run("runuser", "-u", "nobody", "--", "sh", "-c", "cat /etc/ollama/* /run/credentials/*/* 2>/dev/null")
        found[text] = {
            "files": {path: f"{os.stat(path).st_mode & 0o7777:04o}" for path in files if os.path.exists(path)},
            "folders": {
                path: f"{os.stat(path).st_mode & 0o7777:04o}" for path in glob.glob("/var/lib/inference.ollama*")
            },
            "ways": [way for way, shown_text in said.items() if way != "journal" and text in shown_text],
            "journal": [line for line in said["journal"].splitlines() if text in line],
            "nobody": text in nobody["out"],
        }
    return {"planted": found, "environ": server(None).get("server", {}).get("environ", {})}


def server(model: str | None) -> dict[str, Any]:
    pid = int(shown().get("MainPID") or 0)
    if not pid:
        return {"journal": run("journalctl", "--no-pager", "-n", "50", "-u", UNIT)["out"]}
    own = process(pid)
    address = re.sub(r"^(0\.0\.0\.0)?:", "127.0.0.1:", own["environ"].get("OLLAMA_HOST", "127.0.0.1:11434"))
    loaded = api(address, "/api/generate", {"model": model, "keep_alive": "10m"}) if model else None
    secret = own["environ"].get("OLLAMA_API_KEY")
    return {
        "files": files(),
        "server": {**own, "cores": cores(own["cpus"])},
        "runners": [process(child) for child in children(pid)],
        "loaded": loaded,
        "version": api(address, "/api/version"),
        "journal": run("journalctl", "--no-pager", "-o", "cat", "-u", UNIT)["out"],
        "nodes": nodes(),
        "leaks": leaks(secret, pid) if secret else None,
    }


def services() -> dict[str, Any]:
    """What there is of ollama.service and of instances of ollama@.service, and all that they have left below /etc."""
    listed = run("systemctl", "list-units", "--all", "--plain", "--no-legend", "ollama*.service")["out"].splitlines()
    wanted = glob.glob("/etc/systemd/system/*.wants/ollama*.service")
    names = {line.split()[0] for line in listed if line} | {os.path.basename(path) for path in wanted}
    found = {}
    for name in sorted(names):
        service = shown(name)
        pid = int(service.get("MainPID") or 0)
        own = process(pid) if pid else {}
        address = own.get("environ", {}).get("OLLAMA_HOST")
        kept = ("ActiveState", "UnitFileState", "InvocationID", "NRestarts")
        found[name] = {key: service.get(key) for key in kept}
        found[name].update(address=address, cpus=own.get("cpus"), environ=own.get("environ"))
        found[name]["version"] = api(address, "/api/version").get("version") if address else None
    paths = glob.glob("/etc/systemd/system/ollama*") + glob.glob("/etc/systemd/system/ollama*/*") + wanted
    return {"services": found, "paths": sorted(paths), "verify": run("systemd-analyze", "verify", *found)}


def below(folders: tuple[str, ...]) -> dict[str, list[Any]]:
    """Mode with the kind, owner, group, and size or destination, of all that lies there."""
    found: dict[str, list[Any]] = {}
    for folder in folders:
        for top, inner, names in os.walk(folder):
            for path in (os.path.join(top, name) for name in [*inner, *names]):
                facts = os.lstat(path)
                link, regular = stat.S_ISLNK(facts.st_mode), stat.S_ISREG(facts.st_mode)
                last = os.readlink(path) if link else facts.st_size if regular else None
                found[path] = [f"{facts.st_mode:o}", facts.st_uid, facts.st_gid, last]
    return found


def installed() -> dict[str, Any]:
    """What is there of an installation, and which release answers."""
    service = shown()
    pid = int(service.get("MainPID") or 0)
    address = process(pid)["environ"].get("OLLAMA_HOST") if pid else None
    requests = read(REQUESTS).splitlines() if os.path.exists(REQUESTS) else []
    return {
        "files": below(INSTALLED),
        "accounts": sorted((read("/etc/passwd") + read("/etc/group")).splitlines()),
        "service": service,
        "version": api(address, "/api/version").get("version") if address else None,
        "requests": [json.loads(line) for line in requests],
    }


def slices() -> dict[str, Any]:
    """The server's process and group, and the weight of the group above it; version 1 has shares, 1024 for 100."""
    lines = run("systemctl", "show", UNIT, "--property=MainPID,ControlGroup")["out"].splitlines()
    service = dict(line.split("=", 1) for line in lines)
    above = os.path.dirname(service["ControlGroup"])
    name = os.path.basename(above)
    weights = [int(read(path)) for path in glob.glob(f"/sys/fs/cgroup{above}/cpu.weight")]
    shares = [int(read(path)) for path in glob.glob(f"/sys/fs/cgroup/cpu{above}/cpu.shares")]
    folder = f"/etc/systemd/system/{name}.d"
    return {
        **service,
        "slice": name,
        "CPUWeight": run("systemctl", "show", name, "--property=CPUWeight", "--value")["out"],
        "weight": [*weights, *(round(each * 100 / 1024) for each in shares)],
        "files": {path: read(path) for path in glob.glob(f"{folder}/*.conf")},
        "folders": glob.glob("/etc/systemd/system/ollama.slice.d"),
    }


if __name__ == "__main__":
    argument = sys.argv[2] if len(sys.argv) > 2 else None
    known = {
        "state": state,
        "installed": installed,
        "services": services,
        "slices": slices,
        "planted": lambda: planted(argument or ""),
        "server": lambda: server(argument),
    }
    json.dump(known[sys.argv[1]](), sys.stdout)
