# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value means what it seems to mean."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value, printable

GOOD = {
    "OLLAMA_HOST": [
        "127.0.0.1:11434",
        "0.0.0.0",
        ":11434",
        "[::1]:11434",
        "[::]",
        "gpu-1.example.org:80",
        "http://[::]:1",
        "::",
        "::1",
        "fe80::1%eth0",
        "[fe80::1%eth0]:11434",
        "'0.0.0.0'",
        '"[::1]:8200"',
        "' 0.0.0.0 '",
        "http://0.0.0.0:11434/",
        "0.0.0.0:11434/",
        "gpu-1/",
        "0.0.0.0:",
        "localhost:011434",
    ],
    "OLLAMA_ORIGINS": [
        "*",
        "https://a.example.org",
        "http://a:8080,app://*",
        "chrome-extension://abc",
        "http://10.0.0.*",
    ],
    "OLLAMA_MODELS": ["/var/lib/ollama/models", "/with blank/x"],
    "LD_LIBRARY_PATH": ["/a", "/a:/b"],
    "OLLAMA_NOPRUNE": ["1", "0", "t", "F", "TRUE", "false", "True"],
    "OLLAMA_DEBUG": ["0", "1", "2", "true"],
    "OLLAMA_KEEP_ALIVE": ["5m", "24h", "90s", "1h30m", "1.5h", ".5h", "300", "0", "-1", "-1m", "+5m", "100us", "1µs"],
    "OLLAMA_NUM_PARALLEL": ["1", "16", "007"],
    "OLLAMA_MAX_LOADED_MODELS": ["0", "3"],
    "OLLAMA_GPU_OVERHEAD": ["0", "2147483648000"],
    "OLLAMA_KV_CACHE_TYPE": ["f16", "q8_0", "q4_0"],
    "OLLAMA_REMOTES": ["ollama.com", "ollama.com,models.example.org:8443"],
    "OLLAMA_CLOUD_BASE_URL": ["http://127.0.0.1:8080", "https://[::1]/x"],
    "HTTPS_PROXY": ["http://proxy.example.org:3128", "socks5://user@10.0.0.1:1080"],
    "NO_PROXY": ["localhost,10.0.0.0/8,.example.org"],
    "CUDA_VISIBLE_DEVICES": [
        "0",
        "0,1",
        "-1",
        "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
        "MIG-GPU-8932f937/1/2,MIG-1b2c",
    ],
    "ROCR_VISIBLE_DEVICES": ["0,2", "GPU-0123456789abcdef"],
    "HIP_VISIBLE_DEVICES": ["0,2", "-1"],
    "HSA_OVERRIDE_GFX_VERSION": ["10.3.0", "9.0.a"],
    "JETSON_JETPACK": ["5", "6"],
    "GGML_CUDA_NO_PINNED": ["1"],
    "LLAMA_ARG_THREADS": ["1", "28"],
    "LLAMA_ARG_NUMA": ["distribute", "isolate", "numactl"],
    "LLAMA_ARG_FIT": ["on", "off", "1", "0", "enabled", "disabled"],
    "LLAMA_ARG_FIT_TARGET": ["1024", "512,2048"],
    "LLAMA_ARG_CACHE_RAM": ["-1", "0", "4096"],
    "LLAMA_ARG_N_GPU_LAYERS": ["auto", "all", "-1", "33"],
    "LLAMA_ARG_LOG_VERBOSITY": ["-1", "0", "3"],
    "LLAMA_ARG_TENSOR_SPLIT": ["3,1", "0.75,0.25", "1,0"],
    "LLAMA_ARG_DEVICE": ["CUDA0", "CUDA0,Vulkan1", "none"],
    "LLAMA_ARG_OVERRIDE_TENSOR": ["exps=CPU", r"blk\.[0-9]+\.ffn=CUDA0,exps=CPU"],
    "LLAMA_ARG_LOAD_MODE": ["mmap+mlock", "dio"],
    "LLAMA_ARG_ROPE_FREQ_SCALE": ["0.5", "1e6", "-1", "0"],
}
BAD = {
    "OLLAMA_HOST": [
        ("11434", "is not an address"), (":", "is not an address"), ("0.0.0.0:0", "port 0"),
        (":99999", "port 99999"),
        ("[::1%eth0]", "is not an address"), ("[::1%]:1", "is not an address"), ("300.1.1.1", "is not an address"),
        ("::1]:1", "is not an address"), ("a/b", "has a path"), ("'", "is not an address"),
        ("http://0.0.0.0", "means port 80"), ("https://a:443", "plain HTTP"), ("a:1/x", "has a path"),
        ("*:11434", "is not"),
        ("a_b:1", "is not an address"),
    ],
    "OLLAMA_ORIGINS": [
        ("app.example.org", "has no scheme"), ("null", "has no scheme"), ("https://a,,https://b", "has no scheme"),
        ("https://*.a.*", "more than one"), ("https://a, https://b", "has a blank"),
        ("tauri://localhost", r"tauri://\*"),
        ("https://a/", "has a path"), ("https://", "has no scheme"),
    ],
    "OLLAMA_MODELS": [("~/models", "nothing expands"), ("models", "not a path"), ("$HOME/models", "nothing expands")],
    "LD_LIBRARY_PATH": [("/a:", "not a path"), ("lib", "not a path")],
    "OLLAMA_NOPRUNE": [
        ("off", "switches it on"), ("no", "switches it on"), ("disabled", "switches it on"), ("2", "switches"),
    ],
    "OLLAMA_DEBUG": [("on", "not a level"), ("-1", "not a level"), ("3", "not a level")],
    "OLLAMA_KEEP_ALIVE": [
        ("1d", "five minutes"), ("forever", "five minutes"), ("5 m", "five minutes"), ("5M", "five minutes"),
        ("1h30", "five"),
        ("3000000h", "292 years"), ("9999999999999", "292 years"), ("m", "five minutes"), ("1.5", "five minutes"),
    ],
    "OLLAMA_NUM_PARALLEL": [
        ("0", "not in 1"), ("-1", "not in 1"), ("4x", "not a plain"), ("4.0", "not a plain"), ("9" * 12, "not in"),
    ],
    "OLLAMA_GPU_OVERHEAD": [("2GB", "without a unit"), ("9" * 25, "not in 0")],
    "OLLAMA_KV_CACHE_TYPE": [("q8", "is not one of f16, q8_0, q4_0"), ("Q8_0", "not one of"), ("bf16", "not one of")],
    "OLLAMA_REMOTES": [("https://ollama.com", "is not a list"), ("a,,b", "is not a list"), ("a:0", "port 0")],
    "OLLAMA_CLOUD_BASE_URL": [
        ("127.0.0.1:8080", "does not begin"), ("ftp://a", "does not begin"), ("http://", "has no host"),
    ],
    "HTTPS_PROXY": [("http://a:99999", "port 99999"), ("http://[::1", "has no host")],
    "CUDA_VISIBLE_DEVICES": [
        ("0,-1", "not a list of one kind"), ("0,GPU-8932f937", "not a list of one kind"), ("0,0", "twice"),
        ("all", "not a list"),
        ("0, 1", "not a list"), ("00", "not a list"), ("none", "not a list"),
    ],
    "HIP_VISIBLE_DEVICES": [("GPU-0123456789abcdef", "indexes such as 0,1 or -1")],
    "HSA_OVERRIDE_GFX_VERSION": [("gfx1030", "is not of the form 10.3.0")],
    "JETSON_JETPACK": [("7", "is not one of 5, 6")],
    "GGML_CUDA_NO_PINNED": [("0", "switches it on"), ("yes", "switches it on")],
    "LLAMA_ARG_THREADS": [
        ("0", "not in 1"), ("-1", "not in 1"), ("abc", "not a plain number"), ("14abc", "not a plain number"),
    ],
    "LLAMA_ARG_NUMA": [("on", "is not one of"), ("Distribute", "is not one of")],
    "LLAMA_ARG_FIT": [("True", "neither on nor off"), ("yes", "neither on nor off")],
    "LLAMA_ARG_FIT_TARGET": [("1GiB", "not a plain number"), ("1,", "not a plain number"), ("-1", "not in 0")],
    "LLAMA_ARG_CACHE_RAM": [("-2", "not in -1"), ("8G", "not a plain number")],
    "LLAMA_ARG_N_GPU_LAYERS": [("banana", "not a plain number or auto or all"), ("-5", "not in -1")],
    "LLAMA_ARG_TENSOR_SPLIT": [("1,x", "not a number"), ("0,0", "not a list"), ("2,-1", "not a list")],
    "LLAMA_ARG_ROPE_FREQ_SCALE": [
        ("1e99", "32-bit"), ("1e-99", "32-bit"), ("half", "not a number"), ("nan", "not a number"),
    ],
    "LLAMA_ARG_DEVICE": [("CUDA0,", "not of the form")],
}  # fmt: skip

# The words people write for yes and no, and what Go's strconv.ParseBool makes of them; None: an error, which Ollama
# takes for yes.
GO = {
    **dict.fromkeys(["1", "t", "T", "TRUE", "true", "True"], True),
    **dict.fromkeys(["0", "f", "F", "FALSE", "false", "False"], False),
}
NO = {"0", "no", "off", "false", "f", "n", "disabled", "disable", "none", "null", "never"}


def setting(name):
    return load().get(name)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_right_value_passes(name, value):
    """What Ollama and the operator read alike is fine."""
    assert check_value(setting(name), value, parse_release("0.34.1")) is None


@pytest.mark.parametrize(("name", "value", "why"), [(name, *case) for name, cases in BAD.items() for case in cases])
def test_wrong_value_is_explained(name, value, why):
    """What Ollama reads in another way, or not at all, gets a sentence that says so."""
    assert re.search(why, check_value(setting(name), value) or "")


@pytest.mark.parametrize("value", ["", " 1", "1 ", '"1"', "'1'", "1\n2", "1\x00", "1\x1b[0m", "1\u2028"])
def test_ornaments_are_refused_everywhere(value):
    """Not every reader strips them, and a line break would end the line of the unit."""
    assert not [name for name in GOOD if check_value(setting(name), value) is None]


@pytest.mark.parametrize(
    ("release", "value", "fine"),
    [
        ("0.11.4", "cuda_v11", True),
        ("0.24.0", "rocm", True),
        ("0.24.0", "rocm_v7_2", False),
        ("0.34.1", "rocm_v7_2", True),
        ("0.34.1", "rocm", False),
        ("0.34.1", "cpu", False),
        (None, "cuda_v12", True),
        (None, "rocm", False),
    ],
)
def test_library_depends_on_the_release(release, value, fine):
    """Directories are renamed between releases; an unknown release takes only names that all have."""
    result = check_value(setting("OLLAMA_LLM_LIBRARY"), value, parse_release(release) if release else None)
    assert (result is None) is fine


def test_secret_never_shows():
    """Neither the value of a secret nor a password in an address gets into a sentence."""
    assert "hunter2" not in check_value(setting("LLAMA_API_KEY"), "hunter2\n")
    assert "hunter2" not in check_value(setting("HTTPS_PROXY"), "ftp://me:hunter2@proxy")


def test_long_value_is_cut():
    """A page of text in a value makes no page of text in the message."""
    assert len(check_value(setting("OLLAMA_HOST"), "x_" * 5000)) < 300


@given(st.one_of(st.sampled_from(sorted(GO) + sorted(NO) + ["yes", "on", "enabled", "y"]), st.text(max_size=6)))
def test_accepted_boolean_means_what_was_meant(value):
    """Whatever passes is read by Go, and never a no that is read as a yes."""
    if check_value(setting("OLLAMA_NOPRUNE"), value) is None:
        assert GO[value] is (value.lower() not in NO)


@given(st.sampled_from(sorted(load().by_name)), st.text(max_size=30))
def test_any_text_gets_an_answer(name, value):
    """No text makes the check fail, and nothing that passes could break the line of a unit."""
    result = check_value(setting(name), value)
    assert result or printable(value)


@given(
    st.sampled_from(["OLLAMA_KEEP_ALIVE", "OLLAMA_HOST", "OLLAMA_ORIGINS"]),
    st.text("0123456789.hmsu:/*[]-@a ", max_size=12),
)
def test_near_misses_get_an_answer(name, value):
    """Text made of the right characters in any order gets an answer too."""
    result = check_value(setting(name), value)
    assert result is None or result[0] not in " ;"


@given(st.integers(-(2**70), 2**70))
def test_numbers_pass_within_their_bounds(number):
    """A number without bounds in the contract is one that fits what the runner keeps it in; 1024 slots are no slip."""
    assert (check_value(setting("LLAMA_ARG_TIMEOUT"), str(number)) is None) is (1 <= number < 2**31)
    assert (check_value(setting("OLLAMA_NUM_PARALLEL"), str(number)) is None) is (1 <= number <= 1024)
