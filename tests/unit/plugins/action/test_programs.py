# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that the role leaves on hosts, as file_transaction sends them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import pytest

from ansible_collections.inference.ollama.plugins.action.desired_state import _programs
from ansible_collections.inference.ollama.plugins.action.file_transaction import program_bytes
from ansible_collections.inference.ollama.plugins.module_utils._places import METRICS_ARCHIVE, READINESS_ARCHIVE
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import LARGEST
from ansible_collections.inference.ollama.plugins.plugin_utils import _contract
from ansible_collections.inference.ollama.tests.unit.support.plans import plan, workstation

ASKED = ["--host", "gpu1", "--dropin-name", "override.conf", "--interval", "60", "--seconds", "45"]
# A server of nobody: the first unit that answers is none of this machine's.
PLAN = plan(workstation(), instances=[{"name": "nobody", "host": "127.0.0.1:1"}])


def names(program):
    with zipfile.ZipFile(io.BytesIO(program_bytes(program))) as file:
        return {name.rpartition("/plugins/")[2] for name in file.namelist()}


@pytest.mark.parametrize("program", [READINESS_ARCHIVE, METRICS_ARCHIVE])
def test_a_program_is_the_same_each_time_and_small_enough(program):
    """Otherwise a second run would change it; a file of more than the bound is not restored."""
    assert program_bytes(program) == program_bytes(program)
    assert len(program_bytes(program)) < LARGEST


def test_the_metrics_have_the_verification_and_none_of_the_plan():
    """What makes a plan, what prints it and what sends it stay on the controller."""
    found = names(METRICS_ARCHIVE)
    assert {"plugin_utils/_verify/decide.py", "module_utils/_service/gather.py", "plugin_utils/settings.json"} <= found
    assert not {"plugin_utils/_plan/make.py", "plugin_utils/_plan/policy.py", "plugin_utils/_render.py"} & found
    assert not [name for name in names(READINESS_ARCHIVE) if name.startswith("plugin_utils/")]


def test_the_contract_of_a_host_is_the_controllers(monkeypatch):
    """It is read from JSON there, since no package of a host reads YAML."""
    here, text = _contract.load(), _contract.packed()

    class Loader:
        archive = "x.zip"

        @staticmethod
        def get_data(path):
            assert path.endswith("/plugin_utils/settings.json")
            return text

    monkeypatch.setattr(_contract, "__loader__", Loader, raising=False)
    there = _contract.load.__wrapped__()
    assert (there.by_name, there.options, there.milestones) == (here.by_name, here.options, here.milestones)


@pytest.fixture
def written(tmp_path):
    """Run the program with these variables on this machine, on which the planned server is not; what it writes."""
    archive, state, folder = tmp_path / "metrics.zip", tmp_path / "state", tmp_path / "textfile"
    archive.write_bytes(program_bytes(METRICS_ARCHIVE))
    state.mkdir()
    folder.mkdir()
    (state / "current.json").write_text(json.dumps({"plan": PLAN, "sequence": 1}), encoding="utf-8")
    words = [*ASKED, "--state-folder", str(state), "--folder", str(folder)]

    def run(**environment):
        command = [sys.executable, "-I", "-B", str(archive), *words]
        done = subprocess.run(command, check=True, cwd="/", env=environment, stderr=subprocess.PIPE, text=True)
        return (folder / "inference_ollama.prom").read_text(encoding="utf-8"), done.stderr

    return run


def test_it_runs_from_its_archive_alone(written):
    """It needs Python and nothing else: each planned server has its verdicts, and one that is not there does not
    answer."""
    said, _errors = written()
    assert 'ollama_collector_success{host="gpu1"} 1' in said
    assert 'ollama_up{host="gpu1",server="ollama"} 0' in said
    assert (
        'ollama_setting_info{host="gpu1",server="ollama",setting="OLLAMA_NUM_PARALLEL",planned="1",acting=""} 1' in said
    )


def test_its_bytecode_is_kept_where_systemd_gives_it_a_folder(written, tmp_path):
    """It is compiled once, what an earlier release has left there goes, and without the folder it runs all the same."""
    cache = tmp_path / "cache"
    (cache / "earlier/release").mkdir(parents=True)
    assert 'ollama_collector_success{host="gpu1"} 1' in written(CACHE_DIRECTORY=str(cache))[0]
    (folder,) = cache.iterdir()
    compiled = {path: path.stat().st_mtime_ns for path in folder.rglob("*.pyc")}
    assert any(path.name.startswith("decide.") for path in compiled)
    assert 'ollama_collector_success{host="gpu1"} 1' in written(CACHE_DIRECTORY=str(cache))[0]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.pyc")} == compiled
    said, errors = written(CACHE_DIRECTORY=f"{tmp_path}/gone")
    assert 'ollama_collector_success{host="gpu1"} 1' in said
    assert errors == f"{tmp_path}/gone: not used (No such file or directory)\n"


@pytest.mark.parametrize(
    ("gpus", "metrics", "wanted"),
    [([], False, []), ([{}], False, [READINESS_ARCHIVE]), ([], True, [METRICS_ARCHIVE]), (None, "yes", [])],
)
def test_a_program_is_made_only_where_a_plan_may_want_it(gpus, metrics, wanted):
    """Making one costs a tenth of a second a host."""
    assert list(_programs({"gpus": gpus}, {"metrics": metrics})) == wanted
