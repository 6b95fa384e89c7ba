# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/lint.yml, run on the files of machines that somebody has set up by hand."""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

SYSTEM = "/etc/systemd/system"
FOLDER = f"{SYSTEM}/ollama.service.d"
UNIT = "[Unit]\nDescription=Ollama\n[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
pytestmark = installed
KEY = "sk-planted-0123456789"

# A server bound to one node of two, with what guides to such hosts say.
BOUND = f"""\
[Service]
Environment="OLLAMA_API_KEY={KEY}"
Environment="OLLAMA_HOST=0.0.0.0:11434"
Environment="OLLAMA_KEEP_ALIVE=-1"
# Threads of the one node
Environment="OLLAMA_NUM_THREADS=14"
Environment="OLLAMA_NUM_PARALLEL=2"
ExecStart=
ExecStart=/usr/bin/numactl --cpunodebind=1 /usr/local/bin/ollama serve
LimitMEMLOCK=infinity
"""
# A workstation with two cards, in three drop-ins of different days.
CARDS = """\
[Service]
Environment=CUDA_VISIBLE_DEVICES=0,1
Environment=CUDA_DEVICE_ORDER=PCI_BUS_ID
Environment=OLLAMA_LLM_LIBRARY=cuda
Environment=OLLAMA_NO_CUDA=0
Environment=OLLAMA_NUM_GPU_LAYERS=999
Environment=OLLAMA_SCHED_SPREAD=true
Environment=OLLAMA_KEEP_ALIVE=30m
EnvironmentFile=/etc/ollama/keys.env
"""
SPEED = '[Service]\nEnvironment="OLLAMA_FLASH_ATTENTION=1"\nEnvironment="OLLAMA_KEEP_ALIVE=1h"\n'
FINE = (
    "[Service]\nExecStart=/usr/local/bin/ollama serve\nEnvironment=OLLAMA_NUM_PARALLEL=2\nEnvironmentFile=-/etc/keys\n"
)
QUADLET = "/etc/containers/systemd"
CONTAINER = (
    "[Container]\nImage=docker.io/ollama/ollama\nEnvironment=OLLAMA_NUM_THREADS=8\nPublishPort=127.0.0.1:11500:11434\n"
)
FOUND = re.compile(r"^ *- '?(fatal|inert|advice): (.+?)'\n((?: *- '    .*\n)+)", re.MULTILINE)
WRAPPED = re.compile(r"'\n *- ' +")


def run(tmp_path, *options, **trees):
    """The exit status and the output of the playbook on planted machines."""
    folders = {name: plant(tmp_path / name, files) for name, files in trees.items()}
    hosts = "".join(f"{name} {LOCAL} ollama_topology_root={folder}\n" for name, folder in folders.items())
    return play(tmp_path, f"[ollama]\n{hosts}", folders.values(), ROOT / "playbooks/lint.yml", *options)


def findings(tmp_path, output):
    found = []
    for severity, name, lines in FOUND.findall(output):
        # The path of a planted machine is longer than a line.
        file, line = re.search(r"(/.*?)(?::(\d+)|\))", WRAPPED.sub("", lines)).groups()
        found.append((severity, file.replace(str(tmp_path), ""), int(line or 0), name))
    return found


def test_units_from_guides_are_judged_and_left_alone(tmp_path):
    """Every line that does nothing, does harm or loses is named by file and line; no key is ever shown."""
    status, output = run(
        tmp_path,
        "-vvv",
        "-e",
        "ollama_version=0.34.1",
        bound={f"{SYSTEM}/ollama.service": UNIT, f"{FOLDER}/override.conf": BOUND},
        cards={
            f"{SYSTEM}/ollama.service": UNIT,
            f"{FOLDER}/10-gpu.conf": CARDS,
            f"{FOLDER}/performance.conf": SPEED,
            "/etc/ollama/keys.env": f"OLLAMA_API_KEY={KEY}\nexport OLLAMA_NUM_PARALLEL=4\n",
        },
    )
    bound, cards = f"/bound{FOLDER}/override.conf", f"/cards{FOLDER}"
    assert sorted(findings(tmp_path, output)) == sorted(
        [
            ("fatal", bound, 2, "OLLAMA_API_KEY"),
            ("inert", bound, 2, "OLLAMA_API_KEY"),
            ("advice", bound, 3, "OLLAMA_HOST"),
            ("inert", bound, 6, "OLLAMA_NUM_THREADS"),
            ("advice", bound, 9, "ExecStart"),
            ("advice", bound, 10, "LimitMEMLOCK"),
            ("fatal", f"{cards}/10-gpu.conf", 4, "OLLAMA_LLM_LIBRARY"),
            ("inert", f"{cards}/10-gpu.conf", 5, "OLLAMA_NO_CUDA"),
            ("inert", f"{cards}/10-gpu.conf", 6, "OLLAMA_NUM_GPU_LAYERS"),
            ("advice", f"{cards}/10-gpu.conf", 8, "OLLAMA_KEEP_ALIVE"),
            ("advice", "/cards/etc/ollama/keys.env", 1, "OLLAMA_API_KEY"),
            ("inert", "/cards/etc/ollama/keys.env", 2, "OLLAMA_NUM_PARALLEL"),
        ]
    )
    assert "-> use ollama_num_threads, which sets LLAMA_ARG_THREADS" in output
    assert "it hides every GPU" in output
    assert f"{FOLDER}/performance.conf:3sayssomethingelselater,andwins" in WRAPPED.sub("", output).replace(" ", "")
    assert "2 finding(s) of level fatal or worse, on bound, cards" in output
    assert KEY not in output
    assert status != 0


def test_a_unit_without_findings_passes_in_check_mode(tmp_path):
    """Neither an environment file that may be missing nor the strictest level is a reason to fail."""
    files = {f"{SYSTEM}/ollama.service": FINE}
    status, output = run(
        tmp_path, "--check", "-e", "ollama_lint_level=advice", "-e", "ollama_version=0.34.1", fine=files
    )
    assert "fine: Ollama 0.34.1: nothing is wrong" in output
    assert "no finding of level advice or worse on fine" in output
    assert status == 0


def test_a_machine_whose_release_is_not_known_is_judged_for_every_supported_one(tmp_path):
    """A captured tree has no program to ask, and nobody has to name a release."""
    status, output = run(tmp_path, old={f"{SYSTEM}/ollama.service": UNIT, f"{FOLDER}/10-gpu.conf": CARDS})
    assert ("inert", f"/old{FOLDER}/10-gpu.conf", 5, "OLLAMA_NO_CUDA") in findings(tmp_path, output)
    assert "undefined" not in output
    assert status != 0


def test_what_is_around_the_unit_is_named(tmp_path):
    """A missing environment file is fatal; units of other names, containers, snap and a file for a folder are named."""
    gpu = "[Service]\nExecStart=/usr/local/bin/ollama serve --port 1143%i\nEnvironment=CUDA_VISIBLE_DEVICES=%i\n"
    status, output = run(
        tmp_path,
        "-e",
        "ollama_version=0.34.1",
        full={
            f"{SYSTEM}/ollama.service": UNIT + "EnvironmentFile=/etc/ollama/env\n",
            f"{SYSTEM}/ollama.service.d": "[Service]\nNice=1\n",
            f"{SYSTEM}/ollama-gpu@.service": gpu,
            f"{SYSTEM}/llm.service": "[Service]\nExecStart=/opt/ollama serve\n",
            "/snap/bin/ollama": "",
        },
        other={f"{SYSTEM}/ollama-gpu@.service": gpu},
        held={f"{QUADLET}/llm.container": CONTAINER},
    )
    full, other = f"/full{SYSTEM}", f"/other{SYSTEM}"
    assert sorted(findings(tmp_path, output)) == sorted(
        [
            ("fatal", f"{full}/ollama.service", 6, "EnvironmentFile"),
            ("fatal", f"{full}/ollama-gpu@.service", 2, "ExecStart"),
            ("inert", f"{full}/ollama.service.d", 1, "a line"),
            ("advice", f"{full}/ollama-gpu@.service", 1, "a line"),
            ("advice", f"{full}/llm.service", 1, "a line"),
            ("advice", "/full/snap/bin/ollama", 1, "a line"),
            ("fatal", f"{other}/ollama-gpu@.service", 2, "ExecStart"),
            ("advice", f"{other}/ollama-gpu@.service", 1, "a line"),
            ("inert", f"/held{QUADLET}/llm.container", 0, "OLLAMA_NUM_THREADS"),
            ("advice", f"/held{QUADLET}/llm.container", 0, "OLLAMA_MODELS"),
            ("advice", f"/held{QUADLET}/llm.container", 0, "image"),
        ]
    )
    assert 'ollama_host: "127.0.0.1:11500"' in output
    assert 'ollama_deployment: "podman"' in output
    assert status != 0
