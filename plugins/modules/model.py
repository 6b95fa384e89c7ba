#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.model."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model
short_description: Brings a model into a server's memory, or takes it out
version_added: 0.1.0
description:
  - Sends a server a request that a model answers with a few tokens, so that it is in memory and has computed. A model
    that only embeds embeds a few words.
  - A model that is in memory already is left as it is.
options:
  name:
    description: The model, one that the server has, such as V(llama3.2:3b). Without a tag it is V(latest).
    type: str
    required: true
  state:
    description:
      - V(loaded) brings it into memory. With O(keep_alive=-1) one that is there for a time stays for ever from then on.
      - V(unloaded) takes it out, unless it is in O(before), and brings back what is in O(before) and no longer in
        memory, each with its context and for as long as it would have stayed. Other options that a client had loaded
        it with, such as C(num_thread), are not known to anybody but that client, and are not brought back.
    type: str
    choices: [loaded, unloaded]
    default: loaded
  keep_alive:
    description: How long it stays, in Ollama's words, such as V(10m), or V(-1) for ever.
    type: str
    default: 10m
  context_length:
    description: With O(state=loaded), the tokens of context that it is loaded with. Without it the server decides.
    type: int
  before:
    description: What was in memory before, RV(before) of an earlier call.
    type: list
    elements: dict
    default: []
  url:
    description: Where the server's API answers, without a user or a password.
    type: str
    default: http://127.0.0.1:11434
  timeout:
    description: After how many seconds a request is no longer waited for. Above 0 and up to 86400.
    type: float
    default: 300
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - module: inference.ollama.service_info
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
"""

RETURN = r"""
before:
  description:
    - What was in memory, as RV(inference.ollama.service_info#module:service.instances[].api.models). It is there too
      where the model did not answer.
  returned: success
  type: list
  elements: dict
  sample: []
loaded:
  description:
    - The models that were brought into memory. With O(state=unloaded) they are back with their context and the rest of
      their time, and with no other option of the client that had loaded them.
  returned: success
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
seconds:
  description: How long that took.
  returned: success
  type: float
  sample: 4.2
"""

import time
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher
from ansible_collections.inference.ollama.plugins.module_utils._service.load import Memory, is_for_ever, same_name

_LONGEST = 86400


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["loaded", "unloaded"], "default": "loaded"},
        "keep_alive": {"type": "str", "default": "10m"},
        "context_length": {"type": "int"},
        "before": {"type": "list", "elements": "dict", "default": []},
        "url": {"type": "str", "default": "http://127.0.0.1:11434"},
        "timeout": {"type": "float", "default": 300},
    }


def run(module: AnsibleModule) -> dict[str, Any]:
    params = module.params
    check_url(params["url"])
    if not 0 < params["timeout"] <= _LONGEST:
        raise OllamaError(f"timeout: {params['timeout']:g} is not a number of seconds above 0 and up to {_LONGEST}")
    name, began = same_name(params["name"]), time.monotonic()
    memory = Memory(params["url"].rstrip("/"), fetcher(params["timeout"]), datetime.now(timezone.utc))
    before = memory.models()
    here = {model["name"]: model for model in before}
    loaded: list[str] = []
    times: dict[str, float | None] = {}
    if params["state"] == "loaded":
        changed = name not in here or (is_for_ever(params["keep_alive"]) and not memory.stays_for_ever(here[name]))
        if changed and not module.check_mode:
            try:
                times[name] = memory.load(params["name"], params["keep_alive"], params["context_length"])
            except OllamaError as error:
                # What had to go for it has to come back all the same.
                module.fail_json(msg=str(error), before=before)
            loaded = [name]
    else:
        unload = name in here and all(model.get("name") != name for model in params["before"])
        changed = unload or bool(memory.evicted(params["before"]))
        if changed and not module.check_mode:
            if unload:
                memory.unload(params["name"])
            loaded = memory.bring_back(params["before"])
    return {
        "changed": changed,
        "before": before,
        "loaded": loaded,
        "seconds": round(time.monotonic() - began, 1),
        "time_to_first_token_ms": {model: spent for model, spent in times.items() if spent is not None},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
