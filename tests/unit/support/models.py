# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module models_info returns of a store, made by hand: the keys that deciders of plans need."""

from __future__ import annotations

from ansible_collections.inference.ollama.tests.unit.support.cases import LLAMA_8B

STORE = "/usr/share/ollama/.ollama/models"
PATH = "/srv/models/tiny.gguf"
LLAMA = {
    **LLAMA_8B,
    "source": "store",
    "store": STORE,
    "kv_heads": [8] * 32,
    "files": [{"role": "model", "path": f"{STORE}/blobs/sha256-aa", "size_bytes": 4_920_734_016}],
    "recurrent": None,
    "embedding_only": False,
}
GEMMA = {
    **LLAMA,
    "name": "gemma3:4b",
    "size_bytes": 3_338_801_804,
    "family": "gemma3",
    "layers": 34,
    "kv_heads": [4] * 34,
    "key_length": 256,
    "value_length": 256,
}
FILE = {**GEMMA, "name": "tiny.gguf", "source": "file", "store": None, "files": [{"role": "model", "path": PATH}]}


def read(*models, problems=(), **store):
    """The answer with these records, for one store."""
    entry = {"path": STORE, "size_bytes": 0, "free_bytes": 1 << 40, "models": len(models), "readable": True}
    stores = store.pop("stores", [{**entry, **store}])
    return {"models": list(models), "stores": stores, "problems": list(problems)}
