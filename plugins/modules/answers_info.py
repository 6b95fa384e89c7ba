#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.answers_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: answers_info
short_description: Asks a server the same prompts in the same way
version_added: 0.1.0
description:
  - Sends prompts to a server of Ollama, one at a time, each with a temperature of 0, one seed and a bounded length, and
    returns the answers. Asked before and after a change, they show whether a model still says the same.
  - The server loads the model where it is not in memory. Nothing else changes, and in check mode it asks as well.
  - Even the same release can answer the same prompt otherwise, such as where other requests are computed together with
    it. So ask twice, to know whether answers are stable at all, before one that differs is held against a change.
options:
  url:
    description: The address of the server.
    type: str
    default: http://127.0.0.1:11434
  model:
    description: The model that answers.
    type: str
    required: true
  prompts:
    description: What it is asked, at most 32 texts. Without any it is asked six of this module's own, of unlike kinds.
    type: list
    elements: str
    default: []
  num_predict:
    description: The most tokens of an answer.
    type: int
    default: 64
  seed:
    description: The seed of each request.
    type: int
    default: 42
  timeout:
    description: Seconds that one answer may take, the load of the model among them.
    type: float
    default: 300
  max_duration:
    description: Seconds that all answers may take together. What is not asked by then has an error that says so.
    type: float
    default: 900
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - plugin: inference.ollama.answers_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask before the change
  inference.ollama.answers_info:
    model: llama3.2:3b
  register: before

- name: Ask what counts for us
  inference.ollama.answers_info:
    model: llama3.2:3b
    prompts:
      - Which form do I need to report a broken lift?
    num_predict: 128
  register: ours
"""

RETURN = r"""
answers:
  description: What was asked and answered.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    url:
      description: The address of the server.
      type: str
      sample: http://127.0.0.1:11434
    release:
      description: The release that answered; V(null) where it was not said.
      type: str
      sample: 0.33.0
    model:
      description: The model, as it was asked for.
      type: str
      sample: llama3.2:3b
    digest:
      description: The digest of the model, in hexadecimal digits; V(null) where it is not known.
      type: str
      sample: a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72
    options:
      description: The options of each request.
      type: dict
      sample: {temperature: 0, seed: 42, num_predict: 64}
    answers:
      description: An entry for each prompt.
      type: list
      elements: dict
      contains:
        prompt:
          description: What was asked.
          type: str
          sample: "A train leaves at 14:35 and arrives at 17:10. How long does it take? Show each step."
        text:
          description: The answer, of which the first 65536 characters are kept; V(null) where there was none.
          type: str
          sample: It takes 2 hours and 35 minutes.
        thinking:
          description: What the model has thought before, where the server tells that apart; else V(null).
          type: str
          sample: null
        sha256:
          description: The SHA-256 of all that it thought and answered; V(null) where there was no answer.
          type: str
          sample: 8a3b4f0f6a8f0d7f2a8f0b2c4d6e8f00112233445566778899aabbccddeeff00
        prompt_tokens:
          description: The tokens of the prompt that the server has computed; V(null) where it does not say.
          type: int
          sample: 38
        output_tokens:
          description: The tokens of the answer; V(null) where the server does not say.
          type: int
          sample: 31
        done_reason:
          description: Why the answer ended, such as V(stop) or V(length); V(null) where the server does not say.
          type: str
          sample: stop
        error:
          description: Why there is no answer; V(null) where there is one.
          type: str
          sample: null
    problems:
      description: What else could not be read.
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._answers.ask import ask
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError


def argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "url": {"type": "str", "default": "http://127.0.0.1:11434"},
        "model": {"type": "str", "required": True},
        "prompts": {"type": "list", "elements": "str", "default": []},
        "num_predict": {"type": "int", "default": 64},
        "seed": {"type": "int", "default": 42},
        "timeout": {"type": "float", "default": 300},
        "max_duration": {"type": "float", "default": 900},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        answers = ask(module.params)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, answers=answers)


if __name__ == "__main__":
    main()
