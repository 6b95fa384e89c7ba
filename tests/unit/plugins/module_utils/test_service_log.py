# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every release logs, and journals that cannot be read."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._service.journal import read_journal
from ansible_collections.inference.ollama.plugins.module_utils._service.log import (
    ENDED,
    RARE,
    WANTED,
    fields_of,
    parse_map,
    read_log,
    size_of,
)
from ansible_collections.inference.ollama.plugins.module_utils._service.redact import Redactor
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.tests.unit.support import processes as host
from ansible_collections.inference.ollama.tests.unit.support import reported

GIB = 1 << 30
BLOB = "/m/blobs/sha256-e8"
STARTING = 'time=2025-06-05T12:36:11.709Z level=INFO source=server.go:431 msg="starting {}" cmd="{}"'
NO_FLASH = "resolve_fused_ops: Flash Attention not supported, set to disabled"
UNIT = Unit("ollama.service", invocation_id=host.INVOCATION)


def read_lines(*lines):
    return read_log(lines, Redactor())


def test_release_0_3():
    """The old form of lines, and a runner of its own name."""
    log = read_lines(
        '2024/08/19 22:32:14 routes.go:1125: INFO server config env="map[CUDA_VISIBLE_DEVICES: OLLAMA_KEEP_ALIVE:5m0s '
        'OLLAMA_ORIGINS:[http://localhost app://*] OLLAMA_TMPDIR: ROCR_VISIBLE_DEVICES:]"',
        'time=2024-09-11T01:16:09.799Z level=INFO source=types.go:107 msg="inference compute" id=GPU-14 library=cuda '
        'variant=v12 compute=8.9 driver=12.5 name="NVIDIA GeForce RTX 4090" total="23.6 GiB" available="23.2 GiB"',
        STARTING.format(
            "llama server",
            f"/tmp/x/ollama_llama_server --model {BLOB} --ctx-size 8192 --batch-size 512 --n-gpu-layers 33 --threads 28"
            " --flash-attn --no-mmap --parallel 4 --kv-cache-type q8_0 --tensor-split 22,21",
        ),
        'INFO [main] system info | n_threads=28 n_threads_batch=-1 system_info="AVX = 1" tid="1" total_threads=56',
        "llm_load_tensors: offloaded 33/33 layers to GPU",
        "llama_new_context_with_model: flash_attn = 1",
        "llama_new_context_with_model: KV self size  = 1024.00 MiB, K (f16):  512.00 MiB, V (f16):  512.00 MiB",
    )  # fmt: skip
    assert log["server_config"]["OLLAMA_ORIGINS"] == "[http://localhost app://*]"
    assert log["devices"][0]["total_bytes"] == int(23.6 * GIB)
    assert log["threads"] == {"used": 28, "batch": 28, "of": 56}
    assert log["kv_cache"] == {"bytes": GIB, "cells": None, "k_type": "f16", "v_type": "f16"}
    assert (log["flash_attention"], log["offloaded"]) == ("enabled", {"layers": 33, "of": 33})
    assert log["starts"][0]["parameters"] == {
        "context_length": 8192,
        "parallel": 4,
        "batch": 512,
        "ubatch": None,
        "threads": 28,
        "gpu_layers": 33,
        "main_gpu": None,
        "cache_type_k": "q8_0",
        "cache_type_v": "q8_0",
        "load_mode": "none",
        "split_mode": None,
        "tensor_split": "22,21",
        "flash_attention": "enabled",
    }


def test_release_0_12():
    """The runner's command line has only the model; what it was last asked to load is what runs."""
    request = (
        'time=x level=INFO source=runner.go:1284 msg=load request="{{Operation:{} LoraPath:[] Parallel:2 BatchSize:512 '
        "FlashAttention:{} KvSize:32768 KvCacheType:q8_0 NumThreads:{} GPULayers:39[ID:GPU-5 Layers:39(1..39)] "
        'MultiUserCache:false ProjectorPath: MainGPU:0 UseMmap:false}}"'
    )
    log = read_lines(
        STARTING.format("runner", "/usr/bin/ollama runner --ollama-engine --port 40001"),
        "time=x level=INFO source=ggml.go:104 msg=system CPU.0.AVX=1 compiler=cgo(gcc) threads=99",
        STARTING.format("runner", f"/usr/bin/ollama runner --ollama-engine --model {BLOB} --port 40737"),
        request.format("fit", "Disabled", 1),
        'time=x level=INFO source=device.go:245 msg="kv cache" device=CUDA0 size="9.0 GiB"',
        request.format("commit", "Enabled", 12),
        'time=x level=INFO source=device.go:245 msg="kv cache" device=CUDA0 size="1.5 GiB"',
        'time=x level=INFO source=device.go:245 msg="kv cache" device=CPU size="512.0 MiB"',
        'time=x level=INFO source=ggml.go:494 msg="offloaded 37/39 layers to GPU"',
        request.format("close", "Disabled", 0),
    )  # fmt: skip
    assert len(log["starts"]) == 1
    assert log["threads"] == {"used": 12, "batch": None, "of": None}
    assert log["kv_cache"]["bytes"] == 2 * GIB
    assert (log["flash_attention"], log["offloaded"]["layers"]) == ("enabled", 37)
    parameters = log["starts"][0]["parameters"]
    assert (parameters["context_length"], parameters["parallel"], parameters["threads"]) == (32768, 2, 12)
    assert (parameters["cache_type_k"], parameters["load_mode"], parameters["gpu_layers"]) == ("q8_0", "none", 39)


def test_a_request_that_says_little():
    """What a request to load leaves out is left as it was."""
    log = read_lines(
        STARTING.format("runner", f"/usr/bin/ollama runner --model {BLOB} --port 1"),
        'time=x level=INFO source=runner.go:1178 msg=load request="{Operation:fit FlashAttention:true NumThreads:4}"',
        'time=x level=INFO source=runner.go:1178 msg=load request="{Operation:commit KvSize:many UseMmap:true}"',
    )
    assert (log["threads"]["used"], log["flash_attention"], log["kv_cache"]) == (4, "enabled", None)
    assert log["starts"][0]["parameters"]["context_length"] is log["starts"][0]["parameters"]["load_mode"] is None


def test_release_0_4():
    """The runner in Go tells its threads as a field."""
    log = read_lines(
        STARTING.format("llama server", f"/x/ollama_llama_server runner --model {BLOB} --threads 8"),
        'time=x level=INFO source=runner.go:937 msg=system info="CUDA : ARCHS = 600 | cgo(gcc)" threads=8',
        "llama_kv_cache_init:      CUDA0 KV buffer size =  2688.00 MiB",
    )
    assert log["threads"] == {"used": 8, "batch": None, "of": None}
    assert log["kv_cache"] is None


def test_release_0_30():
    """The options of llama-server, values that its variables would win over left open."""
    log = read_lines(
        STARTING.format(
            "llama-server",
            f"/x/llama-server --model {BLOB} -c 16384 -np 2 -b 512 -ub 128 --flash-attn off -ngl 99 --split-mode none "
            "--main-gpu 1 --load-mode dio",
        ),
        "cmn  common_param: system_info: n_threads = 28 (n_threads_batch = 28) / 56 | CPU",
        "srv    load_model: prompt cache is disabled",
        "warn: LLAMA_ARG_CTX_SIZE environment variable is set, but will be overwritten by command line argument -c",
        'error while handling environment variable "LLAMA_ARG_THREADS": invalid value',
    )
    parameters = log["starts"][0]["parameters"]
    assert (parameters["context_length"], parameters["parallel"], parameters["ubatch"]) == (16384, 2, 128)
    assert (parameters["gpu_layers"], parameters["split_mode"], parameters["main_gpu"]) == (99, "none", 1)
    assert (parameters["flash_attention"], parameters["load_mode"], parameters["threads"]) == ("disabled", "dio", None)
    assert (log["threads"]["used"], log["prompt_cache_mib"]) == (28, 0)
    assert [warning["code"] for warning in log["warnings"]] == ["overridden", "invalid-value"]


def test_a_real_llama_server_of_november_2026():
    """What build 11669 wrote: its own prefix, flash attention in new words, and how the weights were loaded."""
    log = read_lines(
        STARTING.format("llama-server", f"/x/llama-server --model {BLOB} -c 16384 -np 1 --flash-attn auto"),
        "load_backend: loaded CPU backend from /usr/local/lib/ollama/libggml-cpu-sse42.so",
        "cmn  common_param: system_info: n_threads = 4 (n_threads_batch = 4) / 16 | CPU : SSE3 = 1 | OPENMP = 1 | ",
        "load_tensors: loading model tensors, this can take a while... (load_mode = mmap+mlock)",
        "llama_context: constructing llama_context",
        "llama_context: flash_attn            = auto",
        "llama_kv_cache:        CPU KV buffer size =    32.00 MiB",
        "llama_kv_cache: size =   32.00 MiB ( 16384 cells,   2 layers,  1/1 seqs), "
        "K (f16):   16.00 MiB, V (f16):   16.00 MiB",
        "resolve_fused_ops: Flash Attention enabled",
        "resolve_fused_ops: fused DeepSeek V4 HC pre enabled",
        "cmn          init: llama threadpool init, n_threads = 4",
        "srv    load_model: prompt cache is enabled, size limit: 20 MiB",
        "srv    load_model: use `--cache-ram 0` to disable the prompt cache",
    )
    assert log["threads"] == {"used": 4, "batch": 4, "of": 16}
    assert log["kv_cache"] == {"bytes": 32 << 20, "cells": 16384, "k_type": "f16", "v_type": "f16"}
    assert (log["flash_attention"], log["load_mode"], log["prompt_cache_mib"]) == ("enabled", "mmap+mlock", 20)
    assert (log["starts"][0]["load_mode"], log["starts"][0]["parameters"]["load_mode"]) == ("mmap+mlock", None)
    assert log["warnings"] == []
    log = read_lines(STARTING.format("llama-server", "/x/llama-server --model /m"), NO_FLASH)
    assert (log["flash_attention"], log["warnings"][0]["code"]) == ("disabled", "flash-attention")


def test_the_last_start_counts():
    """What an earlier model logged is at its own start, and what the last did not log is null."""
    log = read_lines(
        STARTING.format("llama-server", "/x/llama-server --model /one"),
        "system_info: n_threads = 4 (n_threads_batch = 4) / 8 |",
        STARTING.format("llama-server", "/x/llama-server --model /two"),
    )
    assert [(start["model"], (start["threads"] or {}).get("used")) for start in log["starts"]] == [
        ("/one", 4),
        ("/two", None),
    ]
    assert log["threads"] is None


def test_the_larger_context_is_the_models():
    """A second context, as for a draft, takes the place of no cache."""
    log = read_lines(
        STARTING.format("llama-server", "/x/llama-server --model /one"),
        "llama_context: constructing llama_context",
        "llama_kv_cache: size =  512.00 MiB (  4096 cells,  32 layers), K (f16):  256.00 MiB, V (f16):  256.00 MiB",
        "llama_kv_cache: size = 1.2.3 MiB",
        "llama_context: Flash Attention was auto, set to enabled",
        "llama_context: constructing llama_context",
        "llama_context: flash_attn    = auto",
        "llama_kv_cache: size =   16.00 MiB (  4096 cells,  1 layers), K (q4_0):  8.00 MiB, V (q4_0):  8.00 MiB",
    )
    assert log["kv_cache"] == {"bytes": 512 << 20, "cells": 4096, "k_type": "f16", "v_type": "f16"}
    assert log["flash_attention"] == "enabled"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('level=WARN msg="NVIDIA driver too old" device=0', "driver-too-old"),
        ('level=WARN msg="multimodal models don\'t support parallel requests yet"', "no-parallel"),
        ('level=WARN msg="invalid environment variable, using default" key=OLLAMA_MAX_QUEUE value=x', "invalid-value"),
        ('level=WARN msg="user overrode visible devices" CUDA_VISIBLE_DEVICES=0', "visible-devices"),
        ('level=INFO msg="skipping CUDA device - compute capability not in compiled architectures"', "gpu-dropped"),
        ('level=WARN msg="dropping ROCm device - no rocblas support for gfx target"', "gpu-dropped"),
        ('level=INFO msg="dropping integrated GPU; set OLLAMA_IGPU_ENABLE"', "gpu-dropped"),
        ('level=INFO msg="no compatible GPUs were discovered"', "no-gpu"),
        ('level=WARN msg="flash attention enabled but not supported by gpu"', "flash-attention"),
        ('level=WARN msg="quantized kv cache requested but flash attention disabled" type=q8_0', "kv-cache-type"),
        ('level=INFO msg="disabling mmap for llama-server load by default due to host memory pressure"', "no-mmap"),
        ('level=INFO msg="llama-server model predicted to exceed available memory, evicting"', "evicting"),
        (NO_FLASH, "flash-attention"),
        ("llama_init_from_model: quantized V cache requires flash_attn to be enabled", "kv-cache-type"),
        ("warning: failed to mlock 1024-byte buffer (after previously locking 0 bytes)", "mlock"),
        ("ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory", "out-of-memory"),
        ('level=ERROR msg="llama runner process has terminated: exit status 2"', "runner-ended"),
        ("Error: listen tcp 127.0.0.1:11434: bind: address already in use", "server-ended"),
        ("panic: runtime error: index out of range [3] with length 3", "server-ended"),
        ("fatal error: all goroutines are asleep - deadlock!", "server-ended"),
        ("a word before Error: x", None),
        ('level=WARN msg="Error: x"', "other"),
        ("2024/08/19 22:32:14 routes.go:1: WARN something", "other"),
        ("level=WARN msg=anything", "other"),
        ('level=INFO msg="enabling flash attention"', None),
        ("plain", None),
    ],
)
def test_warnings(line, code):
    """A warning that explains why a setting does not act has a code."""
    assert [warning["code"] for warning in read_lines(line)["warnings"]] == ([code] if code else [])


def test_the_pattern_for_journalctl_picks_enough():
    """The lines that it picks give the same result as all of them."""
    wanted = re.compile(WANTED)
    assert read_lines(*filter(wanted.search, host.LOG)) == read_lines(*host.LOG)
    assert wanted.search("load_tensors: loading model tensors, this can take a while... (load_mode = mlock)")
    for mark in test_warnings.pytestmark:
        assert all(wanted.search(line) for line, code in mark.args[1] if code)


def test_warnings_are_reported_once_and_without_secrets():
    """A warning that repeats with each request counts once, and a key in it is hidden."""
    lines = [f"time=2026-11-22T08:13:0{n}Z level=WARN msg=x url=http://me:geheim@h" for n in range(9)]
    assert read_lines(*lines)["warnings"] == [{"code": "other", "line": "level=WARN msg=x url=http://***@h"}]
    assert len(read_lines(*(f"level=WARN msg={n}" for n in range(99)))["warnings"]) == 50


def test_fields_and_maps_and_sizes():
    """Quotes, escapes, brackets, units."""
    assert fields_of(r'a=1 msg="b \"c\" d" e.f="" "g h"=2') == {"a": "1", "msg": 'b "c" d', "e.f": ""}
    assert parse_map("map[A_A:x y B_B: C_C:[D E:f] no_proxy:]") == {
        "A_A": "x y",
        "B_B": "",
        "C_C": "[D E:f]",
        "no_proxy": "",
    }
    assert parse_map("") == {}
    assert (size_of("0 B"), size_of("1.5 MiB"), size_of("many")) == (0, 3 << 19, None)


def read(run, unit=UNIT):
    root = host.Planted({})
    return read_journal(root, run, unit, 7, Redactor()), root.problems


def test_the_question():
    """The last start of this unit, a limited number of lines, long ones in full, without a pager."""
    run = host.Programs()
    read(run)
    (argv,) = [argv for argv in run.calls if not argv[-1].startswith("--grep")]
    assert argv[1:3] == ["_SYSTEMD_UNIT=ollama.service", f"_SYSTEMD_INVOCATION_ID={host.INVOCATION}"]
    assert {"--no-pager", "--all", "--output=json", "--lines=7"} <= {*argv}


@pytest.mark.parametrize("picked", [None, ""])
def test_a_journalctl_that_picks_nothing_is_asked_again(picked):
    """One that was built without patterns, or ends so or so where none fits, is asked for all lines."""
    log, problems = read(host.Programs(picked=picked))
    assert log["threads"]["used"] == 14
    assert problems == []


def test_picked_lines_may_come_in_either_order():
    """Some releases print the last entry first."""
    backwards = "".join(f"{line}\n" for line in reversed(host.journal(host.LOG).splitlines()))
    assert read(host.Programs(picked=backwards)) == read(host.Programs())


def test_messages_of_every_kind():
    """Bytes, several texts in an entry, and lines that are no entry."""
    entries = [
        {"MESSAGE": [*b"level=WARN \xff"]},
        {"MESSAGE": ["level=WARN two", "level=WARN three"]},
        {"MESSAGE": None},
        {"MESSAGE": [[[]]]},
        {"MESSAGE": [1000]},
        {},
        [],
    ]
    log, problems = read(host.Programs(log="".join(f"{json.dumps(entry)}\n" for entry in entries) + "x\n"))
    assert [warning["line"] for warning in log["warnings"]] == ["level=WARN \ufffd", "level=WARN two"]
    asked = f"journalctl _SYSTEMD_UNIT=ollama.service _SYSTEMD_INVOCATION_ID={host.INVOCATION}"
    assert problems == [f"{asked}: 6 of its lines hold no message as JSON"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (Outcome(None, "journalctl is not installed"), "journalctl is not installed"),
        ("", "takes the group systemd-journal"),
        ("garbage\n", "1 of its lines hold no message as JSON"),
    ],
)
def test_a_journal_that_cannot_be_read(output, words):
    """It is null with a reason."""
    log, problems = read(host.Programs(log=output))
    assert log is None
    assert words in problems[-1]


def test_a_unit_that_was_never_started():
    """Without an invocation no log is the unit's, and none is read."""
    run = host.Programs()
    assert read(run, Unit("a.service")) == (
        None,
        ["a.service: systemd has no invocation id, so the log of its last start cannot be identified"],
    )
    assert run.calls == []


class Restarted(host.Programs):
    """A journal that has one line of starts before the last, if any."""

    def __init__(self, words, **answers):
        super().__init__(**answers)
        self.words = words

    def __call__(self, argv):
        if f"--grep={ENDED}" in argv:
            self.calls.append(argv)
            return self.words
        return super().__call__(argv)


PANIC = "Error: listen tcp 127.0.0.1:11434: bind: address already in use"


@pytest.mark.parametrize("restarts", [None, 0])
def test_a_server_that_was_not_restarted_has_no_last_words(restarts):
    """Nobody is asked for the end of a start that was the first."""
    run = Restarted(Outcome(host.journal([PANIC]), None))
    log, _problems = read(run, UNIT._replace(restarts=restarts))
    assert not [argv for argv in run.calls if f"--grep={ENDED}" in argv]
    assert "server-ended" not in [warning["code"] for warning in log["warnings"]]


def test_the_last_words_of_a_server_that_systemd_restarted():
    """Why it ended comes first; one line is asked for, of the unit, whatever its invocation."""
    run = Restarted(Outcome(host.journal([PANIC]), None))
    log, problems = read(run, UNIT._replace(restarts=2))
    assert log["warnings"][0] == {"code": "server-ended", "line": PANIC}
    assert [warning["code"] for warning in log["warnings"][1:]] == ["driver-too-old", "no-parallel"]
    assert log["threads"]["used"] == 14
    (argv,) = [argv for argv in run.calls if f"--grep={ENDED}" in argv]
    assert argv[:2] == ["journalctl", "_SYSTEMD_UNIT=ollama.service"]
    assert "--lines=1" in argv
    assert problems == []


@pytest.mark.parametrize("words", [Outcome(None, "journalctl: no PCRE2"), Outcome("", None), Outcome("x\n{}\n", None)])
def test_last_words_that_nobody_heard(words):
    """A journalctl without patterns, or without such a line, is no problem of the log that was read."""
    log, problems = read(Restarted(words), UNIT._replace(restarts=2))
    assert log == read(host.Programs())[0]
    assert problems == []


def test_a_start_that_has_logged_nothing_yet_has_the_last_words_of_the_one_before():
    """Between two starts they are all that there is to tell."""
    log, problems = read(Restarted(Outcome(host.journal([PANIC]), None), log=""), UNIT._replace(restarts=2))
    assert [warning["code"] for warning in log["warnings"]] == ["server-ended"]
    assert log["server_config"] is log["threads"] is None
    assert "read no entry" in problems[-1]


def test_the_last_words_hide_what_is_secret():
    """A panic may quote an address with a password."""
    output = Outcome(host.journal(["Error: dial http://me:geheim@h: refused"]), None)
    log, _problems = read(Restarted(output), UNIT._replace(restarts=1))
    assert log["warnings"][0]["line"] == "Error: dial http://***@h: refused"


# A busy server.

# What a real one logs for each request, by release 0.32.15 and llama-server of build 11669.
FLOOD = """\
srv  server_strea: conv_id= (empty=1)
slot get_availabl: id  0 | task -1 |  - skipping, slot is empty
slot get_availabl: id  0 | task -1 | selected slot by LRU, n_tokens = 0, t_last = -1
srv  get_availabl: updating prompt cache
srv          load:  - looking for better prompt, base f_keep = -1.000, f_sim = 0.000
srv        update:  - cache state: 0 prompts, 0.000 MiB (limits: 8192.000 MiB, 4096 tokens, 8589934592 est)
srv  get_availabl: prompt cache update took 0.03 ms
slot launch_slot_: id  0 | task -1 | sampler chain: logits -> ?penalties -> top-k -> temp-ext -> dist
slot launch_slot_: id  0 | task 0 | processing task, is_child = 0
slot   operator(): id  0 | task 0 | new prompt, n_ctx_slot = 4096, n_keep = 4, task.n_tokens = 10
slot   operator(): id  0 | task 0 | cached n_tokens = 0, memory_seq_rm [0, end)
slot print_timing: id  0 | task 0 | prompt eval time =      15.01 ms /    10 tokens (    1.50 ms per token)
slot print_timing: id  0 | task 0 |    graphs reused =          1
slot      release: id  0 | task 0 | stop processing: n_tokens = 10, truncated = 0
srv  update_slots: all slots are idle
[GIN] 2026/11/27 - 00:29:07 | 200 |  274.106923ms |       127.0.0.1 | POST     "/api/generate"
time=2026-11-27T00:29:07.452Z level=WARN source=runner.go:153 msg="truncating input prompt" limit=4096 prompt=9000
""".splitlines()
OVERWRITTEN = "warn: LLAMA_ARG_THREADS environment variable is set, but will be overwritten by command line argument -t"
STARTED = (
    'time=2026-11-27T00:29:07.706Z level=INFO source=llama_server.go:1362 msg="llama-server started in 0.25 seconds"'
)
SUPPRESSED = "Suppressed 6976 messages from ollama.service"


def start_lines(port, *words):
    """What the server and a runner log of a start."""
    return [
        STARTING.format("llama-server", f"/x/llama-server --model {BLOB} --port {port} {' '.join(words)}".strip()),
        *([OVERWRITTEN] if "-t" in words else []),
        "cmn  common_param: system_info: n_threads = 4 (n_threads_batch = 4) / 16 | CPU : SSE3 = 1 | ",
        "srv    load_model: prompt cache is enabled, size limit: 20 MiB",
        STARTED,
    ]


def test_no_line_of_a_request_is_picked():
    """The budget is for lines of starts; warnings, which requests cause too, have one of their own."""
    rare = re.compile(RARE)
    assert [line for line in FLOOD if rare.search(line)] == []
    assert all(rare.search(line) for line in start_lines(1, "-t", "4"))
    assert rare.search(SUPPRESSED)


def test_what_a_client_writes_is_no_line_of_the_server():
    """A path that a client asks for is in a line of the log, and says nothing."""
    asked = f'[GIN] 2026/11/27 - 00:29:07 | 404 |  1ms | 127.0.0.1 | GET "/{OVERWRITTEN} {STARTED} server config env="'
    log = read_lines(*start_lines(1), asked, f"prompt: {OVERWRITTEN}")
    assert log["warnings"] == log["starts"][0]["warnings"] == []
    assert re.search(WANTED, asked) is None


def test_each_start_has_its_own_warnings():
    """What one runner logged is not another one's; what the server says of a model just before belongs to its start."""
    ahead = 'level=WARN msg="OLLAMA_FLASH_ATTENTION must be enabled to use a quantized OLLAMA_KV_CACHE_TYPE"'
    log = read_lines(*start_lines(1, "-t", "3"), ahead, *start_lines(2), OVERWRITTEN)
    first, second = log["starts"]
    assert [each["code"] for each in first["warnings"]] == ["overridden"]
    assert [each["code"] for each in second["warnings"]] == ["kv-cache-type"]
    assert [each["code"] for each in log["warnings"]] == ["overridden", "kv-cache-type"]
    assert first["complete"] is second["complete"] is True


def test_a_start_of_which_lines_were_dropped_is_not_complete():
    """journald says so itself; before and after a start it dropped lines of requests."""
    whole = start_lines(1)
    for position in range(len(whole) + 1):
        log = read_lines(*whole[:position], SUPPRESSED, *whole[position:])
        assert log["starts"][0]["complete"] is (position in (0, len(whole)))


def test_starts_at_one_time_are_mixed():
    """Neither has all of its lines for itself; one that failed before the next has."""
    one, two = start_lines(1), start_lines(2)
    assert [each["complete"] for each in read_lines(one[0], *two, *one[1:])["starts"]] == [False, False]
    failed = 'level=ERROR source=sched.go:1 msg="llama-server process has terminated: exit status 1"'
    assert [each["complete"] for each in read_lines(one[0], failed, *two)["starts"]] == [True, True]


def test_the_word_of_one_runner_ends_no_other_start():
    """A server may say twice that a runner was started."""
    one, two = start_lines(1), start_lines(2)
    log = read_lines(*one, two[0], STARTED, *two[1:])
    assert log["starts"][1]["threads"] == {"used": 4, "batch": 4, "of": 16}


def test_no_limit_of_the_prompt_cache():
    """It is as the variable is set for it."""
    log = read_lines(start_lines(1)[0], "srv    load_model: prompt cache is enabled, size limit: no limit")
    assert log["prompt_cache_mib"] == -1


class Windows:
    """A journalctl that answers by the window that it is asked for; ``calls`` are the command lines."""

    def __init__(self, whole, around=(), *, fails=False):
        self.whole, self.around, self.fails, self.calls = [*whole], [*around], fails, []

    def __call__(self, argv):
        self.calls.append(argv)
        windowed = any(word.startswith("--since=") for word in argv)
        if self.fails and any(word.startswith("--grep=") for word in argv) and not windowed:
            return Outcome(None, "journalctl did not answer within 5 s and was stopped")
        pattern = next((word[7:] for word in argv if word.startswith("--grep=")), "")
        most = int(next(word[8:] for word in argv if word.startswith("--lines=")))
        lines = [line for line in (self.around if windowed else self.whole) if re.search(pattern, line)]
        output = host.journal(lines[-most:])
        # What a window shows was logged before what the last lines do.
        return Outcome(output.replace('"1000000', '"0900000') if windowed else output, None)


CONFIG = 'time=x level=INFO source=routes.go:1951 msg="server config" env="map[OLLAMA_KEEP_ALIVE:5m0s]"'


def live(port=2, age=60.0):
    """A server and a runner, as they were read."""
    argv = ["/x/llama-server", "--model", BLOB, "--port", str(port)]
    server = {"kind": "server", "pid": 1, "command_line": ["ollama", "serve"], "started_seconds": 3600.0}
    return [server, {"kind": "runner", "pid": 900, "command_line": argv, "started_seconds": age}]


def read_live(run, lines=2000, processes=None):
    root = host.Planted({})
    return read_journal(root, run, UNIT, lines, Redactor(), processes or live()), root.problems


def test_a_flood_of_requests_hides_no_start():
    """5,000 requests after a start leave all of it, with one question for what is rare and one for warnings."""
    run = Windows([CONFIG, *start_lines(2), *(FLOOD * 5000)])
    log, problems = read_live(run)
    assert problems == []
    assert (log["starts"][0]["threads"]["used"], log["prompt_cache_mib"]) == (4, 20)
    assert log["server_config"] == {"OLLAMA_KEEP_ALIVE": "5m0s"}
    assert len(run.calls) == 2


def test_a_runner_is_found_by_its_own_time():
    """After more starts than are read, what is missing is looked for around the start of each process."""
    others = [line for port in range(100, 700) for line in start_lines(port)]
    run = Windows([CONFIG, *start_lines(2), *others], [CONFIG, *start_lines(2, "-t", "4")])
    log, problems = read_live(run, lines=50)
    assert problems == []
    assert log["server_config"] == {"OLLAMA_KEEP_ALIVE": "5m0s"}
    windows = [argv for argv in run.calls if any(word.startswith("--since=@") for word in argv)]
    assert len(windows) == 2
    assert all(any(word.startswith("--until=@") for word in argv) for argv in windows)


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ([*FLOOD, STARTED], ["no line 'server config' of the server 1", "no start of the runner 900"]),
        ([CONFIG, *start_lines(3)], ["no start of the runner 900"]),
        ([CONFIG, start_lines(2)[0], SUPPRESSED, STARTED], ["the start of the runner 900 is there in part"]),
    ],
)
def test_evidence_that_is_out_of_reach_is_a_problem(whole, words):
    """Rotated, vacuumed or dropped: it is named for each process that lives."""
    _log, problems = read_live(Windows(whole, whole))
    assert len(problems) == len(words)
    assert all(said in problem for said, problem in zip(words, problems))


def test_a_log_that_is_too_long_to_look_through():
    """What takes too long is named, and the starts are read around their times."""
    log, problems = read_live(Windows(FLOOD, [CONFIG, *start_lines(2)], fails=True))
    assert log["starts"][0]["prompt_cache_mib"] == 20
    assert [problem.partition(";")[0] for problem in problems] == [
        "journalctl did not answer within 5 s and was stopped"
    ]


def test_a_window_that_cannot_be_asked_for_ends_the_search():
    """A journalctl that fails is not asked for each process."""
    whole, windows = Windows([CONFIG]), []

    def failing(argv):
        windows.extend(word for word in argv if word.startswith("--since="))
        return Outcome(None, "no") if any(word.startswith("--since=") for word in argv) else whole(argv)

    _log, problems = read_live(failing, processes=[live()[1], {**live(port=5)[1], "pid": 901}])
    assert len(problems) == 2
    assert len(windows) == 1


LOADING = "load_tensors: loading model tensors, this can take a while... {}"
NO_TYPE = (
    'time=x level=INFO source=runner.go:963 msg=load request="{Operation:commit LoraPath:[] Parallel:1 BatchSize:512 '
    "FlashAttention:Auto KvSize:4096 KvCacheType: NumThreads:8 GPULayers:[] MultiUserCache:false ProjectorPath: "
    'MainGPU:0 UseMmap:false}"'
)
OF_0_24 = [
    'time=x level=INFO source=routes.go:1 msg="server config" env="map[OLLAMA_KV_CACHE_TYPE:q8_0]"',
    'time=x level=WARN msg="OLLAMA_FLASH_ATTENTION must be enabled to use a quantized OLLAMA_KV_CACHE_TYPE" type=q8_0',
    STARTING.format("runner", f"/usr/bin/ollama runner --model {BLOB} --port 40737"),
    NO_TYPE,
    LOADING.format("(mmap = false, direct_io = false)"),
    "llama_kv_cache: size =   56.00 MiB ( 4096 cells,  28 layers,  1/1 seqs), K (f16):   28.00 MiB, V (f16): 28.00 MiB",
]


def test_release_0_24_does_not_take_a_quantised_cache():
    """The warning ahead of the start is of that start, an empty type in the request is f16."""
    (start,) = read_lines(*OF_0_24)["starts"]
    assert [warning["code"] for warning in start["warnings"]] == ["kv-cache-type"]
    assert (start["parameters"]["cache_type_k"], start["kv_cache"]["k_type"], start["load_mode"]) == (
        "f16",
        "f16",
        "none",
    )


def test_the_cache_of_the_engine_in_go_is_of_the_type_that_was_asked_for():
    """Its own line has no type."""
    lines = [*OF_0_24[:4], 'time=x level=INFO source=device.go:245 msg="kv cache" device=CPU size="56.0 MiB"']
    assert read_lines(*lines)["kv_cache"] == {"bytes": 56 << 20, "cells": None, "k_type": "f16", "v_type": "f16"}


@pytest.mark.parametrize(
    "message",
    [
        "OLLAMA_FLASH_ATTENTION must be enabled to use a quantized OLLAMA_KV_CACHE_TYPE",
        "unsupported OLLAMA_KV_CACHE_TYPE",
        "quantized kv cache requested but flash attention disabled",
        "kv cache type not supported by model",
    ],
)
def test_each_word_on_a_quantised_cache_has_its_code(message):
    """llm/server.go of 0.5 to 0.24 has four of them, of which a busy server's log keeps each."""
    line = f'time=x level=WARN source=server.go:245 msg="{message}" type=q8_0'
    assert re.search(RARE, line)
    assert [warning["code"] for warning in read_lines(line)["warnings"]] == ["kv-cache-type"]


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ("(mmap = true)", "mmap"),
        ("(mmap = false)", "none"),
        ("(mmap = true, direct_io = false)", "mmap"),
        ("(mmap = false, direct_io = true)", "dio"),
        ("(mmap = false, direct_io = false)", "none"),
        ("(mmap = maybe)", None),
        ("(load_mode = mmap+mlock)", "mmap+mlock"),
        ("(load_mode = auto)", "auto"),
    ],
)
def test_how_the_weights_were_loaded_is_read_in_both_wordings(said, mode):
    """Up to 0.32.5 two switches say what one word says since."""
    lines = [*OF_0_24[:3], LOADING.format(said)]
    assert mode is None or re.search(RARE, lines[-1])
    assert read_lines(*lines)["load_mode"] == mode


@reported.needs_reports
def test_the_log_of_a_real_server_is_read_as_a_whole():
    """0.33.0 on an H100: cards, layers, cache, attention, threads, and how the weights were loaded."""
    log = next((reported.folder("x").parents[1] / "real-server").glob("*.log")).read_text(encoding="utf-8")
    found = read_log(log.splitlines(), Redactor())
    assert [(card["library"], card["name"]) for card in found["devices"]] == [("CUDA", "NVIDIA H100 80GB HBM3")]
    start = found["starts"][0]
    assert (start["offloaded"], start["load_mode"], start["flash_attention"]) == (
        {"layers": 33, "of": 33},
        "mmap",
        "enabled",
    )
    assert (start["kv_cache"]["k_type"], start["prompt_cache_mib"], start["threads"]["used"]) == ("f16", 8192, 16)
    assert (start["parameters"]["batch"], start["complete"]) == (1024, True)
