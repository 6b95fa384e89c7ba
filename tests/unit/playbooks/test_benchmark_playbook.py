# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/benchmark.yml on a host whose server answers here: results on the controller, and nothing lost."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from ansible_collections.inference.ollama.tests.unit.support.measurements import measured, result
from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.trees import plant
from ansible_collections.inference.ollama.tests.unit.support.web import Ollama, serving

pytestmark = installed
UNIT = "[Unit]\nDescription=Ollama\n[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
TREE = {
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/possible": "0-3",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree:        8388608 kB\nMemAvailable:   12582912 kB",
    "/etc/systemd/system/ollama.service": UNIT,
}
SCHEMA = json.loads((ROOT / "docs/benchmark.schema.json").read_text("utf-8"))
SHORT = {"ollama_benchmark_seconds": 1, "ollama_benchmark_concurrency": [1, 2], "ollama_benchmark_requests": 20}


class Streaming(Ollama):
    """Answers with as many tokens as it is asked for, at once."""

    def __call__(self, handler, posted):
        if posted is None or not posted.get("stream") or posted["model"] in self.broken:
            super().__call__(handler, posted)
            return
        self.posted.append((handler.path, posted))
        self.holds(posted["model"])
        count = posted["options"]["num_predict"]
        said = [{"response": "word ", "done": False} for _token in range(count)]
        words = len(posted["prompt"].split())
        said.append({"response": "", "done": True, "eval_count": count, "prompt_eval_count": words, "load_duration": 5})
        handler.send_response(200)
        handler.end_headers()
        for line in said:
            handler.wfile.write(json.dumps(line).encode() + b"\n")


@pytest.fixture
def server():
    """A server that has m:1b and not gone:1b, and holds another model."""
    found = Streaming(room=2, broken={"gone:1b": (404, {"error": "model 'gone:1b' not found"})})
    found.holds("other:1b", seconds=None)
    with serving(found) as url:
        found.url = url
        yield found


def run(tmp_path, server, *options, hosts=("node1",), **variables):
    """The exit status and the output of the playbook, which is asked for one model."""
    served = plant(tmp_path / "served", TREE)
    address = server.url.removeprefix("http://")
    one = f"{LOCAL} ollama_version=0.34.1 ollama_topology_root={served} ollama_host={address}"
    inventory = "[ollama]\n" + "\n".join(f"{name} {one}" for name in hosts) + "\n"
    asked = {**SHORT, "ollama_benchmark_model": "m:1b", **variables}
    given = ("-e", json.dumps(asked), *options)
    return play(tmp_path, inventory, [served], ROOT / "playbooks/benchmark.yml", *given)


def written(tmp_path, name="node1.benchmark.json"):
    """A file of the folder of measurements."""
    return json.loads((tmp_path / "benchmark" / name).read_text("utf-8"))


def test_a_host_is_measured(tmp_path, server):
    """The record has the form of its schema, the picture is whole, memory is as before, no host has changed."""
    status, output = run(tmp_path, server)
    assert status == 0, output
    record = written(tmp_path)
    jsonschema.Draft202012Validator(SCHEMA).validate(record)
    assert (record["host"], record["from"], record["profile"]["release"]) == ("node1", "host", "0.34.1")
    assert record["profile"]["as_planned"]["verdict"] == "fail"
    (found,) = record["benchmarks"]
    assert found["model"]["name"] == "m:1b"
    assert [point["concurrency"] for point in found["points"]] == [1, 2]
    assert found["points"][0]["requests"]["successful"] > 0
    ET.parse(tmp_path / "benchmark/node1.benchmark.svg")
    assert "LOAD  TOKENS/S" in output
    assert "changed=0" in output
    assert list(server.memory) == ["other:1b"]
    assert not list((tmp_path / "benchmark").glob("*previous*"))


def test_an_earlier_result_is_kept_and_compared(tmp_path, server):
    """With its model and workload it is comparable, and what differs is named; the run says where it is."""
    (tmp_path / "benchmark").mkdir()
    old = measured(result("m:1b", speeds={1: 100, 2: 200}, digest=None))
    old["at"] = "2026-01-01T00:00:00Z"
    (tmp_path / "benchmark/node1.benchmark.json").write_text(json.dumps(old), encoding="utf-8")
    status, output = run(
        tmp_path, server, "-e", "baseline=benchmark/node1.benchmark.json", ollama_benchmark_from="controller"
    )
    assert status == 0, output
    assert written(tmp_path)["from"] == "controller"
    assert written(tmp_path, "node1.benchmark.previous.json")["at"] == "2026-01-01T00:00:00Z"
    assert written(tmp_path)["at"] != "2026-01-01T00:00:00Z"
    # A terminal shows the lines as a list.
    text = " ".join(output.replace("- '", "").replace("'\n", "\n").split())
    assert "compared with" in text
    assert "differs: another hardware" in text
    assert "differs: the requests came from elsewhere" in text
    assert "of all metrics: " in text
    assert "the earlier one is kept as node1.benchmark.previous.json" in text


def test_everything_wrong_is_refused_at_once(tmp_path, server):
    """Before anything is asked of a server, of all hosts."""
    old = measured(result("m:1b"))
    old["benchmarks"][0]["workload"]["prompt_tokens"] = 999
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    wrong = {"seconds": "long", "concurrency": [0], "goodput": {"speed": 3}, "from": "there", "prompt_cache": "maybe"}
    variables = {f"ollama_benchmark_{name}": value for name, value in wrong.items()}
    status, output = run(tmp_path, server, "-e", "baseline=old.json", hosts=("node1", "node2"), **variables)
    text = " ".join(output.split())
    assert status != 0
    for name in wrong:
        assert f"ollama_benchmark_{name}: " in text
    assert "baseline: old.json: m:1b: another workload: prompt_tokens: 999 in the baseline, 256 now" in text
    assert server.posted == []
    assert not (tmp_path / "benchmark").exists()


def test_check_mode_says_what_it_would_do(tmp_path, server):
    """It ends well, asks no server for a token, and writes nothing."""
    status, output = run(tmp_path, server, "--check")
    assert status == 0, output
    assert "would send requests" in output
    assert server.posted == []
    assert not (tmp_path / "benchmark").exists()


def test_a_host_or_model_that_fails_does_not_end_the_others(tmp_path, server):
    """The reason is in the last lines and in the record; an earlier result is not replaced by nothing."""
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark/node1.benchmark.json").write_text("{}", encoding="utf-8")
    names = "{{ ['gone:1b'] if inventory_hostname == 'node1' else ['gone:1b', 'm:1b'] }}"
    status, output = run(tmp_path, server, hosts=("node1", "node2"), ollama_benchmark_models=names)
    assert status != 0
    assert "model 'gone:1b' not found" in " ".join(output.split()).rpartition("TASK [Fail where a host was not")[2]
    assert written(tmp_path) == {}
    record = written(tmp_path, "node2.benchmark.json")
    assert [each["model"] for each in record["failed"]] == ["gone:1b"]
    assert len(record["benchmarks"]) == 1
