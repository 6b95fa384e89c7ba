# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the metrics: what it reads, what it writes, and what is left where that fails."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._metrics.cards import read_cards
from ansible_collections.inference.ollama.plugins.module_utils._metrics.collect import Light, System, collect
from ansible_collections.inference.ollama.plugins.module_utils._metrics.exposition import METRICS, Sample, exposition
from ansible_collections.inference.ollama.plugins.module_utils._metrics.names import names_of_files
from ansible_collections.inference.ollama.plugins.module_utils._metrics.program import Clock, main
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._readiness.record import write_text
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Answer
from ansible_collections.inference.ollama.tests.unit.support import processes as host

STATE, VARIABLES = "/var/lib/inference.ollama", "/etc/inference.ollama/variables.json"
URL = "http://127.0.0.1:11434"
PLAN = {"schema": 2, "instances": [{"name": "ollama", "unit": "ollama.service", "url": URL, "gpus": []}]}


class Seen(host.Planted, Light):
    """A host in memory, whose state was confirmed at a known moment."""

    def written(self, path):
        return 1795795200.5 if path in self.files else None


def system(files, api=host.API, run=None):
    """A host that answers so."""
    fetch = host.fetch(api)
    return System(
        lambda: Seen(files, host.links()), run or host.Programs(), fetch, lambda _unit, _url: Answer(own=True)
    )


def files(plan=PLAN, **more):
    current = {f"{STATE}/current.json": json.dumps({"plan": plan, "sequence": 3})}
    made = {host.DROPIN: "0a", "/etc/shadow": "1", "/etc/systemd/system/../../shadow": "2"}
    return {**host.files(), **current, VARIABLES: json.dumps({"files": made}), **more}


def test_what_is_read_of_a_host():
    """The plan that was confirmed and when, each server, and the digests of the unit files alone."""
    kernel = {
        "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "/proc/sys/kernel/numa_balancing": "1",
    }
    seen = collect(system(files(**kernel)), STATE)
    assert (seen["plan"], seen["confirmed_at"], seen["pending"]) == (PLAN, 1795795200.5, False)
    assert seen["kernel"] == {"transparent_hugepage": "madvise", "numa_balancing": 1}
    assert seen["made"] == {host.DROPIN: "0a"}
    assert seen["found"] == {host.DROPIN: hashlib.sha256(host.files()[host.DROPIN].encode()).hexdigest()}
    (instance,) = seen["service"]["instances"]
    assert instance["api"]["version"] == "0.34.1"
    assert seen["models"] == {"ollama.service": {host.MODEL: "qwen3:8b"}}
    assert seen["cards"] == []
    assert collect(system(files(**{f"{STATE}/pending.json": "{}"})), STATE)["pending"] is True


def test_no_page_tables_are_walked():
    """The kernel stops a process for that, so that memory by node is not known here, and is no problem."""
    seen = collect(system(files()), STATE)
    (instance,) = seen["service"]["instances"]
    assert {each["memory_by_node"] for each in instance["processes"]} == {None}
    assert {each["resident_bytes"] for each in instance["processes"]} == {1 << 20}
    assert not [said for said in [*instance["problems"], *seen["problems"]] if "numa_maps" in said]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (None, 0),
        ("", 0),
        ("[]", 0),
        ('{"plan": []}', 0),
        ("no JSON", 1),
        ("[" * 100000, 1),
        (json.dumps({"plan": {"instances": 3}}), 0),
        (json.dumps({"plan": {"instances": [3, {"unit": 4}, {"unit": "u", "url": "ftp://x"}]}}), 0),
    ],
)
def test_a_plan_that_is_not_there_or_damaged(text, problems):
    """It names no server that would be asked."""
    planted = {**host.files(), **({} if text is None else {f"{STATE}/current.json": text})}
    seen = collect(system(planted), STATE)
    assert (seen["service"]["instances"], seen["made"], len(seen["problems"])) == ([], None, problems)


def manifest(digest):
    return json.dumps({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": 1}]})


def entry(names, *stores):
    """What service_info returns of a server with these models in memory, and a runner for each file."""
    runners = [{"kind": "runner", "model": path} for path in stores]
    return {"api": {"models": [{"name": name} for name in names]}, "processes": [{"kind": "server"}, *runners]}


def test_the_name_of_each_file():
    """One model is the one file's; of several the manifests say it, those of 0.40 before those of earlier releases."""
    one, two = "a" * 64, "b" * 64
    folder = "/srv/models"
    planted = {
        f"{folder}/manifests/registry.ollama.ai/library/llama3.2/3b": manifest(f"sha256:{one}"),
        f"{folder}/manifests/registry.ollama.ai/library/other/latest": "damaged",
        f"{folder}/manifests-v2/registry.ollama.ai/me/mine/latest": manifest(f"sha256:{two}"),
        f"{folder}/manifests/registry.ollama.ai/me/mine/latest": manifest(f"sha256:{one}"),
    }
    paths = [f"{folder}/blobs/sha256-{digest}" for digest in (one, two)]
    root = Seen(planted)
    named = names_of_files(root, entry(["me/mine", "llama3.2:3b", "other", "../../x", "gone"], *paths))
    assert named == {paths[0]: "llama3.2:3b", paths[1]: "me/mine"}
    assert names_of_files(root, entry(["x"], "/any")) == {"/any": "x"}
    assert names_of_files(root, {"api": None, "processes": None}) == {}


def test_the_manifest_of_a_list():
    """A list of 0.40 names the manifest of each runner, which is a blob."""
    one, inner = "a" * 64, "c" * 64
    kind = "application/vnd.ollama.manifest.list.v2+json"
    listed = {"mediaType": kind, "manifests": [{"digest": f"sha256:{inner}", "runner": "llamacpp", "size": 1}]}
    planted = {
        "/s/manifests-v2/registry.ollama.ai/library/m/latest": json.dumps(listed),
        f"/s/blobs/sha256-{inner}": manifest(f"sha256:{one}"),
    }
    paths = [f"/s/blobs/sha256-{one}", "/s/blobs/sha256-d"]
    assert names_of_files(Seen(planted), entry(["m", "n"], *paths)) == {paths[0]: "m"}


def test_memory_of_cards():
    """NVIDIA's by its tool, AMD's by the kernel; no tool is asked where there is no driver."""
    said = Outcome("00000000:81:00.0, 81559, 1024\nrubbish\n00000000:01:00.0, [N/A], 3\n", None)
    amd = {
        "/sys/bus/pci/drivers/amdgpu/0000:03:00.0/mem_info_vram_total": "17163091968",
        "/sys/bus/pci/drivers/amdgpu/0000:03:00.0/mem_info_vram_used": "163091968",
        "/sys/bus/pci/drivers/amdgpu/module/x": "",
    }
    root = Seen({**amd, "/dev/nvidiactl": ""})
    assert read_cards(root, lambda _argv: said) == [
        {"card": "0000:03:00.0", "total_bytes": 17163091968, "free_bytes": 17000000000},
        {"card": "0000:81:00.0", "total_bytes": 81559 << 20, "free_bytes": 1024 << 20},
    ]
    assert len(read_cards(Seen(amd), None)) == 1
    root = Seen({"/dev/nvidiactl": ""})
    assert read_cards(root, lambda _argv: Outcome(None, "nvidia-smi: did not answer within 5 s")) == []
    assert root.problems == ["nvidia-smi: did not answer within 5 s"]
    cards = {**PLAN, "instances": [{**PLAN["instances"][0], "gpus": ["0000:03:00.0"]}]}
    assert len(collect(system(files(cards, **amd)), STATE)["cards"]) == 1


def test_the_text_that_prometheus_reads():
    """Help and type once, values of labels escaped and cut, nothing twice, and no more than a bound."""
    samples = [
        Sample("ollama_up", 1, {"server": 'a"b\\c\nd\u202e'}),
        Sample("ollama_problems", 3, {"server": None}),
        Sample("ollama_up", 1, {"server": "n" * 300}),
        Sample("ollama_up", 0, {"server": "n" * 300}),
        Sample("ollama_cpu_quota_cpus", 1.23456, {"group": "/"}),
        Sample("ollama_cpu_quota_period_seconds", float("nan"), {"group": "/"}),
        Sample("ollama_cpu_quota_period_seconds", float("-inf"), {"group": "/a"}),
    ]
    lines = exposition("gpu1", samples).splitlines()
    assert lines[lines.index("# TYPE ollama_up gauge") - 1].startswith("# HELP ollama_up ")
    assert 'ollama_up{host="gpu1",server="a\\"b\\\\c d\\\\u202e"} 1' in lines
    assert sum(line.startswith("ollama_up{") for line in lines) == 2
    assert 'ollama_problems{host="gpu1"} 3' in lines
    assert 'ollama_cpu_quota_cpus{host="gpu1",group="/"} 1.235' in lines
    assert 'ollama_cpu_quota_period_seconds{host="gpu1",group="/"} NaN' in lines
    assert 'ollama_cpu_quota_period_seconds{host="gpu1",group="/a"} -Inf' in lines
    assert max(map(len, lines)) < 300
    many = exposition("h", (Sample("ollama_up", 1, {"server": str(number)}) for number in range(6000))).splitlines()
    assert len(many) < 5010
    assert 'ollama_collector_left_out{host="h"} 1000' in many


def test_counters_and_gauges_are_named_as_prometheus_has_them():
    """A counter ends in _total, and nothing else does; units are seconds and bytes."""
    for name, (kind, about) in METRICS.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert about.endswith("."), name


ARGUMENTS = ["--host", "gpu1", "--state-folder", STATE, "--dropin-name", "override.conf", "--interval", "60"]


def run(folder, decide, seconds="45", made=None):
    """Its status, and what its file says."""
    clock = Clock(lambda: 1795795200.25, iter([10.0, 12.5]).__next__, lambda: 0.375)
    words = [*ARGUMENTS, "--folder", str(folder), "--seconds", seconds]
    code = main(words, decide, made or system(files()), clock)
    path = folder / "inference_ollama.prom"
    return code, path.read_text(encoding="utf-8").splitlines() if path.exists() else None


def test_one_collection(tmp_path):
    """The file is whole, for everybody to read, and has what the decider says beside the program's own."""
    given = []

    def decide(seen):
        given.append(seen)
        return [Sample("ollama_up", 1, {"server": "ollama"})]

    code, lines = run(tmp_path, decide)
    assert (code, given[0]["dropin_name"], given[0]["accepted"], given[0]["plan"]) == (0, "override.conf", [], PLAN)
    for line in (
        'ollama_collector_success{host="gpu1"} 1',
        'ollama_collector_last_run_timestamp_seconds{host="gpu1"} 1795795200.25',
        'ollama_collector_interval_seconds{host="gpu1"} 60',
        'ollama_collector_duration_seconds{host="gpu1"} 2.5',
        'ollama_collector_cpu_seconds{host="gpu1"} 0.375',
        'ollama_up{host="gpu1",server="ollama"} 1',
    ):
        assert line in lines
    (name,) = os.listdir(tmp_path)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644


def test_a_collection_that_fails_leaves_a_file_that_says_so(tmp_path, capsys):
    """What it found before is not shown as if it were so now."""

    def decide(_seen):
        raise OllamaError("the plan is damaged")

    code, lines = run(tmp_path, decide)
    assert code == 1
    assert 'ollama_collector_success{host="gpu1"} 0' in lines
    assert not [line for line in lines if line.startswith("ollama_up")]
    assert capsys.readouterr().err == "the collection failed: OllamaError: the plan is damaged\n"


def test_a_host_that_hangs_is_given_up(tmp_path, capsys):
    """After its seconds the collection ends, whatever it was waiting for, and no alarm is left."""

    def hang(_argv):
        signal.sigtimedwait([signal.SIGUSR1], 60)

    code, lines = run(tmp_path, list, "0.05", system(files(), run=hang))
    assert (code, 'ollama_collector_success{host="gpu1"} 0' in lines) == (1, True)
    assert capsys.readouterr().err == "the collection took more than 0.05 s\n"
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_folder_that_is_gone_is_named(tmp_path, capsys):
    """Nothing is made in its place, since nobody would read it."""
    code, lines = run(tmp_path / "gone", lambda _seen: [])
    assert (code, lines) == (1, None)
    assert capsys.readouterr().err.startswith(f"{tmp_path}/gone/inference_ollama.prom: cannot be written (No such file")


def test_nothing_is_left_of_a_file_that_cannot_be_written(tmp_path):
    """Another name begins with a dot, which node_exporter does not read, and goes again."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OllamaError, match="taken: cannot be written"):
        write_text(str(tmp_path / "taken"), "x")
    assert os.listdir(tmp_path) == ["taken"]
