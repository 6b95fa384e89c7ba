# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an environment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import CODES, KEEP_APART, SEVERITIES, Finding, lint
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.tests.unit.support.releases import CHANGES, NEWER, OLDER, releases

NEW, OLD = "0.34.1", "0.24.0"
HIDDEN, ALONE = [("CUDA_VISIBLE_DEVICES", "advice", "hides-other-vendor")], ("advice", "integrated-not-enabled")


def codes(environment, release=NEW):
    found = lint(environment, parse_release(release) if release else None)
    return [(finding.name, finding.severity, finding.code) for finding in found]


@pytest.mark.parametrize(
    ("environment", "release", "expected"),
    [
        ({}, NEW, []),
        ({"OLLAMA_HOST": "0.0.0.0:11434", "OLLAMA_NUM_PARALLEL": "4", "LLAMA_ARG_THREADS": "14"}, NEW, []),
        ({"HOME": "/var/lib/ollama", "HTTPS_PROXY": "http://proxy:3128", "PATH": "/usr/bin", "XYZ": "q"}, NEW, []),
        ({"TOKENIZERS_PARALLELISM": "0", "SSL_KEY_FILE": "/etc/x", "KEYBOARD": "de"}, NEW, []),
        ({"OLLAMA_NUM_PARALEL": "4"}, NEW, [("OLLAMA_NUM_PARALEL", "inert", "unknown")]),
        ({"LLAMA_ARG_BANANA": "4"}, NEW, [("LLAMA_ARG_BANANA", "inert", "unknown")]),
        ({"GGML_BANANA": "4"}, NEW, [("GGML_BANANA", "inert", "unknown")]),
        ({"ollama_host": "::"}, NEW, [("ollama_host", "inert", "unknown")]),
        ({"LLAMA_ARG_NO_MMAP": "0"}, NEW, [("LLAMA_ARG_NO_MMAP", "fatal", "negated")]),
        ({"LLAMA_ARG_NO_MMAP": "1"}, NEW, [("LLAMA_ARG_NO_MMAP", "advice", "negated")]),
        ({"LLAMA_ARG_NO_MMAP": "0"}, OLD, [("LLAMA_ARG_NO_MMAP", "inert", "not-yet")]),
        ({"LLAMA_ARG_NO_HOST": "1"}, NEW, []),
        ({"OLLAMA_NUM_THREADS": "14"}, NEW, [("OLLAMA_NUM_THREADS", "inert", "never")]),
        ({"OMP_NUM_THREADS": "14"}, NEW, [("OMP_NUM_THREADS", "inert", "never")]),
        ({"OLLAMA_NEW_ENGINE": "1"}, NEW, [("OLLAMA_NEW_ENGINE", "inert", "removed")]),
        ({"OLLAMA_NEW_ENGINE": "1"}, OLD, []),
        ({"OLLAMA_NEW_ENGINE": "off"}, OLD, [("OLLAMA_NEW_ENGINE", "fatal", "malformed")]),
        ({"OLLAMA_NEW_ENGINE": "1"}, None, [("OLLAMA_NEW_ENGINE", "advice", "release-unknown")]),
        ({"OLLAMA_TMPDIR": "/tmp"}, None, [("OLLAMA_TMPDIR", "inert", "removed")]),
        ({"LLAMA_ARG_THREADS": "14"}, OLD, [("LLAMA_ARG_THREADS", "inert", "not-yet")]),
        ({"LLAMA_ARG_THREADS": "14"}, None, [("LLAMA_ARG_THREADS", "advice", "release-unknown")]),
        ({"OLLAMA_GPU_OVERHEAD": "1"}, NEW, [("OLLAMA_GPU_OVERHEAD", "inert", "changed")]),
        ({"OLLAMA_GPU_OVERHEAD": "1"}, OLD, []),
        ({"LLAMA_ARG_MLOCK": "1"}, NEW, [("LLAMA_ARG_MLOCK", "advice", "changed")]),
        ({"LLAMA_ARG_MLOCK": "1"}, "0.40.0", [("LLAMA_ARG_MLOCK", "inert", "changed")]),
        ({"LLAMA_ARG_MLOCK": "1"}, "0.32.5", []),
        ({"LLAMA_ARG_CTX_SIZE": "4096"}, NEW, [("LLAMA_ARG_CTX_SIZE", "inert", "overridden")]),
        (
            {"LLAMA_ARG_CTX_SIZE": "large"},
            NEW,
            [("LLAMA_ARG_CTX_SIZE", "fatal", "fatal-value"), ("LLAMA_ARG_CTX_SIZE", "inert", "overridden")],
        ),
        ({"LLAMA_ARG_CTX_SIZE": "4k"}, NEW, [("LLAMA_ARG_CTX_SIZE", "inert", "overridden")]),
        ({"LLAMA_ARG_CTX_SIZE": "large"}, OLD, [("LLAMA_ARG_CTX_SIZE", "inert", "overridden")]),
        ({"LLAMA_ARG_API_PREFIX": "/x"}, NEW, [("LLAMA_ARG_API_PREFIX", "fatal", "dangerous")]),
        ({"LLAMA_ARG_SSL_CERT_FILE": "/x"}, NEW, [("LLAMA_ARG_SSL_CERT_FILE", "fatal", "dangerous")]),
        ({"OLLAMA_LIBRARY_PATH": "/x"}, NEW, [("OLLAMA_LIBRARY_PATH", "inert", "internal")]),
        ({"OLLAMA_LIBRARY_PATH": "/x"}, OLD, [("OLLAMA_LIBRARY_PATH", "fatal", "internal")]),
        ({"GGML_BACKEND_PATH": "/x"}, NEW, [("GGML_BACKEND_PATH", "fatal", "internal")]),
        ({"OLLAMA_AUTH": "1"}, NEW, [("OLLAMA_AUTH", "inert", "client-only")]),
        ({"OLLAMA_VERSION": "0.34.1"}, NEW, [("OLLAMA_VERSION", "inert", "installer")]),
        ({"OLLAMA_FAST_BUILD": "1"}, NEW, [("OLLAMA_FAST_BUILD", "inert", "build-only")]),
        ({"OLLAMA_KEEP_ALIVE": "1d"}, NEW, [("OLLAMA_KEEP_ALIVE", "fatal", "malformed")]),
        ({"OLLAMA_MODELS": ""}, NEW, [("OLLAMA_MODELS", "inert", "empty")]),
        ({"CUDA_VISIBLE_DEVICES": ""}, NEW, [("CUDA_VISIBLE_DEVICES", "fatal", "malformed")]),
        ({"OLLAMA_NOPRUNE": "off"}, NEW, [("OLLAMA_NOPRUNE", "fatal", "malformed")]),
        ({"OLLAMA_NOPRUNE": "Yes"}, NEW, [("OLLAMA_NOPRUNE", "advice", "malformed")]),
        ({"OLLAMA_LLM_LIBRARY": "cuda"}, NEW, [("OLLAMA_LLM_LIBRARY", "fatal", "fatal-value")]),
        ({"OLLAMA_LLM_LIBRARY": "cuda"}, "0.12.4", [("OLLAMA_LLM_LIBRARY", "fatal", "fatal-value")]),
        ({"OLLAMA_LLM_LIBRARY": "cuda"}, "0.12.3", [("OLLAMA_LLM_LIBRARY", "fatal", "malformed")]),
        ({"OLLAMA_LLM_LIBRARY": "cuda"}, None, [("OLLAMA_LLM_LIBRARY", "fatal", "fatal-value")]),
        ({"OLLAMA_KV_CACHE_TYPE": "q8"}, NEW, [("OLLAMA_KV_CACHE_TYPE", "fatal", "fatal-value")]),
        ({"LLAMA_ARG_THREADS": "0"}, NEW, [("LLAMA_ARG_THREADS", "advice", "out-of-range")]),
        ({"LLAMA_ARG_THREADS": "four"}, NEW, [("LLAMA_ARG_THREADS", "fatal", "fatal-value")]),
        ({"LLAMA_ARG_THREADS": "8 of 16"}, NEW, [("LLAMA_ARG_THREADS", "fatal", "malformed")]),
        ({"XYZ": "one\ntwo"}, NEW, [("XYZ", "fatal", "malformed")]),
        ({"A B": "1"}, NEW, [("A B", "fatal", "name")]),
        ({"": "1"}, NEW, [("", "fatal", "name")]),
        ({"LLAMA_ARG_NUMA": "distribute"}, NEW, [("LLAMA_ARG_NUMA", "advice", "undoes-binding")]),
        ({"LLAMA_ARG_NUMA": "isolate"}, NEW, [("LLAMA_ARG_NUMA", "advice", "undoes-binding")]),
        ({"LLAMA_ARG_NUMA": "numactl"}, NEW, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, NEW, [("CUDA_VISIBLE_DEVICES", "advice", "back-through-vulkan")]),
        ({"CUDA_VISIBLE_DEVICES": "-1", "OLLAMA_VULKAN": "0"}, NEW, []),
        ({"CUDA_VISIBLE_DEVICES": "-1", "GGML_VK_VISIBLE_DEVICES": "-1"}, NEW, []),
        ({"CUDA_VISIBLE_DEVICES": "-1", "GGML_DISABLE_VULKAN": "1"}, NEW, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, OLD, []),
        ({"CUDA_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "0"}, OLD, HIDDEN),
        ({"CUDA_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"}, OLD, []),
        ({"CUDA_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "-1"}, OLD, []),
        ({"CUDA_VISIBLE_DEVICES": "0", "ROCR_VISIBLE_DEVICES": "0"}, OLD, []),
        ({"CUDA_VISIBLE_DEVICES": "1", "ROCR_VISIBLE_DEVICES": "0"}, OLD, HIDDEN),
        ({"CUDA_VISIBLE_DEVICES": "0", "ROCR_VISIBLE_DEVICES": "0,1"}, OLD, HIDDEN),
        ({"CUDA_VISIBLE_DEVICES": "1,0", "ROCR_VISIBLE_DEVICES": "0,1"}, OLD, []),
        ({"CUDA_VISIBLE_DEVICES": "-1", "HSA_OVERRIDE_GFX_VERSION": "10.3.0"}, OLD, HIDDEN),
        ({"HSA_OVERRIDE_GFX_VERSION": "11.0.2"}, NEW, [("HSA_OVERRIDE_GFX_VERSION", *ALONE)]),
        ({"HSA_OVERRIDE_GFX_VERSION_0": "11.0.2"}, NEW, [("HSA_OVERRIDE_GFX_VERSION_0", *ALONE)]),
        ({"HSA_OVERRIDE_GFX_VERSION": "11.0.2", "OLLAMA_IGPU_ENABLE": "1"}, NEW, []),
        ({"HSA_OVERRIDE_GFX_VERSION": "11.0.2"}, OLD, []),
        (
            {"LLAMA_ARG_CACHE_TYPE_K": "q8_0", "OLLAMA_KV_CACHE_TYPE": "q8_0"},
            NEW,
            [("LLAMA_ARG_CACHE_TYPE_K", "inert", "overridden")],
        ),
    ],
)  # fmt: skip
def test_finding(environment, release, expected):
    """Each kind of mistake has its code, and what is fine has none."""
    assert codes(environment, release) == expected


@pytest.mark.parametrize(
    ("release", "flash", "kind", "severity"),
    [
        (NEW, "0", "q8_0", "fatal"),
        (NEW, "false", "q4_0", "fatal"),
        (None, "0", "q8_0", "fatal"),
        (OLD, "0", "q8_0", "advice"),
        (NEW, "0", "f16", None),
        (NEW, "1", "q8_0", None),
    ],
)
def test_quantised_cache_needs_flash_attention(release, flash, kind, severity):
    """From 0.30.0 on every load would fail; before, the server falls back."""
    found = codes({"OLLAMA_FLASH_ATTENTION": flash, "OLLAMA_KV_CACHE_TYPE": kind}, release)
    assert found == ([("OLLAMA_KV_CACHE_TYPE", severity, "needs-flash-attention")] if severity else [])


def test_another_vendors_variable_is_named_with_the_one_that_helps():
    """The cards that are lost are AMD's, and the remedy says how their indexes count."""
    environment = {"CUDA_VISIBLE_DEVICES": "-1", "OLLAMA_VULKAN": "0", "ROCR_VISIBLE_DEVICES": "0"}
    (finding,) = lint(environment, parse_release(NEW))
    assert "hides the AMD cards that ROCR_VISIBLE_DEVICES=0 means" in finding.message
    assert "set HIP_VISIBLE_DEVICES too" in finding.remedy


def test_an_override_is_no_finding_where_the_plan_knows_the_hardware():
    """The plan itself warns where the only card is integrated, and says nothing where it is not."""
    assert lint({"HSA_OVERRIDE_GFX_VERSION": "11.0.2"}, parse_release(NEW), hardware_known=True) == []


def test_quantised_values_need_flash_attention():
    """The runner's own variable is bound by the same rule; keys are not."""
    environment = {"OLLAMA_FLASH_ATTENTION": "0", "LLAMA_ARG_CACHE_TYPE_V": "q8_0", "LLAMA_ARG_CACHE_TYPE_K": "q8_0"}
    assert codes(environment) == [("LLAMA_ARG_CACHE_TYPE_V", "fatal", "needs-flash-attention")]


@pytest.mark.parametrize(
    "name",
    ["OLLAMA_API_KEY", "LLAMA_API_KEY", "OLLAMA_API_TOKEN", "HF_TOKEN", "OPENAI_APIKEY", "my_secret", "DB_PASSWORDS"],
)
@pytest.mark.parametrize("release", [NEW, OLD, None])
def test_secret_is_refused_and_never_shown(name, release):
    """A unit's environment is for everybody to read, and so are messages."""
    found = lint({name: "hunter2"}, parse_release(release) if release else None)
    assert "secret" in {finding.code for finding in found if finding.severity == "fatal"}
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_TOKENS", "4096"), ("HF_TOKEN", ""), ("TOKENIZERS_PARALLELISM", "false"), ("HF_TOKEN_PATH", "/etc/token")],
)
def test_what_only_looks_like_a_secret_is_somebody_elses_business(name, value):
    """A count of tokens, an empty value and a path are no secrets."""
    assert codes({name: value}) == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "FTP_PROXY"])
def test_password_of_a_proxy_is_a_secret(name):
    """It is refused, and the remedy is another address, or a file that root alone can read."""
    (found,) = lint({name: "http://me:hunter2@proxy:3128"}, parse_release(NEW))
    assert (found.code, found.remedy) == ("secret", f"use an address without a password, or {KEEP_APART}")
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("environment", "release", "message", "remedy"),
    [
        ({"OLLAMA_NUM_THREADS": "14"}, NEW, "it has no effect: no release reads it", "use ollama_num_threads"),
        ({"OLLAMA_NUM_PARALEL": "4"}, NEW, "no known release reads this name", "did you mean OLLAMA_NUM_PARALLEL?"),
        ({"OLLAMA_NUM_THRED": "4"}, NEW, "no known release reads this name", "use ollama_num_threads"),
        ({"OLLAMA_Z": "4"}, NEW, "no known release reads this name", "look the name up in docs/settings.md"),
        (
            {"OLLAMA_NEW_ENGINE": "1"},
            NEW,
            "0.34.1 no longer reads it, it acted from 0.5.12 to 0.24.0",
            "leave it out",
        ),
        ({"LLAMA_ARG_THREADS": "1"}, OLD, "0.24.0 does not read it yet, it acts from 0.30.0 on", "leave it out"),
        (
            {"OLLAMA_MULTIUSER_CACHE": "1"},
            NEW,
            "0.34.1 no longer reads it, it acted from 0.4.0 to 0.24.0",
            "use LLAMA_ARG_CACHE_RAM",
        ),
        (
            {"OLLAMA_TENSOR_SPLIT": "1"},
            OLD,
            "it has no effect: no release reads it",
            "leave it out; LLAMA_ARG_TENSOR_SPLIT does this from 0.30.0 on",
        ),
        (
            {"LLAMA_ARG_NO_REPACK": "0"},
            NEW,
            "the mere presence of this name switches LLAMA_ARG_REPACK off, whatever its value",
            "write LLAMA_ARG_REPACK=0",
        ),
        (
            {"LLAMA_ARG_THREADS": "x"},
            NEW,
            "'x' is not a plain number; llama-server stops on what it cannot read, so no model would load",
            "correct it, or leave it out for the default, every physical core of the host",
        ),
        (
            {"OLLAMA_LLM_LIBRARY": "cuda"},
            NEW,
            (
                "'cuda' is not one of cuda_v12, cuda_v13, rocm_v7_2, vulkan, cuda_jetpack5, cuda_jetpack6;"
                " it hides every GPU"
            ),
            "correct it, or leave it out for the default, chosen by card and driver",
        ),
    ],
)
def test_finding_says_what_and_what_to_do(environment, release, message, remedy):
    """Message and remedy are clauses that stand in a longer sentence."""
    (found,) = lint(environment, parse_release(release))
    assert (found.message, found.remedy) == (message, remedy)


@pytest.mark.parametrize(("length", "shown"), [(80, "q" * 80), (81, "q" * 77 + "...")])
def test_a_finding_shows_at_most_80_characters_of_a_value(length, shown):
    """A long value must not fill the terminal, and one that fits is shown whole."""
    (found,) = lint({"OLLAMA_KV_CACHE_TYPE": "q" * length}, parse_release(NEW))
    assert f"'{shown}'" in found.message


def test_findings_are_sorted():
    """The order does not depend on the order of the environment."""
    environment = {"OLLAMA_TLS": "1", "OLLAMA_API_KEY": "x", "LLAMA_API_KEY": "x", "A B": "1"}
    backwards = dict(reversed(environment.items()))
    found = lint(environment, None)
    assert found == lint(backwards, None)
    assert found == sorted(found, key=lambda finding: (finding.name, finding.code))


@pytest.mark.parametrize("release", [OLDER, *CHANGES, "0.30.0-rc1", *NEWER, None])
def test_every_known_name_has_a_verdict(release):
    """A name is no more than advised on but for its value if it acts, and always a finding if it does not."""
    parsed = parse_release(release) if release else None
    wrong = []
    for name in (known.replace("*", "X") for known in load().by_name):
        found = codes({name: "1"}, release)
        errors = [code for _name, severity, code in found if severity != "advice" and "value" not in code]
        errors = [code for code in errors if code not in ("malformed", "secret")]
        if errors if load().acts(name, parsed) else not found:
            wrong.append(name)
    assert not wrong


NAMES = st.one_of(
    st.sampled_from(sorted(load().by_name)), st.builds("OLLAMA_{}".format, st.text(max_size=5)), st.text(max_size=9)
)


@given(
    st.dictionaries(NAMES, st.one_of(st.text(max_size=12), st.sampled_from(["0", "1", "-1", "q8_0"])), max_size=6),
    releases,
)
def test_lint_takes_any_text(environment, release):
    """No environment makes it fail, each finding is complete, and it says the same twice."""
    parsed = parse_release(release) if release else None
    found = lint(environment, parsed)
    assert found == lint(environment, parsed)
    for finding in found:
        assert isinstance(finding, Finding)
        assert finding.name in environment
        assert finding.severity in SEVERITIES
        assert finding.code in CODES
        assert finding.message.strip()
        assert finding.remedy.strip()
        assert not finding.message.endswith(".")
        assert not finding.remedy.endswith(".")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
def test_proxies_in_small_letters_are_read_too(name):
    """Go takes either form, so that a value is as wrong in the one as in the other."""
    assert codes({name: "proxy.example.org:3128"}, NEW) == [(name, "fatal", "malformed")]
    assert codes({name: "http://proxy.example.org:3128"}, NEW) == []


def test_a_proxy_in_capitals_wins():
    """Of two that differ only one acts."""
    both = {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}
    assert codes(both, NEW) == [("https_proxy", "inert", "overridden")]
    assert codes({**both, "HTTPS_PROXY": ""}, NEW) == [("HTTPS_PROXY", "fatal", "malformed")]
    assert codes(dict.fromkeys(both, "http://a:1"), NEW) == []


@pytest.mark.parametrize(
    ("name", "value", "release", "severity", "said"),
    [
        ("OLLAMA_NUM_PARALLEL", '"4"', NEW, "advice", "takes it for '4'"),
        ("OLLAMA_KEEP_ALIVE", "' 24h '", OLD, "advice", "takes it for '24h'"),
        ("OLLAMA_KEEP_ALIVE", "'1d'", NEW, "fatal", "a quote"),
        ("OLLAMA_FLASH_ATTENTION", "'off'", NEW, "fatal", "a quote"),
        ("OLLAMA_MODELS", '"/srv/models"', NEW, "advice", "takes it for '/srv/models'"),
        ("OLLAMA_KV_CACHE_TYPE", "Q8_0", NEW, "advice", "takes it for 'q8_0'"),
        ("OLLAMA_KV_CACHE_TYPE", "Q8_0", "0.24.0", "advice", "takes it for 'q8_0'"),
        ("OLLAMA_KV_CACHE_TYPE", "q5_1", NEW, "advice", "takes it for 'q5_1'"),
        ("OLLAMA_KV_CACHE_TYPE", "q5_1", "0.24.0", "fatal", "is not one of"),
        ("OLLAMA_KV_CACHE_TYPE", "q9_0", NEW, "fatal", "stops every load"),
        ("LLAMA_ARG_SWA_FULL", "no", NEW, "advice", "leaves it off"),
        ("LLAMA_ARG_SWA_FULL", "yes", NEW, "fatal", "leaves it off"),
        ("MTMD_BACKEND_DEVICE", "gpu", NEW, "fatal", "llama-server stops"),
        ("LLAMA_ARG_THREADS", "'8'", NEW, "fatal", "llama-server stops"),
    ],
)
def test_a_value_that_its_reader_takes_as_it_is_meant_is_advice(name, value, release, severity, said):
    """Ollama strips quotes and writes types of the cache in small letters; llama-server does neither."""
    (found,) = lint({name: value}, parse_release(release))
    assert found.severity == severity
    assert said in found.message


@pytest.mark.parametrize("value", ["none", "CUDA0", "CUDA0,CUDA1", "Vulkan0"])
def test_devices_of_a_runner_have_numbers(value):
    """A runner stops on any other name, and none stands for the processor alone."""
    assert codes({"LLAMA_ARG_DEVICE": value}, NEW) == []
    assert codes({"LLAMA_ARG_DEVICE": "gpu"}, NEW) == [("LLAMA_ARG_DEVICE", "fatal", "fatal-value")]
