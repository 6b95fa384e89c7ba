# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that serves: a unit, a server, a runner with threads and memory, a process that looks for GPUs, and a log."""

from __future__ import annotations

import errno
import json
import os

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc

KEY = "sk-0123456789abcdef"
UNIT = "/etc/systemd/system/ollama.service"
DROPIN = f"{UNIT}.d/override.conf"
SECRETS = "/etc/ollama/secrets.env"
INVOCATION = "1f9d2c0a6b7e4e0f8a5d3c2b1a098765"
GROUP = "/sys/fs/cgroup/system.slice/ollama.service"
SHOW = f"""LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
Result=success
NRestarts=2
MainPID=100
InvocationID={INVOCATION}
ActiveEnterTimestamp=Sun 2026-11-22 08:12:02 UTC
NeedDaemonReload=no
FragmentPath={UNIT}
ControlGroup=/system.slice/ollama.service
DropInPaths={DROPIN}
Environment=PATH=/usr/bin "OLLAMA_ORIGINS=http://a http://b" HTTPS_PROXY=http://me:hunter22@proxy:3128
EnvironmentFiles={SECRETS} (ignore_errors=no)
"""
LIBRARY = "/usr/local/lib/ollama"
MODEL = "/srv/models/blobs/sha256-0a"
SERVER = ["/usr/local/bin/ollama", "serve"]
RUNNER = [f"{LIBRARY}/llama-server", "--model", MODEL, "--port", "40737", "-c", "8192", "--api-key", KEY]
FINDER = [f"{LIBRARY}/llama-server", "--port", "40738"]
STATUS = """Name:\tany
Threads:\t{threads}
VmRSS:\t {kb} kB
VmLck:\t 64 kB
Cpus_allowed_list:\t{cpus}
Mems_allowed_list:\t0-1
voluntary_ctxt_switches:\t150
nonvoluntary_ctxt_switches:\t40"""
LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max open files            65535                65536                files
Max locked memory         8388608              unlimited            bytes"""
ROLLUP = """55f3d10b3000-7ffc7c585000 ---p 00000000 00:00 0                          [rollup]
Rss:                1764 kB
AnonHugePages:      2048 kB
ShmemPmdMapped:        0 kB
FilePmdMapped:      4096 kB
Shared_Hugetlb:     2048 kB
Private_Hugetlb:    2048 kB
Locked:                0 kB"""
MAPS = """5592b1f21000 default file=/srv/N9=9 mapped=2 N0=2 kernelpagesize_kB=4
5592b1f23000 bind:1 anon=512 dirty=512 N0=12 N1=500 kernelpagesize_kB=4
7f0000000000 bind:1 file=/dev/hugepages/x huge dirty=1 N1=1 kernelpagesize_kB=2048"""
LOG = f"""\
time=2026-11-22T08:12:02.001Z level=INFO source=routes.go:2049 msg="server config" \
env="map[CUDA_VISIBLE_DEVICES: HTTPS_PROXY:http://me:hunter22@proxy:3128 OLLAMA_DEBUG:INFO \
OLLAMA_ORIGINS:[http://localhost https://localhost:* app://*] OLLAMA_NUM_PARALLEL:1 http_proxy: no_proxy:]"
time=2026-11-22T08:12:02.101Z level=WARN source=cuda_compat.go:61 msg="NVIDIA driver too old" device=0 \
compute=6.1 driver=535.309 required_driver=570
time=2026-11-22T08:12:02.301Z level=INFO source=types.go:60 msg="inference compute" id=0 filter_id='' \
library=CUDA compute=8.9 name=CUDA0 description="NVIDIA GeForce RTX 4090" libdirs=ollama,cuda_v13 driver=13.0 \
pci_id=0000:01:00.0 type=discrete total="23.6 GiB" available="22.5 GiB"
time=2026-11-22T08:13:00.001Z level=INFO source=server.go:431 msg="starting llama-server" \
cmd="{" ".join(FINDER)}"
system_info: n_threads = 2 (n_threads_batch = 2) / 56 | CPU : |
time=2026-11-22T08:13:01.001Z level=WARN source=sched.go:507 msg="model architecture does not currently support \
parallel requests" architecture=qwen35
time=2026-11-22T08:13:01.001Z level=INFO source=server.go:431 msg="starting llama-server" \
cmd="{" ".join(RUNNER)} -np 1 -b 512 -ub 256 --flash-attn auto --load-mode none --cache-type-k q8_0 \
--cache-type-v q8_0 -t 14"
system_info: n_threads = 14 (n_threads_batch = 28) / 56 | CPU : SSE3 = 1 |
load_tensors: offloaded 30/37 layers to GPU
llama_context: constructing llama_context
llama_context: flash_attn    = auto
llama_context: Flash Attention was auto, set to enabled
llama_kv_cache: size =  512.00 MiB (  8192 cells,  30 layers,  1/1 seqs), K (q8_0):  256.00 MiB, V (f16):  \
256.00 MiB
llama_kv_cache: size =   64.00 MiB (  1024 cells,   7 layers,  1/1 seqs), K (f16):   32.00 MiB, V (f16):   \
32.00 MiB
srv    load_model: prompt cache is enabled, size limit: 8192 MiB
[GIN] 2026/11/22 - 08:14:00 | 200 |  1.2s |  127.0.0.1 | POST "/api/chat"
""".splitlines()
API = {
    "/api/version": {"version": "0.34.1"},
    "/api/ps": {
        "models": [
            {
                "name": "qwen3:8b",
                "model": "qwen3:8b",
                "size": 6591830464,
                "digest": "500a",
                "size_vram": 5000000000,
                "expires_at": "2318-01-01T00:00:00Z",
                "context_length": 8192,
            }
        ]
    },
}


def stat(pid, name, parent, ticks=0, started=5000):
    """A line as proc(5) gives it."""
    fields = ["S", parent, *[0] * 9, ticks, 3, 0, 0, 20, 0, 5, 0, started, *[0] * 30]
    return f"{pid} ({name}) {' '.join(map(str, fields))}"


def process(pid, name, argv, parent, ticks=(0,), *, environment=None, cpus="14-27,42-55"):  # noqa: PLR0913
    """The files of a process with a thread for each number of clock ticks."""
    folder = f"/proc/{pid}"
    files = {
        f"{folder}/cmdline": "".join(f"{word}\0" for word in argv),
        f"{folder}/comm": f"{name}\n",
        f"{folder}/environ": "".join(f"{key}={value}\0" for key, value in (environment or {}).items()),
        f"{folder}/stat": stat(pid, name, parent, sum(ticks)),
        f"{folder}/status": STATUS.format(threads=len(ticks), kb=1024, cpus=cpus),
        f"{folder}/limits": LIMITS,
        f"{folder}/smaps_rollup": ROLLUP,
        f"{folder}/numa_maps": MAPS,
        f"{folder}/oom_score": "666",
        f"{folder}/oom_score_adj": "-500",
    }
    for number, spent in enumerate(ticks):
        task = f"{folder}/task/{pid + number}"
        files[f"{task}/stat"] = stat(pid + number, name, parent, spent)
        files[f"{task}/status"] = files[f"{folder}/status"]
    return files


def files():
    """The files of the host by path."""
    return {
        "/proc/mounts": "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0",
        "/proc/uptime": "3650.25 9999.00",
        f"{GROUP}/cgroup.procs": "100\n111\n120",
        f"{GROUP}/cpu.max": "400000 100000",
        f"{GROUP}/cpu.stat": "usage_usec 9000000\nnr_periods 4567\nnr_throttled 3115\nthrottled_usec 98304551",
        "/proc/100/cgroup": "0::/system.slice/ollama.service",
        **process(
            100, "ollama", SERVER, 1, (50, 4), environment={"OLLAMA_API_KEY": KEY, "PATH": "/usr/bin"}, cpus="0-55"
        ),
        **process(111, "llama-server", RUNNER, 100, (900, 1000, 880, 5, 0), environment={"LLAMA_ARG_THREADS": "3"}),
        **process(120, "llama-server", FINDER, 100),
        UNIT: "[Unit]\nAfter=network.target\n[Service]\nExecStart=/usr/local/bin/ollama serve\nRestartSec=3\n"
        'Environment="PATH=/usr/bin" OLLAMA_HOST=127.0.0.1',
        DROPIN: "[Unit]\nAfter=nvidia.service\n[Service]\nRestartSec=5\nLimitNOFILE=65535\n# Restart=no\n"
        "ExecStart=\nExecStart=/usr/bin/numactl -m 1 \\\n  /usr/bin/ollama serve\nEnvironment=OLLAMA_HOST=0.0.0.0",
        SECRETS: f"# OLLAMA_HOST=x\nOLLAMA_API_KEY={KEY}\nOLLAMA_HOST=[::]",
    }


def links():
    """The links of the host by path."""
    return {"/proc/100/exe": "/usr/local/bin/ollama (deleted)", "/proc/111/exe": f"{LIBRARY}/llama-server"}


class Planted(Proc):
    """A host in memory. A file may be text, bytes or an OSError, or a function that is asked at each reading."""

    def __init__(self, files, links=None):
        super().__init__("/nowhere")
        self.files, self.links = files, links or {}

    def exists(self, path):
        return any(known == path or known.startswith(f"{path}/") for known in self.files)

    def target(self, path):
        return self.links.get(path)

    def _bytes(self, path):
        found = self.files.get(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
        found = found() if callable(found) else found
        if isinstance(found, OSError):
            raise found
        return found if isinstance(found, bytes) else found.encode()

    def _list(self, path):
        start = f"{path.rstrip('/')}/"
        return list({known[len(start) :].split("/")[0] for known in self.files if known.startswith(start)})


def journal(lines):
    """Lines as journalctl prints them with --output=json."""
    return "".join(
        json.dumps({"__REALTIME_TIMESTAMP": str(10**15 + number), "MESSAGE": line}) + "\n"
        for number, line in enumerate(lines)
    )


class Programs:
    """systemctl and journalctl; ``calls`` are their command lines."""

    def __init__(self, show=SHOW, log=None, picked=None):
        self.answers = {"systemctl": show, "journalctl": journal(LOG) if log is None else log, "grep": picked}
        self.calls = []

    def __call__(self, argv):
        self.calls.append(argv)
        name = "grep" if any(word.startswith("--grep=") for word in argv) else argv[0]
        output = self.answers[name]
        if output is None:
            return Outcome(None, f"{argv[0]} failed with exit status 1 and said: nothing")
        return output if isinstance(output, Outcome) else Outcome(output, None)


def fetch(answers):
    """What asks an API that answers so; None for what cannot be reached."""

    def fetch(url):
        path = "/" + url.split("/", 3)[3]
        answer = answers.get(path)
        return (None, f"{url}: it cannot be reached (refused)") if answer is None else (answer, None)

    return fetch
