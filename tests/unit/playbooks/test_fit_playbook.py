# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/fit.yml on machines with a store of small models, one that is cut off, and on hosts in trouble."""

from __future__ import annotations

import hashlib
import json
import struct
from xml.etree import ElementTree as ET

from ansible_collections.inference.ollama.tests.unit.support.playbooks import LOCAL, ROOT, installed, play
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

pytestmark = installed
UNIT = "[Unit]\nDescription=Ollama\n[Service]\nExecStart=/usr/local/bin/ollama serve\nUser=ollama\n"
TREE = {
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/possible": "0-3",
    "/proc/meminfo": "MemTotal:       16777216 kB\nMemFree:        8388608 kB\nMemAvailable:   12582912 kB",
    "/etc/systemd/system/ollama.service": UNIT,
}
HOST = f"{LOCAL} ollama_version=0.34.1"
NUMBERS = {
    "name": "in-numbers",
    "size_bytes": 4 << 30,
    "layers": 32,
    "kv_heads": 8,
    "key_length": 128,
    "value_length": 128,
}


def _text(words):
    data = words.encode()
    return struct.pack("<Q", len(data)) + data


def gguf(layers=2, width=256):
    """A file of a llama of so many layers: its header as llama.cpp writes it, and tensors of zeros."""
    numbers = {
        "block_count": layers,
        "context_length": 8192,
        "embedding_length": width,
        "feed_forward_length": 2 * width,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        "vocab_size": 512,
    }
    pairs = [_text("general.architecture") + struct.pack("<I", 8) + _text("llama")]
    pairs += [_text(f"llama.{key}") + struct.pack("<II", 4, number) for key, number in numbers.items()]
    shapes = {"token_embd.weight": (width, 512), "output_norm.weight": (width,), "output.weight": (width, 512)}
    for layer in range(layers):
        parts = {"attn_q": (width, width), "attn_k": (width, width // 2), "attn_v": (width, width // 2)}
        parts |= {"attn_output": (width, width), "ffn_up": (width, 2 * width), "ffn_down": (2 * width, width)}
        parts |= {"ffn_gate": (width, 2 * width), "attn_norm": (width,), "ffn_norm": (width,)}
        shapes |= {f"blk.{layer}.{name}.weight": shape for name, shape in parts.items()}
    infos, offset = b"", 0
    for name, shape in shapes.items():
        infos += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        count = 1
        for length in shape:
            count *= length
        offset += 4 * count
    header = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(pairs)) + b"".join(pairs) + infos
    return header + bytes(-len(header) % 32) + bytes(offset)


def store(**models):
    """The files of a store with these models in their only tag."""
    files = {}
    for name, content in models.items():
        config = b"{}"
        layers = [("application/vnd.ollama.image.model", content)]
        entries = []
        for kind, data in [("application/vnd.docker.container.image.v1+json", config), *layers]:
            digest = hashlib.sha256(data).hexdigest()
            files[f"/models/blobs/sha256-{digest}"] = data
            entries.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)})
        manifest = {"schemaVersion": 2, "config": entries[0], "layers": entries[1:]}
        files[f"/models/manifests/registry.ollama.ai/library/{name}/latest"] = json.dumps(manifest)
    return files


def run(tmp_path, *options):
    """The exit status and the output of the playbook on four hosts."""
    whole = gguf()
    served = plant(tmp_path / "served", {**TREE, **store(tiny=whole, cut=gguf(layers=3)[:700])})
    empty = plant(tmp_path / "empty", {**TREE, "/models/blobs/x": ""})
    (tmp_path / "local.gguf").write_bytes(whole)
    inventory = f"""[ollama]
lost ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
served {HOST} ollama_topology_root={served} ollama_fit_stores='["{served}/models"]'
empty {HOST} ollama_topology_root={empty} ollama_fit_stores='["{empty}/models"]'
wrong {HOST} ollama_topology_root={empty} ollama_fit_stores='["{served}/models"]' ollama_numa_node=7
broken {HOST} ansible_python_interpreter=/nonexistent/python
"""
    return play(tmp_path, inventory, [served, empty], ROOT / "playbooks/fit.yml", *options)


def written(tmp_path, host):
    """The JSON of a host."""
    return json.loads((tmp_path / f"fit/{host}.fit.json").read_text(encoding="utf-8"))


def models(fit):
    """The models that were placed, by name."""
    return {model["name"]: model for server in fit["servers"] for model in server["models"]}


def test_each_host_is_asked_about_its_store(tmp_path):
    """What cannot be read is named in words; a host that is lost or refused does not end the run of the others."""
    status, output = run(tmp_path, "--check", "-e", "ollama_fit_folder=fit")
    served, empty, wrong = (written(tmp_path, host) for host in ("served", "empty", "wrong"))
    assert status != 0, output
    assert "Traceback" not in output
    assert models(served)["tiny:latest"]["fits"] == "cpu"
    assert models(served)["tiny:latest"]["most_tokens"] == 8192
    assert served["settings"] == "plan"
    assert any("cut" in problem or "sha256" in problem for problem in served["problems"])
    assert (empty["servers"][0]["models"], empty["missing"]) == ([], [])
    assert wrong["settings"] == "server"
    assert any("ollama_numa_node: 7 is not allowed" in problem for problem in wrong["problems"])
    assert models(wrong)["tiny:latest"]["fits"] == "cpu"
    for host in ("served", "empty", "wrong"):
        ET.parse(tmp_path / f"fit/{host}.fit.svg")
    assert "served: Ollama 0.34.1, with settings as planned" in output
    assert "there is no model to ask about" in output
    assert "changed=0" in output
    assert "changed=1" not in output


def test_names_files_and_numbers_can_be_asked_about(tmp_path):
    """Files lie on the controller; a name that the store does not have is named."""
    wanted = ["tiny", f"{tmp_path}/local.gguf", NUMBERS, "absent:8b"]
    status, output = run(tmp_path, "--limit", "served", "-e", json.dumps({"ollama_fit_models": wanted}))
    assert status == 0, output
    for name in ("tiny:latest", "local.gguf", "in-numbers"):
        assert f"{name} " in output
    assert "absent:8b: the host''s store does not have it" in output


def test_json_is_printed_where_it_is_asked_for(tmp_path):
    """A relative path of a file begins in the folder that the playbook is run in."""
    wanted = json.dumps({"ollama_fit_models": ["local.gguf"], "ollama_fit_format": "json"})
    status, output = run(tmp_path, "--limit", "served", "-e", wanted)
    assert status == 0, output
    assert '"name": "local.gguf"' in output
    assert "MODEL " not in output


def test_what_is_no_list_is_refused(tmp_path):
    """With what would be right."""
    status, output = run(tmp_path, "--limit", "served", "-e", "ollama_fit_models=tiny")
    assert status != 0
    assert "ollama_fit_models a list of names" in " ".join(output.split())
