#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.benchmark."""

from __future__ import annotations

DOCUMENTATION = r"""
module: benchmark
short_description: Measures how fast running servers answer under load
version_added: 0.1.0
description:
  - Sends requests to one or several servers over their API, streams the answers, and measures time to first token,
    time between tokens, latency, and tokens per second of each stream and of all, at each of the given points.
  - A point is a number of requests at a time (closed loop, O(concurrency)) or of requests per second (open loop,
    O(request_rate)). Requests before it warm the server up and do not count.
  - It loads the model where it is not in memory, and changes nothing else. It runs on the host itself, or delegated to
    the controller.
  - Errors and refusals are counted. It fails only where the model does not answer at all.
  - It ends by O(max_duration), whatever the servers do.
options:
  urls:
    description:
      - Where the servers' APIs answer, without a user or a password. Requests go to them in turn.
    type: list
    elements: str
    default: [http://127.0.0.1:11434]
  model:
    description: The model, one that the servers have, such as V(llama3.2:3b).
    type: str
    required: true
  concurrency:
    description:
      - How many requests are in flight at a time, a point for each number. From 1 to 4096.
      - V([1]) where neither this nor O(request_rate) is given.
    type: list
    elements: int
  request_rate:
    description:
      - How many requests are sent per second, a point for each number, measured after those of O(concurrency).
        Above 0 and up to 10000.
      - Latencies count from when a request should have been sent.
    type: list
    elements: float
    default: []
  arrival:
    description: Whether requests at a rate come as a Poisson process or in equal steps.
    type: str
    choices: [poisson, constant]
    default: poisson
  prompt_tokens:
    description: How long prompts are, as the server counts. From 1 to 1048576.
    type: int
    default: 256
  output_tokens:
    description: How long answers are at most (C(num_predict)). From 1 to 131072.
    type: int
    default: 128
  output_tokens_stdev:
    description:
      - By how many tokens the lengths of answers vary (standard deviation), at most twice as much for one. From 0 to
        half of O(output_tokens). The same seed gives the same lengths in the same order.
      - Callers who all began at once and get answers of one length go on in step. Their tokens come in waves, and a
        short measurement depends on where in a wave it ends. Varied lengths, as real callers have, prevent that.
    type: int
    default: 0
  prompt_cache:
    description:
      - With V(defeat) no two prompts begin alike, so that the server computes each one.
      - With V(use) all prompts of the call are the same, so that the server finds it in its cache.
    type: str
    choices: [defeat, use]
    default: defeat
  warmup_requests:
    description:
      - How many requests are sent before each point and do not count. From 0 to 10000.
      - As many as the point's concurrency by default, and one before a point with a rate.
      - They take the point's O(duration) at most.
    type: int
  duration:
    description: How many seconds each point takes. From 1 to 86400. What is in flight then is cut and counts as
      incomplete.
    type: float
    default: 30
  requests:
    description: How many requests each point has at most. From 1 to 1000000.
    type: int
    default: 10000
  max_duration:
    description: After how many seconds the whole call ends, with what it has. From 1 to 86400.
    type: float
    default: 600
  request_timeout:
    description:
      - After how many seconds a request is an error. From 0.1 to 86400. The first one, which loads the model, may take
        all of O(max_duration).
    type: float
    default: 60
  give_up_below:
    description:
      - A point ends early where all streams together stay below so many tokens per second after a quarter of
        O(duration), and 5 s at least.
    type: float
  goodput:
    description:
      - Limits of a good request. C(time_to_first_token_ms), C(inter_token_latency_ms) and C(request_latency_ms) are the
        most, C(output_token_throughput_per_user) is the least.
      - Without one, goodput is V(null).
    type: dict
    default: {}
  seed:
    description:
      - The same number gives the same prompts in the same order and the same times of arrival. The first three words
        of a prompt are other ones in each call, so that a server's cache of an earlier call does not help.
    type: int
    default: 0
  units:
    description:
      - Units of systemd on this host whose processes are sampled during each point, with the CPUs and GPUs of the host.
        Without one nothing is sampled.
    type: list
    elements: str
    default: []
  keep_alive:
    description: How long the model stays in memory after a request, in Ollama's words, such as V(10m), or V(-1) for
      ever.
    type: str
    default: 10m
  progress_file:
    description: A file with one line on how far the measurement is, replaced every few seconds.
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
    details: It is an asynchronous job already.
  bypass_host_loop:
    support: none
requirements:
  - No other package. Where C(psutil) or C(nvidia-ml-py) is not installed, what they would read is V(null) and named.
notes:
  - In check mode it checks the options, asks nothing, and returns RV(would).
  - It runs as an asynchronous job of its own, prints at least every ten seconds how far it is, and needs no connection
    in between; C(async) and C(poll) on the task are refused. A run that is interrupted ends the job. One that is
    killed leaves it, and it ends by O(max_duration).
seealso:
  - module: inference.ollama.model
  - module: inference.ollama.service_info
"""

EXAMPLES = r"""
- name: Measure one request at a time, and eight
  inference.ollama.benchmark:
    model: llama3.2:3b
    concurrency: [1, 8]
  register: measured

- name: Show tokens per second
  ansible.builtin.debug:
    msg: "{{ item.concurrency }}: {{ item.metrics.output_token_throughput.mean | round(1) }} tokens/s"
  loop: "{{ measured.benchmark.points }}"
  loop_control:
    label: "{{ item.profile }}"

- name: Find out from the controller what two requests per second take, and how many are good
  inference.ollama.benchmark:
    urls: ["http://{{ inventory_hostname }}:11434"]
    model: llama3.1:8b
    request_rate: [2]
    duration: 120
    goodput:
      time_to_first_token_ms: 2000
      output_token_throughput_per_user: 20
  delegate_to: localhost
"""

RETURN = r"""
benchmark:
  description:
    - The measurement. C(docs/benchmark.md) of the collection defines each metric. In check mode it is missing.
    - A summary is C({count, mean, std_dev, min, max, p50, p95, p99, reasons}); p50 needs 100 samples, p95 500 and p99
      1,000, else they are V(null) with a sentence in C(reasons).
  returned: success, not in check mode
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    began_at:
      description: When it began, by the clock of the host that sent the requests.
      type: str
      sample: "2026-11-27T12:00:00Z"
    seconds:
      description: How long it took.
      type: float
      sample: 34.1
    urls:
      description: The servers.
      type: list
      elements: str
      sample: ["http://127.0.0.1:11434"]
    release:
      description: The release of the first one.
      type: str
      sample: 0.34.1
    model:
      description: The model, as the server has it in memory after the measurement.
      type: dict
      contains:
        name:
          description: As given.
          type: str
          sample: llama3.2:3b
        digest:
          description: What tells it from another model of the same name.
          type: str
          sample: a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72
        size_bytes:
          description: What it takes in memory.
          type: int
          sample: 3367856128
        size_vram_bytes:
          description: How much of that the server counts to cards.
          type: int
          sample: 3367856128
        context_length:
          description: The tokens of a context.
          type: int
          sample: 4096
    workload:
      description: What was asked for, as given.
      type: dict
      sample: {prompt_tokens: 256, output_tokens: 128, output_tokens_stdev: 0, prompt_cache: defeat,
        warmup_requests: null, duration: 30.0, requests: 10000, request_timeout: 60.0, seed: 0, arrival: poisson,
        goodput: {}}
    load:
      description: Whether the model was in memory before, the server's C(load_duration), and seconds to the first token
        of the request that loaded it.
      type: dict
      sample: {already_loaded: false, load_duration_ms: 1804.2, seconds: 2.1}
    points:
      description: One entry for each point, in their order.
      type: list
      elements: dict
      contains:
        profile:
          description: V(concurrent), V(constant) or V(poisson).
          type: str
          sample: concurrent
        concurrency:
          description: How many requests were kept in flight, V(null) with a rate.
          type: int
          sample: 8
        request_rate:
          description: Requests per second, V(null) with a concurrency.
          type: float
          sample: 2.0
        seconds:
          description: How long it took, warm-up left out.
          type: float
          sample: 30.0
        stop:
          description: Why it ended. V(duration), V(requests), V(over_saturation), V(too_slow), V(errors) or
            V(time_limit), with a sentence.
          type: dict
          sample: {reason: duration, message: 30 s were over}
        requests:
          description: How many there were, by how they ended.
          type: dict
          sample: {total: 130, successful: 122, errored: 0, incomplete: 8, refused: 0}
        errors:
          description: The messages of errors and refusals, the most frequent first.
          type: list
          elements: dict
          sample: [{message: "the connection was refused", count: 2}]
        request_concurrency:
          description: How many requests were in flight, on average.
          type: float
          sample: 7.9
        metrics:
          description: A summary of each metric. The last three are of the ten windows.
          type: dict
          sample: {output_token_throughput: {count: 10, mean: 301.2, std_dev: 8.1, min: 285.0, max: 311.3, p50: null,
            p95: null, p99: null, reasons: {p50: "p50 needs 100 samples, and there are 10"}}}
        windows:
          description: Rates in ten equal windows of the point, by the time of arrival.
          type: dict
          sample: {seconds: 3.0, output_token_throughput: [301.2], request_throughput: [2.4], goodput: null}
        server:
          description: What was sampled on the host meanwhile, V(null) without O(units).
          type: dict
          sample: {interval_s: 1.0, count: 30, processes: null, cpus: null, gpus: null, problems: []}
    problems:
      description: What could not be read, and what makes the figures doubtful.
      type: list
      elements: str
      sample: []
ansible_facts:
  description: The same as a fact.
  returned: success, not in check mode
  type: dict
  contains:
    ollama_benchmark:
      description: As RV(benchmark).
      type: dict
      sample: {schema: 1}
would:
  description: In check mode, what a run would do.
  returned: in check mode
  type: list
  elements: str
  sample: ["would end after 600 s at the latest"]
"""

import os
import resource
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.options import SPEC, Options, check, would
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._benchmark.run import Samples, World, measure
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.api import fetcher
from ansible_collections.inference.ollama.plugins.module_utils._text import visible_everywhere

# How long a server may take to say what it is.
_ASKING = 5
_FILES = 65536


def argument_spec() -> dict[str, dict[str, Any]]:
    return SPEC


def run(options: Options) -> dict[str, Any]:
    problems: list[str] = []
    _more_files()
    world = World(
        fetch=fetcher(_ASKING),
        progress=Progress(options.progress_file, problems),
        sampler=_sampler(options),
        began_at=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        own=os.urandom(3),
        problems=problems,
    )
    result: dict[str, Any] = visible_everywhere(measure(options, world))
    return result


def _sampler(options: Options) -> Samples | None:
    if not options.units:
        return None
    from ansible_collections.inference.ollama.plugins.module_utils._benchmark.sampling import Sampler  # noqa: PLC0415 - only where units are named

    sampler: Samples = Sampler(options.units)
    return sampler


def _more_files() -> None:
    """Allow as many connections as this process may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        options = check(module.params)
        if module.check_mode:
            module.exit_json(changed=False, would=would(options))
        benchmark = run(options)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, benchmark=benchmark, ansible_facts={"ollama_benchmark": benchmark})


if __name__ == "__main__":
    main()
