# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which setting acts in which release."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.inference.ollama.plugins.plugin_utils import _contract, _lint
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import PROOFS, load
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._values import TYPES, check_value

ROOT = Path(__file__).resolve().parents[4]
REFERENCE = Path(
    os.environ.get("INFERENCE_OLLAMA_REFERENCE", ROOT.parent / "shared" / "reference" / "ollama-settings.yml")
)
# What the newest runner names by itself.
NEWER = ROOT / "plugins" / "plugin_utils" / "runner_names.yml"

# Where the written findings correct the table that came with them: (status, since, until) here, and why.
CORRECTED = {
    "OLLAMA_AUTH": ("client_only", "0.8.0", None),  # the client signs, the server checks nothing
    "OLLAMA_CREATE_REMOTE": ("client_only", None, None),  # only the client's create command reads it
    "OLLAMA_MLX_MTP_COMPARE_SERIAL_VALIDATE": ("removed", "0.23.1", "0.30.10"),  # went with its siblings
}
# What only the written findings name.
ADDED = {
    "GGML_CUDA_DISABLE_FUSION",
    "GGML_CUDA_GRAPH_OPT",
    "GGML_CUDA_P2P",
    "GGML_SCHED_DEBUG",
    "GGML_VK_*",
    "KMP_*",
    "LLAMA_ARG_CHAT_TEMPLATE_*",
    "LLAMA_ARG_DIO",
    "LLAMA_ARG_FIT_ESTIMATE",
    "LLAMA_ARG_GRP_ATTN_N",
    "LLAMA_ARG_GRP_ATTN_W",
    "LLAMA_ARG_SEED",
    "LLAMA_ARG_SHOW_TIMINGS",
    "LLAMA_SERVER_CHILD_MODE",
    "LLAMA_SERVER_ROUTER_PORT",
    "LLAMA_ARG_ENDPOINT_PROPS",
    "LLAMA_ARG_ENDPOINT_SLOTS",
    "LLAMA_ARG_IMAGE_MAX_TOKENS",
    "LLAMA_ARG_IMAGE_MIN_TOKENS",
    "LLAMA_ARG_KV_UNIFIED_PER_SLOT",
    "LLAMA_ARG_LAZY_MODE",
    "LLAMA_ARG_N_CPU_FFN",
    "LLAMA_ARG_ROPE_SCALE",
    "LLAMA_ARG_SPEC_*",
    "LLAMA_ARG_SSL_*",
    "LLAMA_MEDIA_MARKER",
    "OLLAMA_ROCM_*",
    "OMP_*",
    "http_proxy",
    "https_proxy",
    "no_proxy",
}


@pytest.mark.parametrize(
    ("name", "release", "acts"),
    [
        ("OLLAMA_NUM_PARALLEL", "0.34.1", True),
        ("OLLAMA_NUM_PARALLEL", None, True),
        ("OLLAMA_CONTEXT_LENGTH", "0.5.12", False),
        ("OLLAMA_CONTEXT_LENGTH", None, True),
        ("OLLAMA_NUM_THREADS", "0.34.1", False),
        ("OLLAMA_NUM_THREADS", None, False),
        ("LLAMA_ARG_THREADS", "0.24.0", False),
        ("LLAMA_ARG_THREADS", "0.30.0-rc1", False),
        ("LLAMA_ARG_THREADS", "0.30.0", True),
        ("LLAMA_ARG_THREADS", "1.0.0", True),
        ("LLAMA_ARG_THREADS", None, False),
        ("LLAMA_ARG_LOAD_MODE", "0.32.5", False),
        ("LLAMA_ARG_LOAD_MODE", "0.32.6", True),
        ("LLAMA_ARG_MLOCK", "0.32.5", True),
        ("LLAMA_ARG_MLOCK", "0.32.6", False),
        ("LLAMA_ARG_CTX_SIZE", "0.34.1", False),
        ("LLAMA_API_KEY", "0.34.1", False),
        ("OLLAMA_GPU_OVERHEAD", "0.24.0", True),
        ("OLLAMA_GPU_OVERHEAD", "0.25.0-rc0", True),
        ("OLLAMA_GPU_OVERHEAD", "0.30.0", False),
        ("OLLAMA_GPU_OVERHEAD", None, False),
        ("OLLAMA_NEW_ENGINE", "0.24.0", True),
        ("OLLAMA_NEW_ENGINE", "0.30.0", False),
        ("OLLAMA_NEW_ENGINE", None, False),
        ("OLLAMA_AUTH", "0.34.1", False),
        ("GGML_VK_PREFER_HOST_MEMORY", "0.34.1", True),
        ("SOMETHING_ELSE", "0.34.1", False),
    ],
)
def test_setting_acts(name, release, acts):
    """A setting acts in its span of releases; an unknown release takes only what acts in every supported one."""
    assert load().acts(name, parse_release(release) if release else None) is acts


def test_flash_attention_reached_processors_in_0_11_5():
    """A change of meaning is found by release."""
    setting = load().get("OLLAMA_FLASH_ATTENTION")
    assert "rocessors" not in setting.phase(parse_release("0.11.4")).how
    assert "rocessors" in setting.phase(parse_release("0.11.5")).how


@pytest.mark.parametrize(
    ("name", "release", "default"),
    [
        ("OLLAMA_NUM_PARALLEL", "0.6.6", "4 or 1"),
        ("OLLAMA_NUM_PARALLEL", "0.6.7", "2 or 1"),
        ("OLLAMA_NUM_PARALLEL", "0.10.0", "1"),
        ("OLLAMA_CONTEXT_LENGTH", "0.6.6", "2048"),
        ("OLLAMA_CONTEXT_LENGTH", "0.15.4", "4096"),
        ("OLLAMA_CONTEXT_LENGTH", "0.15.5", "4096, 32768 or 262144"),
        ("OLLAMA_FLASH_ATTENTION", "0.11.4", "0"),
        ("OLLAMA_FLASH_ATTENTION", "0.34.1", "auto"),
        ("OLLAMA_VULKAN", "0.24.0", "0"),
        ("OLLAMA_VULKAN", "0.30.0", "1"),
        ("OLLAMA_VULKAN", None, "1"),
        ("OLLAMA_LLM_LIBRARY", "0.34.1", "chosen by card and driver"),
        ("OLLAMA_KEEP_ALIVE", "0.5.13", "5m"),
        ("OLLAMA_KEEP_ALIVE", None, "5m"),
    ],
)
def test_default_is_that_of_the_release(name, release, default):
    """What holds where a setting is unset has changed for some."""
    assert load().get(name).default_in(parse_release(release) if release else None) == default


@pytest.mark.parametrize("setting", load().by_name.values(), ids=lambda setting: setting.name)
def test_proof_is_complete(setting):
    """Each setting says how it is seen to act, or why nothing shows it, in every supported release that reads it."""
    contract = load()
    for proof in setting.proof:
        needed = set(PROOFS[proof.kind])
        given = {name for name in ("field", "flag", "pattern", "path", "why") if getattr(proof, name) is not None}
        assert given == needed
        assert proof.pattern is None or re.compile(proof.pattern)
        assert proof.why is None or re.fullmatch(r"[A-Z].*\.", proof.why)
        assert proof.since is None or proof.until is None or proof.since <= proof.until
    for release in (contract.oldest_supported, parse_release("0.24.0"), contract.newest_known):
        if contract.acts(setting.name, release):
            assert setting.proofs(release)
            assert all(proof.kind != "none" for proof in setting.proofs(release))
    if setting.status not in _contract.ACTING and setting.status != "removed":
        assert [proof.kind for proof in setting.proof] == ["none"]


@pytest.mark.parametrize(
    ("name", "release", "kinds"),
    [
        ("OLLAMA_KEEP_ALIVE", "0.34.1", [("config_map", "OLLAMA_KEEP_ALIVE"), ("api", "expires_at")]),
        ("OLLAMA_NUM_PARALLEL", "0.34.1", [("command_line", "-np"), ("config_map", "OLLAMA_NUM_PARALLEL")]),
        ("OLLAMA_NUM_PARALLEL", "0.11.4", [("command_line", "--parallel"), ("config_map", "OLLAMA_NUM_PARALLEL")]),
        (
            "OLLAMA_NUM_PARALLEL",
            "0.24.0",
            [("journal", r"load request=.*Parallel:(\d+)"), ("config_map", "OLLAMA_NUM_PARALLEL")],
        ),
        (
            "LLAMA_ARG_THREADS",
            "0.34.1",
            [("journal", r"system_info: n_threads = (\d+)"), ("runner_environ", "LLAMA_ARG_THREADS")],
        ),
        ("LLAMA_ARG_NUMA", "0.34.1", [("runner_environ", "LLAMA_ARG_NUMA")]),
        ("GGML_VK_*", "0.34.1", [("runner_environ", None)]),
        ("OLLAMA_NUM_THREADS", "0.34.1", [("none", "Nothing reads it.")]),
    ],
)
def test_proof_is_that_of_the_release(name, release, kinds):
    """Where a setting shows has changed with the kind of process that holds a model."""
    found = load().get(name).proofs(parse_release(release))
    shown = [(p.kind, p.key or p.flag or p.pattern or p.field or p.why) for p in found]
    assert shown == kinds


LINES = {
    "OLLAMA_HOST": ("Listening on 127.0.0.1:11434 (version 0.34.1)", ("127.0.0.1:11434",)),
    "OLLAMA_NO_CLOUD": ('msg="Ollama cloud disabled: true"', ("true",)),
    "OLLAMA_VULKAN": ('msg="inference compute" id=cpu library=cpu compute="" name=cpu', ("cpu",)),
    "OLLAMA_KV_CACHE_TYPE": (
        "llama_kv_cache: size =  448.00 MiB (  4096 cells,  28 layers), K (q8_0):  224.00 MiB, V (f16):  224.00 MiB",
        ("q8_0", "f16"),
    ),
    "LLAMA_ARG_THREADS": (
        "cmn  common_param: system_info: n_threads = 14 (n_threads_batch = 14) / 56 | CPU : AVX2 = 1",
        ("14",),
    ),
    "LLAMA_ARG_CACHE_RAM": ("srv    load_model: prompt cache is enabled, size limit: 8192 MiB", ("8192",)),
    "LLAMA_ARG_N_GPU_LAYERS": ("load_tensors: offloaded 29/29 layers to GPU", ("29", "29")),
    "LLAMA_ARG_LOAD_MODE": ("load_tensors: loading model tensors... (load_mode = none)", ("none",)),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_pattern_finds_its_line(name):
    """The value in a line of the server's log is what the pattern gives."""
    line, groups = LINES[name]
    found = [re.search(p.pattern, line) for p in load().get(name).proofs(parse_release("0.34.1")) if p.pattern]
    assert [match.groups() for match in found] == [groups]


def test_exact_name_wins_over_its_family():
    """GGML_VK_VISIBLE_DEVICES has an entry of its own beside GGML_VK_*."""
    contract = load()
    assert contract.get("GGML_VK_VISIBLE_DEVICES").name == "GGML_VK_VISIBLE_DEVICES"
    assert contract.get("GGML_VK_ALLOW_SYSMEM_FALLBACK").name == "GGML_VK_*"
    assert contract.get("GGML_VULKAN") is None


def test_contract_is_read_once():
    """Every caller shares one contract."""
    assert load() is load()


def test_names_are_unique_across_groups():
    """A name that stood twice would be judged by its last entry."""
    assert sum(len(group.settings) for group in load().groups) == len(load().by_name)


@pytest.mark.parametrize("setting", load().by_name.values(), ids=lambda setting: setting.name)
def test_entry_is_sound(setting):
    """Types and statuses are known, spans run forward and end at releases that exist, sentences are sentences."""
    assert setting.type in TYPES
    assert setting.status in _contract.ACTING | set(_lint._MISTAKES)
    assert setting.scope in {
        "server", "scheduler", "discovery", "runner", "client", "installer", "build", "nothing",
    }  # fmt: skip
    assert setting.source
    for sentence in (setting.effect, setting.pitfall, *(phase.how for phase in setting.acts)):
        assert sentence is None or re.fullmatch(r"\S.*\.", sentence)
    assert (setting.type == "enum") == bool(setting.values) or setting.type in ("integer", "devices")
    assert (setting.type == "pattern") == (setting.pattern is not None) == (setting.example is not None)
    if setting.status in _contract.ACTING:
        assert setting.since is not None
    spans = [(setting.since, setting.until), *((phase.start, phase.end) for phase in setting.acts)]
    gap = parse_release("0.25.0"), parse_release("0.30.0-rc0")
    for start, end in spans:
        assert start is None or end is None or start <= end
        assert not any(edge is not None and gap[0] <= edge < gap[1] for edge in (start, end))
    for earlier, later in zip(setting.acts, setting.acts[1:]):
        assert earlier.end < later.start
    assert all(set(phase.values) <= set(setting.values) for phase in setting.acts)
    assert all(phase.instead for phase in setting.acts if phase.inert)


@pytest.mark.parametrize(
    "setting", [s for s in load().by_name.values() if s.default and re.fullmatch(r"[-\w.]+", s.default)], ids=str
)
def test_plain_default_is_a_right_value(setting):
    """What an entry calls the default passes the check, unless it is a word for leaving the setting out."""
    assert setting.default in ("all", "none", "FASTEST_FIRST") or check_value(setting, setting.default) is None


@pytest.mark.parametrize("setting", [s for s in load().by_name.values() if s.example], ids=lambda setting: setting.name)
def test_example_passes(setting):
    """The example in a message is right."""
    assert check_value(setting, setting.example) is None


def test_what_to_use_instead_exists():
    """Each pointer leads to a setting that acts, or to a variable of the role."""
    contract = load()
    defaults = ROOT / "roles" / "ollama" / "defaults" / "main.yml"
    variables = set(yaml.safe_load(defaults.read_text(encoding="utf-8"))) if defaults.exists() else None
    for setting in contract.by_name.values():
        for name in filter(None, [setting.instead, *(phase.instead for phase in setting.acts)]):
            if name.startswith("ollama_"):
                assert variables is None or name in variables
            else:
                assert contract.acts(name, contract.newest_known)


@pytest.mark.skipif(not REFERENCE.exists(), reason=f"no reference table at {REFERENCE}")
def test_agrees_with_the_reference():
    """Status and span of every setting are those of the studied sources."""
    reference = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))["variables"]
    expected = {
        entry["name"]: (
            "dangerous" if entry.get("effective") == "dangerous" else entry["status"],
            *(entry[edge] and entry[edge].lstrip("v") for edge in ("since", "until")),
        )
        for entry in reference
    }
    newer = set(yaml.safe_load(NEWER.read_text(encoding="utf-8"))["names"]) - set(expected)
    ours = {
        name: (setting.status, *(edge and str(edge) for edge in (setting.since, setting.until)))
        for name, setting in load().by_name.items()
        if name not in ADDED | newer
    }
    assert ours == {**expected, **CORRECTED}


def test_setting_is_immutable():
    """Callers share the entries."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().get("OLLAMA_HOST").status = "never"
