# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program that may be missing, may fail and may hang."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._trust import Account

# Where Ollama and the vendors' tools are too, whatever PATH a connection has: sudo's secure_path and a shell that is
# not interactive leave most of these out. Root runs nothing there that others may change (_trust.py).
SEARCH = (
    *("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"),
    # WSL2 mounts the tools of Windows' driver here.
    "/usr/lib/wsl/lib",
    # NixOS, Nix on another distribution, and Guix System.
    *("/run/wrappers/bin", "/run/current-system/sw/bin", "/run/opengl-driver/bin"),
    *("/nix/var/nix/profiles/default/bin", "/run/current-system/profile/bin"),
    # snapd: Ubuntu, and distributions without a link /snap.
    *("/snap/bin", "/var/lib/snapd/snap/bin"),
    # Homebrew; Flatcar; GPU nodes of Container-Optimized OS, and containers there.
    *("/home/linuxbrew/.linuxbrew/bin", "/opt/bin", "/usr/local/nvidia/bin", "/home/kubernetes/bin/nvidia/bin"),
    # Debian, whose link in /usr/bin is an alternative; CUDA as NVIDIA and Arch install it.
    *("/usr/lib/nvidia/current", "/usr/local/cuda/bin", "/opt/cuda/bin"),
    "/opt/rocm/bin",
)
# Several releases of ROCm stand side by side, and the link /opt/rocm is an alternative.
_VERSIONS = re.compile(r"rocm-[0-9][0-9.]{0,20}")

_LANGUAGE = {"LC_ALL": "C", "LANGUAGE": "C"}
# In the sentence on a program that failed: before what it said, and where that is cut. The cause is often its first
# line, as in "Failed to initialize NVML: Driver/library version mismatch", and often its last, as below a traceback.
SAID = " and said: "
CUT = " … "

# The end of a sentence on a program that root does not run.
_RIGHT = "right is root as the owner of the program and of every folder above it, and mode 0755"


class Outcome(NamedTuple):
    """The result of one run. Exactly one of ``out`` (rc 0) and ``problem`` (anything else) is not None."""

    out: Optional[str]
    problem: Optional[str]


# Readers take a runner as an argument, so that a test or a captured machine answers in place of the host. A second
# argument names the account that a program belongs to; as root it is run as that one (runner()).
Runner = Callable[..., Outcome]

# More than any program says that is asked here; a journal's lines are limited where they are asked for.
_MOST = 1 << 24
# More than one says that is asked for the facts of a host: nvidia-smi prints 40 kB of XML for a GPU.
_MOST_PARSED = 1 << 20
_PART = 1 << 16


def find(program: str) -> str | None:
    """The path of a program on PATH or in the usual folders; None without one.

    For root one that others may change counts only where there is no other.
    """
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *SEARCH, *_versions()]
    if os.path.dirname(program) or os.geteuid() != 0:
        return shutil.which(program, path=os.pathsep.join(folders))
    from ansible_collections.inference.ollama.plugins.module_utils._trust import (  # noqa: PLC0415 compiled only where needed
        weakness,
    )

    found = list(filter(None, (shutil.which(program, path=folder) for folder in folders if os.path.isabs(folder))))
    return next((path for path in found if weakness(path) is None), found[0] if found else None)


def _versions() -> list[str]:
    """Folders of releases of ROCm, the newest first."""
    try:
        names = [name for name in os.listdir("/opt") if _VERSIONS.fullmatch(name)]
    except OSError:
        return []
    return [f"/opt/{name}/bin" for name in sorted(names, key=_numbers, reverse=True)]


def _numbers(name: str) -> list[int]:
    return [int(part) for part in re.findall("[0-9]+", name)]


def runner(timeout: float) -> Runner:
    """A runner whose every program is killed, children included, after ``timeout`` seconds.

    As root it never runs a program that another account may change, unless as the account that is named and with
    nothing of root's environment.
    """

    def run(argv: list[str], user: str | None = None) -> Outcome:
        path = find(argv[0])
        if path is None:
            return Outcome(None, f"{argv[0]} is not installed")
        # Without HOME, which a service manager or a bare connection may leave out, ollama panics.
        options: dict[str, Any] = {"env": {"HOME": os.path.expanduser("~"), **os.environ, **_LANGUAGE}}
        if os.geteuid() == 0:
            from ansible_collections.inference.ollama.plugins.module_utils._trust import (  # noqa: PLC0415 compiled only where needed
                account,
                weakness,
            )

            identity = account(user)
            weak = weakness(path) if identity is None else None
            if weak is not None:
                return Outcome(None, f"{' '.join(argv)} was not run, since {weak} can be changed by others: {_RIGHT}")
            options = options if identity is None else _as(identity, timeout)
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, no shell, and every caller names its program
                [path, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                **options,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return Outcome(None, f"{path} could not be started: {getattr(error, 'strerror', None) or error}")
        return _finish(process, argv, timeout)

    return run


def bounded(run: Runner) -> Runner:
    """The same runner, whose answer is a problem where it is longer than readers of facts parse."""

    def ask(argv: list[str], *account: str | None) -> Outcome:
        outcome = run(argv, *account)
        if outcome.out is not None and len(outcome.out) > _MOST_PARSED:
            return Outcome(None, f"{' '.join(argv)} said more than {_MOST_PARSED} characters")
        return outcome

    return ask


def _as(identity: Account, timeout: float) -> dict[str, Any]:
    """Options of a process of another account: its groups alone, no home, no file larger than nothing, no core."""
    import resource  # noqa: PLC0415 of a process of another account alone

    limits = {"CORE": 0, "FSIZE": 0, "NOFILE": 256, "CPU": int(timeout) + 1}

    def limit() -> None:
        for name, number in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (number, number))

    return {
        "env": {"HOME": "/nonexistent", "PATH": os.pathsep.join(SEARCH), **_LANGUAGE},
        "cwd": "/",
        "user": identity.uid,
        "group": identity.gid,
        "extra_groups": identity.groups,
        "preexec_fn": limit,
    }


def _finish(process: subprocess.Popen[bytes], argv: list[str], timeout: float) -> Outcome:
    command = " ".join(argv)
    said = _listen(process, time.monotonic() + timeout)
    if said is None:
        _kill_group(process)
        return Outcome(None, f"{command} did not answer within {timeout:g} s and was stopped")
    out, err = said
    if max(len(out), len(err)) > _MOST:
        _kill_group(process)
        return Outcome(None, f"{command} said more than {_MOST} bytes and was stopped")
    if process.returncode != 0:
        ends = _ends(err) or _ends(out) or "nothing"
        return Outcome(None, f"{command} failed with exit status {process.returncode}{SAID}{ends}")
    return Outcome(out.decode("utf-8", "replace"), None)


def _listen(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes] | None:
    """All that a process says until it ends, or the beginning of too much; None where it has not ended in time."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    said = {stream.fileno(): bytearray() for stream in streams}
    waiting = select.poll()
    for number in said:
        waiting.register(number, select.POLLIN | select.POLLHUP)
    open_ones = set(said)
    while open_ones:
        left = deadline - time.monotonic()
        ready = waiting.poll(left * 1000) if left > 0 else []
        if not ready:
            return None
        for number, _event in ready:
            part = os.read(number, _PART)
            said[number] += part
            if not part:
                waiting.unregister(number)
                open_ones.discard(number)
            if len(said[number]) > _MOST:
                return bytes(said[number]), b""
    try:
        process.wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
    out, err = (bytes(text) for text in said.values())
    for stream in streams:
        stream.close()
    return out, err


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # A driver call that hangs in the kernel ignores SIGKILL; waiting for it would hang the reader too.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _ends(data: bytes) -> str:
    """The first line that says something and, where it is another one, the last."""
    # A program that fails may have said a lot before.
    shown = data if len(data) <= 2 * _PART else data[:_PART] + b"\n" + data[-_PART:]
    lines = [line.strip()[:200] for line in shown.decode("utf-8", "replace").strip().splitlines()]
    return CUT.join(dict.fromkeys([lines[0], lines[-1]])) if lines else ""
