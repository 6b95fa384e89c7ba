#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.models_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: models_info
short_description: Reads which models a host has, and what they are like
version_added: 0.1.0
description:
  - Reads the manifests in Ollama's stores, and of each file of a model the header alone, a few megabytes at most.
    Models in GGUF files elsewhere, on the controller too, are read the same way.
  - Every model has the same keys, whatever its family calls them. What is not known is V(null).
  - What cannot be read is named in RV(problems), with the path, what was found and what was expected. It never fails
    because of what a host has.
  - Models of the cloud have no files, and are left out. Models in another format than GGUF have the values of their
    configuration.
  - It changes nothing.
options:
  stores:
    description:
      - The folders with C(blobs) and C(manifests), which C(OLLAMA_MODELS) names.
      - Without it the places are read where Ollama's installer, packages of distributions, root and the task's user
        have theirs, as far as they are there. An empty list stands for no store.
    type: list
    elements: path
  files:
    description:
      - Paths of GGUF files. One file of a split model is enough. A file of a projector belongs to the model before it.
    type: list
    elements: path
    default: []
  names:
    description: The models in stores to read, as C(ollama list) shows them. All without it.
    type: list
    elements: str
    default: []
  url:
    description:
      - Where the server's API answers. It is asked for each model of which no file could be read, and for those that
        are in none of the stores.
      - Without it no server is asked.
    type: str
  timeout:
    description: After how many seconds an answer of the API is no longer waited for. Above 0 and up to 3600.
    type: float
    default: 10
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
notes:
  - It reads with the rights of the task. Stores belong to the service's user; root and that user can read them.
  - A link in a store that leaves the store is not followed.
seealso:
  - module: inference.ollama.topology_facts
"""

EXAMPLES = r"""
- name: Read the models of the host
  inference.ollama.models_info:
  become: true
  register: read

- name: Show what each model is
  ansible.builtin.debug:
    msg: "{{ read.models | map(attribute='name') | zip(read.models | map(attribute='parameter_size')) | list }}"

- name: Read one model of a store, or ask the server for it
  inference.ollama.models_info:
    stores: [/srv/models]
    names: [llama3.1:8b]
    url: http://127.0.0.1:11434

- name: Read a file on the controller
  inference.ollama.models_info:
    stores: []
    files: [/srv/gguf/Qwen3-235B-A22B-Q4_K_M-00001-of-00003.gguf]
  delegate_to: localhost
"""

RETURN = r"""
models:
  description: The models, those of stores first, by name in each.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name as C(ollama list) shows it, or that of the file.
      type: str
      sample: llama3.1:8b
    source:
      description: V(store) and V(file) for what was read of files, V(api) for what the server said.
      type: str
      sample: store
    store:
      description: The store that the model is in.
      type: str
      sample: /usr/share/ollama/.ollama/models
    digest:
      description: The digest of its manifest, as the API shows it.
      type: str
      sample: 46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e
    size_bytes:
      description: The bytes of all layers of its manifest, as C(ollama list) shows them, or of the files.
      type: int
      sample: 4920753328
    files:
      description: The files that the model is loaded from.
      type: list
      elements: dict
      contains:
        role:
          description: V(model), V(projector), V(adapter) or V(draft).
          type: str
          sample: model
        path:
          description: Where it is.
          type: str
          sample: /srv/models/blobs/sha256-667b0c1932bc6ffc593ed1d03f895bf2dc8dc6df21db3042284a6f4416b06a29
        size_bytes:
          description: Its bytes, of a model in a store as the manifest says them.
          type: int
          sample: 4920738944
    family:
      description: The architecture, C(general.architecture) in the file.
      type: str
      sample: llama
    parameter_size:
      description: The number of parameters as the API shows it.
      type: str
      sample: 8.0B
    parameter_count:
      description: The number of elements in all tensors.
      type: int
      sample: 8030261312
    quantization:
      description: The type of most tensors.
      type: str
      sample: Q4_K_M
    context_length:
      description: The tokens of context that the model was trained for.
      type: int
      sample: 131072
    embedding_length:
      description: How many numbers stand for a token between layers.
      type: int
      sample: 4096
    vocabulary_size:
      description: The number of tokens.
      type: int
      sample: 128256
    layers:
      description: The number of repeating layers.
      type: int
      sample: 32
    heads:
      description: The heads of attention in each layer.
      type: list
      elements: int
      sample: [32, 32]
    kv_heads:
      description: The heads of keys and values in each layer.
      type: list
      elements: int
      sample: [8, 8]
    feed_forward_length:
      description: The inner width of the feed-forward part in each layer.
      type: list
      elements: int
      sample: [14336, 14336]
    key_length:
      description:
        - The numbers in a key of one head.
        - Where the file has none, the embedding length divided by the heads of the first layer.
      type: int
      sample: 128
    value_length:
      description: The same of a value.
      type: int
      sample: 128
    key_length_sliding:
      description: The numbers in a key in layers with a sliding window, where those are others.
      type: int
      sample: 256
    value_length_sliding:
      description: The same of a value.
      type: int
      sample: 256
    sliding_window:
      description: The tokens of the sliding window.
      type: int
      sample: 4096
    sliding_window_pattern:
      description: Which layers have the window, as the file says, a number or a truth value for each layer.
      type: raw
      sample: [true, false]
    shared_kv_layers:
      description: How many layers use the keys and values of others.
      type: int
      sample: 20
    compressed_kv:
      description: The ranks of compressed keys and values (MLA). V(null) for models that compress none.
      type: dict
      contains:
        kv_lora_rank:
          description: The rank of keys and values.
          type: int
          sample: 512
        q_lora_rank:
          description: The rank of queries.
          type: int
          sample: 1536
        rope_dimension:
          description: The numbers that carry the position.
          type: int
          sample: 64
        key_length:
          description: The numbers in a key of one head once it is expanded.
          type: int
          sample: 192
        value_length:
          description: The same of a value.
          type: int
          sample: 128
    recurrent:
      description: The sizes of the state of recurrent layers. V(null) for models without C(ssm.) keys.
      type: dict
      contains:
        conv_kernel:
          description: The width of the convolution.
          type: int
          sample: 4
        inner_size:
          description: The inner width.
          type: int
          sample: 4096
        state_size:
          description: The numbers of state for each of them.
          type: int
          sample: 128
        time_step_rank:
          description: The rank of the time step, or the number of heads.
          type: int
          sample: 32
        group_count:
          description: The number of groups.
          type: int
          sample: 16
    experts:
      description: The experts. V(null) for models that have none.
      type: dict
      contains:
        count:
          description: How many there are.
          type: int
          sample: 128
        used:
          description: How many a token uses.
          type: int
          sample: 8
        shared:
          description: How many all tokens use.
          type: int
          sample: 1
        feed_forward_length:
          description: The inner width of one.
          type: int
          sample: 768
        shared_feed_forward_length:
          description: The inner width of the shared ones.
          type: int
          sample: 768
        leading_dense_layers:
          description: How many layers, the first ones, have no experts.
          type: int
          sample: 3
    tensor_bytes:
      description: The bytes of the tensors, without the projector's. V(null) where the table of tensors is not known.
      type: dict
      contains:
        input:
          description: Tables that are looked up by token or place, which stay with the CPU.
          type: int
          sample: 295501824
        output:
          description: The head, and the norm before it.
          type: int
          sample: 430940160
        other:
          description: All other tensors outside layers.
          type: int
          sample: 256
        layers:
          description: The bytes of each layer by what they are for.
          type: list
          elements: dict
          contains:
            attention:
              description: Attention.
              type: int
              sample: 26738688
            feed_forward:
              description: Feed-forward parts that all tokens use, and the choice of experts.
              type: int
              sample: 107347968
            experts:
              description: Experts.
              type: int
              sample: 0
            recurrent:
              description: Recurrent parts.
              type: int
              sample: 0
            norm:
              description: Norms.
              type: int
              sample: 32768
            other:
              description: Everything else.
              type: int
              sample: 0
    tied_embeddings:
      description: Whether the table of the tokens is the head, too.
      type: bool
      sample: false
    projector:
      description: What images or sound are read with, a file of its own or tensors in the model's file.
      type: dict
      contains:
        size_bytes:
          description: The bytes of its tensors.
          type: int
          sample: 849776640
        family:
          description: The architecture that its file names.
          type: str
          sample: clip
        type:
          description: The kind of the projector.
          type: str
          sample: gemma3
        image_size:
          description: The width of an image in pixels.
          type: int
          sample: 896
        patch_size:
          description: The width of a patch in pixels.
          type: int
          sample: 14
        embedding_length:
          description: How many numbers stand for a patch between layers.
          type: int
          sample: 1152
        layers:
          description: The number of its layers.
          type: int
          sample: 27
    embedding_only:
      description: Whether the model only turns text into vectors.
      type: bool
      sample: false
    metadata:
      description: Every number, truth value, short text and list of numbers of the family, by its key in the file.
      type: dict
      sample:
        rope.freq_base: 500000.0
        rope.dimension_count: 128
    parameters:
      description: Parameters of the Modelfile that decide what the model takes. V(null) for those that it does not set.
      type: dict
      contains:
        num_ctx:
          description: The tokens of context.
          type: int
          sample: 8192
        num_thread:
          description: The number of threads.
          type: int
          sample: 16
        num_gpu:
          description: The number of layers on GPUs.
          type: int
          sample: 33
        use_mmap:
          description: Whether the file is mapped.
          type: bool
          sample: true
        num_batch:
          description: The tokens of a batch.
          type: int
          sample: 512
    modelfile:
      description:
        - What the model's manifest says beside its files. V(null) where that is not known, as for models in files.
      type: dict
      contains:
        template:
          description: The SHA-256 of the prompt template.
          type: str
          sample: 966de95ca8a62200913e3f8bfbf84c8494536f1b94b49166851e76644e966396
        system:
          description: The SHA-256 of the system message. V(null) where it has none.
          type: str
          sample: null
        parameters:
          description: All parameters of the Modelfile. V(null) where they could not be read.
          type: dict
          sample: {num_ctx: 8192, stop: ["<|eot_id|>"]}
        from:
          description: The name of the model that its weights were taken from. V(null) for one that was pulled.
          type: str
          sample: null
    requires:
      description: The release of Ollama that the model needs.
      type: str
      sample: 0.14.0
    runner:
      description:
        - The program that Ollama 0.40 and later load it with, by its manifest, such as V(llamacpp) for a model that was
          published for it or converted. V(null) in the stores of earlier releases.
      type: str
      sample: null
stores:
  description: The stores that were read.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where it is.
      type: str
      sample: /usr/share/ollama/.ollama/models
    size_bytes:
      description: The bytes of all its blobs.
      type: int
      sample: 4920755040
    free_bytes:
      description: The bytes that its file system has left for users other than root.
      type: int
      sample: 214748364800
    models:
      description: How many of its models were read.
      type: int
      sample: 1
    readable:
      description: Whether it can be read; V(null) where there is no such folder.
      type: bool
      sample: true
problems:
  description: What could not be read. Each says where, what was found and what was expected.
  returned: success
  type: list
  elements: str
  sample:
    - "/srv/gguf/cut.gguf: the tensor 'output.weight' ends at byte 4920738944, and the file at byte 2147483648"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather

_LONGEST = 3600


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "stores": {"type": "list", "elements": "path"},
        "files": {"type": "list", "elements": "path", "default": []},
        "names": {"type": "list", "elements": "str", "default": []},
        "url": {"type": "str"},
        "timeout": {"type": "float", "default": 10},
    }


def read(params: dict[str, Any]) -> dict[str, Any]:
    if not 0 < params["timeout"] <= _LONGEST:
        raise OllamaError(f"timeout: {params['timeout']:g} is not a number of seconds above 0 and up to {_LONGEST}")
    if params["url"] is not None:
        from ansible_collections.inference.ollama.plugins.module_utils._service.api import (  # noqa: PLC0415 compiled only where needed
            check_url,
        )

        check_url(params["url"])
    return gather(params["stores"], params["files"], params["names"], params["url"], params["timeout"])


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = read(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
