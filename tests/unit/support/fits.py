# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as models_info returns them, and hosts that they are to fit."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._models.advice import MOST_SLOTS
from ansible_collections.inference.ollama.plugins.plugin_utils._models.quantization import in_quantization
from ansible_collections.inference.ollama.tests.unit.support.plans import card, plan, topology, workstation

GIB = 1 << 30
SETTINGS = {"OLLAMA_CONTEXT_LENGTH": "8192", "OLLAMA_NUM_PARALLEL": "2"}


def dense(name, quantization="Q4_K_M", **shape):
    """A dense llama of a shape (that of Llama 3.1 8B where nothing else is given), with K-quantised weights."""
    found = {"layers": 32, "width": 4096, "forward": 14336, "heads": 32, "kv_heads": 8, "length": 128, **shape}
    width, layers, vocabulary = found["width"], found["layers"], found.get("vocabulary", 128256)
    attention = 2 * width * found["length"] * (found["heads"] + found["kv_heads"])
    forward = 3 * width * found["forward"]
    one = vocabulary * width
    parameters = (attention + forward + 2 * width) * layers + 2 * one + width
    layer = {"attention": 2 * attention, "feed_forward": 2 * forward, "experts": 0, "recurrent": 0, "norm": 8 * width}
    whole = {
        "name": name,
        "source": "store",
        "store": "/usr/share/ollama/.ollama/models",
        "digest": "0" * 64,
        "size_bytes": 2 * parameters,
        "files": [{"role": "model", "path": f"/blobs/{name}", "size_bytes": 2 * parameters}],
        "family": found.get("family", "llama"),
        "parameter_size": f"{parameters / 1e9:.1f}B",
        "parameter_count": parameters,
        "quantization": "F16",
        "context_length": found.get("context", 131072),
        "embedding_length": width,
        "vocabulary_size": vocabulary,
        "layers": layers,
        "heads": [found["heads"]] * layers,
        "kv_heads": [found["kv_heads"]] * layers,
        "feed_forward_length": [found["forward"]] * layers,
        "key_length": found["length"],
        "value_length": found["length"],
        "key_length_sliding": None,
        "value_length_sliding": None,
        "sliding_window": None,
        "sliding_window_pattern": None,
        "shared_kv_layers": None,
        "compressed_kv": None,
        "recurrent": None,
        "experts": None,
        "tensor_bytes": {
            "input": 2 * one,
            "output": 2 * one + 4 * width,
            "other": 256,
            "layers": [{**layer, "other": 0} for _number in range(layers)],
        },
        "tied_embeddings": False,
        "projector": None,
        "embedding_only": False,
        "metadata": {},
        "parameters": {"num_ctx": None, "num_thread": None, "num_gpu": None, "use_mmap": None, "num_batch": None},
        "requires": None,
    }
    return whole if quantization == "F16" else in_quantization(whole, quantization)


def hermes():
    """The model of eight billion parameters that owners of two small cards run."""
    return dense("hermes3:8b-llama3.1-q5_K_M", "Q5_K_M")


def small():
    """One of three billion parameters, whose layers have the head's and the embedding's size many times."""
    return dense("llama3.2:3b", layers=28, width=3072, forward=8192, heads=24)


def large():
    """One of seventy billion parameters."""
    return dense("llama3.3:70b", layers=80, width=8192, forward=28672, heads=64)


def two_cards():
    """A workstation with a Quadro P4000 of 8 GiB and a GeForce GTX 1060 of 6 GiB that drives the screen."""
    return workstation(
        card(0, name="Quadro P4000", memory_bytes=8 * GIB, free_bytes=8 * GIB - (93 << 20), compute_capability="6.1"),
        card(
            1,
            name="NVIDIA GeForce GTX 1060 6GB",
            memory_bytes=6 * GIB,
            free_bytes=6 * GIB - (545 << 20),
            compute_capability="6.1",
            display_active=True,
        ),
        memory_gib=32,
        model="Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz",
    )


def accelerator():
    """A server with an NVIDIA H100 of 80 GB."""
    total = 85520809984
    gpu = card(0, name="NVIDIA H100 80GB HBM3", memory_bytes=total, free_bytes=total - GIB // 2)
    return workstation({**gpu, "compute_capability": "9.0"}, cores=16, threads=1, memory_gib=128)


def two_sockets():
    """A server of two processors and 256 GiB without a card."""
    return topology({"gpus": []}, sockets=2, cores=14, threads=2, nodes=2, memory_gib=128)


HOSTS = {"workstation": two_cards, "accelerator": accelerator, "two-sockets": two_sockets}
MODELS = (hermes, small, large)


def planned(facts):
    """The plan of a host as the role makes it."""
    return plan(facts)


class Host:
    """A placement of the plainest kind: one card, the host, and so many bytes for each token.

    ``slots`` is the most that the server allows.
    """

    def __init__(self, card=0, host=0, token=GIB // 8192, slots=MOST_SLOTS):
        self.card, self.host, self.token, self.slots = card, host, token, slots
        self.asked = 0

    def __call__(self, models, _topology, settings, release):
        self.asked += 1
        (model,) = models
        context = model["parameters"]["num_ctx"] or int(settings["OLLAMA_CONTEXT_LENGTH"])
        context = min(context, model["context_length"] or context)
        parallel = min(int(settings["OLLAMA_NUM_PARALLEL"]), self.slots)
        need = model["size_bytes"] + context * parallel * self.token
        on_card = min(need, self.card)
        fits = "gpu" if need <= self.card else "partly" if self.card else "cpu"
        fits = fits if need <= self.card + self.host else "no"
        rows = [("GPU-1", "Card", self.card, on_card), ("cpu", "A CPU", self.host, need - on_card)]
        devices = [
            {"device": name, "name": label, "library": "x", "memory_bytes": size, "free_bytes": size, "left_bytes": 0}
            for name, label, size, _used in rows
            if size
        ]
        used = [
            {"device": name, "layers": 33 if used else 0, "weights_bytes": used, "total_bytes": used}
            for name, _label, size, used in rows
            if size and fits != "no"
        ]
        row = {
            "name": model["name"],
            "context": context,
            "parallel": parallel,
            "layers": 33,
            "layers_on_gpu": 33 * (fits == "gpu"),
            "fits": fits,
            "devices": used,
            "reason": "it is so",
        }
        return {"schema": 1, "release": release, "devices": devices, "models": [row], "warnings": []}


def fit_of(*advised, **parts):
    """What model_fit returns for models that were advised on."""
    servers = [{"name": "ollama", "models": list(advised)}]
    return {
        "schema": 1,
        "release": "0.34.1",
        "settings": "plan",
        "servers": servers,
        "missing": [],
        "problems": [],
        **parts,
    }
