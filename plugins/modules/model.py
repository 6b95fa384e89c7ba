#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.model."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model
short_description: Has a server pull, create, load, unload or remove a model
version_added: 0.1.0
description:
  - Brings one model of a server into a state, by the server's API and with Python's standard library alone.
  - V(present) and V(created) are idempotent, by the digest, and by weights, parameters and texts. In check mode they
    say what would change, without a change.
  - V(loaded) sends a request that the model answers with a few tokens, so that it is in memory and has computed. A
    model that only embeds embeds a few words. A model that is in memory already is left as it is.
options:
  name:
    description: The model, such as V(llama3.2:3b). Without a tag it is V(latest).
    type: str
    required: true
  state:
    description:
      - V(present) pulls it where the server has it not, or has another digest than O(digest).
      - V(absent) removes it, and the layers that no other model has. One that is in memory is taken out before.
      - V(created) makes it of O(base), O(file) or O(file_url), where it is not there with the same weights, parameters
        and texts.
      - V(loaded) brings it into memory. With O(keep_alive=-1) one that is there for a time stays for ever from then on.
      - V(unloaded) takes it out, unless it is in O(before), and brings back what is in O(before) and no longer in
        memory, each with its context and for as long as it would have stayed. Other options that a client had loaded
        it with, such as C(num_thread), are not known to anybody but that client, and are not brought back.
    type: str
    choices: [present, absent, created, loaded, unloaded]
    default: loaded
  keep_alive:
    description: With O(state=loaded), how long it stays, in Ollama's words, such as V(10m), or V(-1) for ever.
    type: str
    default: 10m
  context_length:
    description: With O(state=loaded), the tokens of context that it is loaded with. Without it the server decides.
    type: int
  before:
    description: With O(state=unloaded), what was in memory before, RV(before) of an earlier call.
    type: list
    elements: dict
    default: []
  digest:
    description:
      - With O(state=present), the digest that the model must have, as C(ollama list) and C(/api/tags) say it, in 12 to
        64 hexadecimal digits, with or without V(sha256:).
      - A model of another digest is pulled again. Where the registry has another one too, it fails with both digests,
        and the model that was there stays.
    type: str
  source:
    description:
      - With O(state=present), a name that it is pulled by instead, such as V(mirror.example.org/library/llama3.2:3b).
        It then gets O(name), and the source's name is removed unless it was there before.
    type: str
  insecure:
    description: With O(state=present), whether the registry may answer without TLS.
    type: bool
    default: false
  update:
    description:
      - With O(state=present), whether a model that is there is pulled again, so that it is what the registry has now.
      - Whether there is a newer one is known before where this host reaches the registry. Where it does not, check mode
        says so in RV(problems).
    type: bool
    default: false
  base:
    description: With O(state=created), the model that it is made of. The server must have it.
    type: str
  file:
    description: With O(state=created), the path of a GGUF file on the host that it is made of.
    type: path
  file_url:
    description:
      - With O(state=created), the address of a GGUF file that it is made of, C(http://) or C(https://), with a user and
        a password where it needs them. It is downloaded to O(folder), and deleted there once the model is created.
      - It is hidden as a whole in results and logs.
    type: str
  file_sha256:
    description:
      - The SHA-256 of O(file) or O(file_url), in 64 hexadecimal digits. O(file_url) needs it. O(file) is read on every
        run where it is missing.
    type: str
  folder:
    description: Where O(file_url) is downloaded to. A download that broke off stays there, and the next run goes on.
    type: path
    default: /var/lib/inference.ollama/downloads
  parameters:
    description:
      - With O(state=created), parameters of the model, such as C(num_ctx), C(num_thread) or C(stop), of which the last
        may be a list. They replace those of the base of the same names, the others of the base stay.
      - A value of a wrong type is refused, since the server only fails when the model is loaded.
    type: dict
    default: {}
  template:
    description: With O(state=created), the template of prompts. Without it that of O(base), or of the file.
    type: str
  system:
    description: With O(state=created), the system prompt. Without it that of O(base).
    type: str
  room:
    description:
      - Whether a pull or a file is refused that the file system of the store has no room for. How much is to come is
        known from the registry where this host reaches it, else from what the server says when it begins with a layer.
    type: bool
    default: true
  store:
    description:
      - The folder of the server's models, whose file system is looked at for O(room). Without it, it is what the server
        says of a model that it has, where it is on this host.
    type: path
  url:
    description: Where the server's API answers, without a user or a password.
    type: str
    default: http://127.0.0.1:11434
  timeout:
    description:
      - After how many seconds the server is no longer waited for. Above 0 and up to 86400. With O(state=loaded) and
        O(state=unloaded) it bounds each request, otherwise how long there is no news.
    type: float
    default: 300
  retries:
    description:
      - How often a pull or a download is tried again that breaks off without having brought anything. From 0 to 100. It
        goes on where the last attempt ended. What no attempt can change, such as a name that the registry has not, is
        tried once.
    type: int
    default: 5
  max_duration:
    description:
      - After how many seconds O(state=present) and O(state=created) end, whatever comes. Above 0 and up to 604800. What
        has arrived is kept for the next run.
    type: float
    default: 86400
  progress_file:
    description: A file with one line on how far it is, replaced every few seconds.
    type: path
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
    details: A state that takes long runs as an asynchronous job of its own.
  bypass_host_loop:
    support: none
  diff_mode:
    support: full
    details: With O(state=present), O(state=absent) and O(state=created).
notes:
  - O(state=present) and O(state=created) run as an asynchronous job where something is to be done, print at least every
    ten seconds how far they are, and need no connection in between; C(async) and C(poll) on the task are refused. A run
    that is interrupted ends the job, and the next one goes on.
  - From 0.30 on the server rewrites a GGUF file, with C(llama-quantize) of its release. The store needs room for
    both, and the server deletes what was handed over when it starts the next time.
seealso:
  - module: inference.ollama.service_info
  - module: inference.ollama.models_info
"""

EXAMPLES = r"""
- name: Load a model
  inference.ollama.model:
    name: llama3.2:3b
  register: loaded

- name: Leave the memory as it was
  inference.ollama.model:
    name: llama3.2:3b
    state: unloaded
    before: "{{ loaded.before }}"

- name: Have a model of one digest, by a mirror
  inference.ollama.model:
    name: llama3.2:3b
    state: present
    digest: a80c4f17acd5
    source: mirror.example.org/library/llama3.2:3b

- name: Have one that computes with six threads before 0.30
  inference.ollama.model:
    name: llama3.2:3b-ollama
    state: created
    base: llama3.2:3b
    parameters:
      num_thread: 6

- name: Create one of a file that was copied to the host
  inference.ollama.model:
    name: house:7b
    state: created
    file: /srv/files/house-7b.gguf
    system: Answer in one sentence.

- name: Remove a model
  inference.ollama.model:
    name: llama2:7b
    state: absent
"""

RETURN = r"""
before:
  description:
    - What was in memory, as RV(inference.ollama.service_info#module:service.instances[].api.models). It is there too
      where the model did not answer.
  returned: with O(state=loaded) and O(state=unloaded)
  type: list
  elements: dict
  sample: []
loaded:
  description:
    - The models that were brought into memory. With O(state=unloaded) they are back with their context and the rest of
      their time, and with no other option of the client that had loaded them.
  returned: with O(state=loaded) and O(state=unloaded)
  type: list
  elements: str
  sample: ["llama3.2:3b"]
time_to_first_token_ms:
  description:
    - Of a model that was loaded, the milliseconds from the request to its first token as the server counts them, the
      load and the prompt. Not there where the server says nothing of it.
  returned: with O(state=loaded)
  type: dict
  sample: {"llama3.2:3b": 3120.4}
digest:
  description:
    - The digest of the model before and after, in hexadecimal digits; null where there is none, and in check mode where
      it is not known.
  returned: with O(state=present), O(state=absent) and O(state=created)
  type: dict
  sample:
    before: null
    after: a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72
downloaded_bytes:
  description: How much arrived, from the first line on each layer on; what was there before does not count.
  returned: with O(state=present), O(state=absent) and O(state=created)
  type: int
  sample: 2019393189
problems:
  description: What could not be read, or will not be as it should, in sentences.
  returned: with O(state=present), O(state=absent) and O(state=created)
  type: list
  elements: str
  sample: []
seconds:
  description: How long that took.
  returned: success
  type: float
  sample: 4.2
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.asked import SPEC, check
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url
from ansible_collections.inference.ollama.plugins.module_utils._service.load import LoadError, load_or_unload


def argument_spec() -> dict[str, dict[str, Any]]:
    return SPEC


def in_memory(module: AnsibleModule) -> dict[str, Any]:
    """Load or unload."""
    try:
        return load_or_unload(module.params, acts=not module.check_mode)
    except LoadError as error:
        # What had to go for it has to come back all the same.
        module.fail_json(msg=str(error), before=error.before)


def in_store(module: AnsibleModule) -> dict[str, Any]:
    """Have the server pull, create or remove it."""
    # What loading needs not is not compiled for it.
    from ansible_collections.inference.ollama.plugins.module_utils._models.model_state import have  # noqa: PLC0415 - see above

    return have(module.params, acts=not module.check_mode)


def run(module: AnsibleModule) -> dict[str, Any]:
    check_url(module.params["url"])
    check(module.params)
    began = time.monotonic()
    result = in_memory(module) if module.params["state"] in ("loaded", "unloaded") else in_store(module)
    return {**result, "seconds": round(time.monotonic() - began, 1)}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
