# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that runs as planned passes every check that can be made, and no damage to an observation raises an error.

The other tests of a verification start from that host, and change one thing.
"""

from __future__ import annotations

import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._service.gather import PARTS
from ansible_collections.inference.ollama.plugins.modules import service_info
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._table import WIDTH, verify_table
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.decide import verify
from ansible_collections.inference.ollama.tests.unit.support import processes as host
from ansible_collections.inference.ollama.tests.unit.support.examples import examples
from ansible_collections.inference.ollama.tests.unit.support.hosts import cases, planned
from ansible_collections.inference.ollama.tests.unit.support.plans import card, instances, plan, workstation, xeon
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

many = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
MODEL = "/srv/models/blobs/sha256-0a"
SAME = {"schema": 1, "differences": []}
# What Ollama 0.34.1 prints of a value that is not the value itself.
GO = {"-1": "2562047h47m16.854775807s", "m": "{}m0s", "h": "{}h0m0s"}
BOOLEANS = ["OLLAMA_FLASH_ATTENTION", "OLLAMA_SCHED_SPREAD", "OLLAMA_DEBUG"]


def path_of(instance):
    """Where the role writes the drop-in."""
    return f"/etc/systemd/system/{instance['unit']}.d/override.conf"


def logged(name, value):
    """A value as the line "server config" has it."""
    if name in BOOLEANS:
        return {"1": "true", "0": "false"}.get(value, value)
    if name == "OLLAMA_KEEP_ALIVE":
        return GO.get(value) or GO[value[-1]].format(value[:-1])
    return f"http://{value}" if name == "OLLAMA_HOST" else value


def processes(instance):
    """The server and one runner of an instance, as the kernel shows them where all is as planned."""
    service = instance["directives"]
    secret = {"OLLAMA_API_KEY": "***"} if "LoadCredential" in service else {}
    argv = [word for word in service.get("ExecStart", ["/usr/local/bin/ollama", "serve"]) if "cpunodebind" not in word]
    common = {
        "model": None,
        "environment": {"PATH": "/usr/bin", "HOME": "/root", **instance["environment"], **secret},
        "cpus_allowed": instance["cpus"] or "0-3",
        "mems_allowed": "0-1023",
        "memory_by_node": {str(node): 8 << 30 for node in CpuSet.parse(str(instance["numa_node"] or 0))},
        "compute_threads": None,
        "involuntary_switches": 400,
        "cpu_seconds": 20.0,
        "longest_wait": {"cpu_seconds": 1.4, "wait_seconds": 0.01},
        "locked_bytes": 4096,
        "limits": {
            "nofile": {"soft": service["LimitNOFILE"], "hard": service["LimitNOFILE"]},
            "memlock": {"soft": None, "hard": None},
        },
        "oom_score_adjust": service.get("OOMScoreAdjust", 0),
    }
    server = {
        **common,
        "kind": "server",
        "pid": 812,
        "exe": "/usr/local/bin/ollama",
        "command_line": [word for word in argv if not word.endswith("numactl")],
        "started_seconds": 3600.0,
    }
    runner = {
        **common,
        "kind": "runner",
        "pid": 900,
        "exe": "/usr/local/lib/ollama/llama-server",
        "command_line": ["/usr/local/lib/ollama/llama-server", "--model", MODEL, "--port", "40737"],
        "model": MODEL,
        "compute_threads": instance["compute_threads"],
        "started_seconds": 60.0,
    }
    return [server, runner]


def groups(plan, instance):
    """The control groups of an instance from its own up to the root, as systemd makes them."""
    parent = instance["directives"].get("Slice", "system.slice")
    weight = next(each["value"] for each in plan["decisions"] if each["setting"] == "CPUWeight")
    return [
        {"path": f"/{parent}/{instance['unit']}", "cpu_weight": None},
        {"path": f"/{parent}", "cpu_weight": weight},
        {"path": "/", "cpu_weight": None},
    ]


def running(plan, version=None):
    """What service_info returns where everything is as planned and a model is in memory."""
    return {
        "schema": 1,
        "problems": [],
        "instances": [
            {
                "unit": instance["unit"],
                "load_state": "loaded",
                "active_state": "active",
                "sub_state": "running",
                "result": "success",
                "restarts": 0,
                "main_pid": 812,
                "need_daemon_reload": False,
                "fragment_path": "/etc/systemd/system/ollama.service",
                "dropins": [path_of(instance)],
                "environment": {"PATH": "/usr/bin", **instance["environment"]},
                "overrides": [],
                "secret_files": [{"path": "/etc/ollama/secrets.env", "mode": "0600", "user_id": 0}],
                "control_groups": groups(plan, instance),
                "processes": processes(instance),
                "device_wait": {"waited_seconds": 0.0, "missing": []},
                "cpu_quotas": [],
                "api": {
                    "url": instance["url"],
                    "version": version or plan["release"] or "0.34.1",
                    "models": [{"name": "m:8b", "size_bytes": 8 << 30, "size_vram_bytes": 8 << 30}],
                },
                "journal": {
                    "server_config": {name: logged(name, value) for name, value in instance["environment"].items()},
                    "devices": [
                        {"id": str(number), "library": "CUDA", "name": "Card", "pci_id": card}
                        for number, card in enumerate(instance["gpus"])
                    ]
                    or [{"id": "cpu", "library": "cpu", "name": "cpu"}],
                    "starts": [
                        {
                            "model": MODEL,
                            "threads": {"used": instance["compute_threads"]},
                            "parameters": {},
                            "offloaded": {"layers": 33, "of": 33} if instance["gpus"] else None,
                        }
                    ],
                    "warnings": [],
                },
                "problems": [],
            }
            for instance in instances(plan)
        ],
    }


def check(found, setting, instance=None):
    """The check on one setting."""
    (row,) = [row for row in found["checks"] if row["setting"] == setting and instance in (None, row["instance"])]
    return row


def verdicts(found, verdict):
    """The settings with this verdict."""
    return [row["setting"] for row in found["checks"] if row["verdict"] == verdict]


BOUND = plan(xeon(), numa_node=1, api_key=True)
UNBOUND = plan(xeon(), numa_node="none")
GPU = plan(workstation(card(0), card(1)))
OURS = path_of(instances(BOUND)[0])
LATER = OURS.replace("override", "zz")
SECRETS = "/etc/ollama/secrets.env"


def seen_on(made=None, drift="same", kernel=None, **changes):
    """The verification of a host that runs as planned but for the instance's changes; drift None: files unread."""
    service = running(made or BOUND)
    service["instances"][0].update(changes)
    return verify(made or BOUND, service, SAME if drift == "same" else drift, kernel)


def changed(made=None, server=None, runner=None, **changes):
    """The same with changes to the processes; a key of environment is added, None takes it away."""
    made = made or BOUND
    service = copy.deepcopy(running(made))
    for process, values in zip(service["instances"][0]["processes"], (server or {}, runner or {})):
        for key, value in values.items():
            if key == "environment" and value is not None:
                merged = {**process["environment"], **value}
                process["environment"] = {name: value for name, value in merged.items() if value is not None}
            else:
                process[key] = value
    service["instances"][0].update(changes)
    return verify(made, service, SAME)


def journal(made=None, **values):
    """What the log of a host that runs as planned says, but for these values."""
    return {**running(made or BOUND)["instances"][0]["journal"], **values}


def text_of(row):
    """The texts of a check, joined."""
    return " ".join(str(row[key]) for key in ("planned", "seen", "evidence", "remedy"))


def one(**process):
    """The processes with the server alone, or changed."""
    return [{**running(BOUND)["instances"][0]["processes"][0], **process}]


def api(made=None, **values):
    return {**running(made or BOUND)["instances"][0]["api"], **values}


def plans():
    """A plan of some machine, with options and a release that go together."""
    return cases().map(planned)


@many
@given(plans())
def test_a_host_that_runs_as_planned_passes(plan):
    """Nothing fails, and nothing is unknown but the release where the plan has none."""
    found = verify(plan, running(plan), SAME, views.kernel(plan))
    assert verdicts(found, "fail") == []
    assert set(verdicts(found, "unknown")) <= ({"release"} if plan["release"] is None else set())
    assert found["verdict"] == ("pass" if plan["release"] else "unknown")
    assert len(verify_table(found, "host")) == 1 or plan["release"] is None


@many
@given(plans())
def test_every_written_decision_has_one_check(plan):
    """Whatever the plan writes into a unit is looked at once."""
    found = verify(plan, running(plan), SAME, views.kernel(plan))
    for instance in instances(plan):
        written = {**instance["environment"], **instance["order"], **instance["directives"]}
        for setting in written:
            assert check(found, setting, instance["name"])["planned"] is not None


JUNK = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, 10**40, float("nan"), float("inf"), "", "x", "***", "0-3", "auto", "0.0.0", "0.12.3"),
        *([], {}, [None], [[]], [{}], {"a": {}}, {"soft": "x", "hard": {}}, [{"kind": "server"}], {"0": -1}),
    ]
)


def spots(value):
    """Every place in nested dictionaries and lists, as the container and the key."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from spots(inner)


@many
@given(plans(), st.data())
def test_damage_never_raises(plan, data):
    """Whatever stands in place of a value, there is a verdict on everything, and it is plain data."""
    service = copy.deepcopy(running(plan))
    whole = verify(plan, service, SAME, views.kernel(plan))
    for _number in range(data.draw(st.integers(1, 6))):
        container, key = data.draw(st.sampled_from(list(spots(service["instances"])) or [(service, "instances")]))
        container[key] = copy.deepcopy(data.draw(JUNK))
    found = verify(plan, service, SAME, views.kernel(plan))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert sum(found["counts"].values()) == len(found["checks"])
    assert [row["setting"] for row in found["checks"]] == [row["setting"] for row in whole["checks"]]
    assert all(row["evidence"] for row in found["checks"])
    assert all(bool(row["remedy"]) == (row["verdict"] != "pass") for row in found["checks"])
    lines = verify_table(found, "host")
    assert lines[0].startswith("host: ")
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)


@many
@given(plans())
def test_nothing_read_is_nothing_passed(plan):
    """A reader that could read nothing acquits nobody, but for files that were compared."""
    empty = {"schema": 1, "instances": [{"unit": each["unit"]} for each in instances(plan)], "problems": []}
    found = verify(plan, empty)
    assert verdicts(found, "pass") == verdicts(found, "fail") == []


def test_what_the_reader_returns_is_read(tmp_path):
    """A captured host, read as on a target: its processes, log and API are those that the checks speak of."""
    folder = plant(tmp_path, {path: text.encode() for path, text in host.files().items()})
    for path, target in host.links().items():
        (tmp_path / path.lstrip("/")).symlink_to(target)
    options = {
        "root": folder,
        "command_timeout": 5,
        "api_timeout": 1,
        "wait": 0,
        "journal_lines": 10,
        "parts": [*PARTS],
    }
    service = service_info.read({**options, "units": [{"unit": "ollama.service", "url": "http://127.0.0.1:11434"}]})
    found = verify(plan(xeon(), numa_node="none", load_mode="mlock"), service, SAME)
    assert "program was replaced" in check(found, "processes_current")["seen"]
    assert check(found, "binding")["seen"].startswith("the runner runs on ")
    assert check(found, "LimitMEMLOCK")["verdict"] == "pass"
    assert check(found, "LimitNOFILE")["seen"] == "soft 65535, hard 65536"
    assert "was not read" in check(found, "unit")["evidence"]
