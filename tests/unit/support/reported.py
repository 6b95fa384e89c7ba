# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts after public reports: a machine in numbers, more files, and programs with their places and answers.

They lie beside the captured machines: a folder each in ``reports`` (files.json, programs.json), trees in ``readers``.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _process
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather
from ansible_collections.inference.ollama.tests.unit.support.gpu_dumps import ABSENT, FakeRunner
from ansible_collections.inference.ollama.tests.unit.support.machine import Machine
from ansible_collections.inference.ollama.tests.unit.support.trees import captures, plant

REASON = "no reported hosts: they lie in cases beside the folder that INFERENCE_OLLAMA_FIXTURES names"


def _cases():
    folder = captures()
    found = folder.parent / "cases" if folder else None
    return found if found is not None and found.is_dir() else None


needs_reports = pytest.mark.skipif(_cases() is None, reason=REASON)


def names(kind="reports"):
    """The names of reported hosts, or of trees with ``readers``."""
    folder = _cases()
    if folder is None:
        return []
    return sorted(
        path.name.replace(".tar.xz", "")
        for path in (folder / kind).iterdir()
        if kind == "readers" or (path / "files.json").is_file()
    )


def folder(name):
    """The folder of one report, for those that have unit files (``root``) in place of a machine."""
    return _cases() / "reports" / name


class ReportedRoot(Root):
    """A planted host whose programs are where the report says, as far as the folders reach that a reader looks in."""

    def __init__(self, path, programs):
        super().__init__(path)
        self.programs = programs

    def program(self, name):
        for place in (*self.programs["path"], *_process.SEARCH):
            if f"{place}/{name}" in self.programs["programs_at"]:
                return f"{place}/{name}"
        return None


def read(name, made):
    """The topology of a reported host, written below a folder."""
    machine, programs = (
        json.loads((folder(name) / f"{part}.json").read_text(encoding="utf-8")) for part in ("files", "programs")
    )
    target = Path(made, name)
    if machine["machine"] is not None:
        Machine(**machine["machine"]).write(target)
    plant(target, {path: text for path, text in machine["files"].items() if text is not None})
    for path, text in machine["files"].items():
        if text is None:
            Path(target, path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    root = ReportedRoot(str(target), programs)
    return gather(root, runner(root, programs), set(SUBSETS))


def runner(root, programs):
    """The programs' answers; one that no reader finds is not installed."""
    answers = dict(programs["answers"])
    everything = answers.pop("stdout of every nvidia-smi call", None)
    status = answers.pop("exit status", None)
    if isinstance(everything, Outcome):
        answers["nvidia-smi"] = everything
    elif everything is not None:
        said = _process._ends(everything.encode())
        answers["nvidia-smi"] = Outcome(None, f"nvidia-smi failed with exit status {status}{_process.SAID}{said}")
    if programs["release"]:
        version = f"ollama version is {programs['release']}\n"
        answers.update({f"{path} --version": version for path in programs["programs_at"] if path.endswith("/ollama")})
    command = f"{{ path=x ; argv[]={programs['exec_start']} ; ignore_errors=no ; pid=0 }}"
    unit = (
        "LoadState=loaded\nActiveState=inactive\nFragmentPath=/etc/systemd/system/ollama.service\nDropInPaths=\n"
        f"User=ollama\nGroup=ollama\nExecStart={command}\nEnvironmentFiles=\n"
    )
    answering = FakeRunner(
        {
            "nvml": ABSENT,
            "systemctl --version": "systemd 257 (257.9-1)\n",
            "systemctl show ollama.service": unit,
            **answers,
        }
    )

    def run(argv, _user=None):
        name = argv[0].rpartition("/")[2]
        if name == "nvidia-smi" and root.program(name) is None:
            return Outcome(None, "nvidia-smi is not installed")
        return answering([name, *argv[1:]] if name == "nvidia-smi" else argv)

    return run


def tree(name, made):
    """The root of a tree that made a reader fail, unpacked below a folder."""
    with tarfile.open(_cases() / "readers" / f"{name}.tar.xz") as packed:
        packed.extractall(made, filter="tar") if hasattr(tarfile, "tar_filter") else packed.extractall(made)
    return str(Path(made, name))
