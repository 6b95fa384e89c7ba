# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for Ollama must misread its environment exactly as Ollama does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from standin import environment, llama_server, runners

LAB = Path(__file__).resolve().parents[2] / "lab"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ("http", "127.0.0.1", 11434)),
        ("0.0.0.0", ("http", "0.0.0.0", 11434)),
        ("1.2.3.4:56", ("http", "1.2.3.4", 56)),
        (":56", ("http", "", 56)),
        ("::1", ("http", "::1", 11434)),
        ("[::1]:56", ("http", "::1", 56)),
        ("http://example.org", ("http", "example.org", 80)),
        ("https://example.org", ("https", "example.org", 443)),
        ("https://example.org:56/path", ("https", "example.org", 56)),
        ("1.2.3.4:66000", ("http", "1.2.3.4", 11434)),
        ("1.2.3.4:port", ("http", "1.2.3.4", 11434)),
    ],
)
def test_an_address_is_read_with_ollamas_defaults(value: str, expected: tuple[str, str, int]) -> None:
    assert environment.address(value) == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("", 300), ("90s", 90), ("24h", 86400), ("1h30m", 5400), ("60", 60), ("0", 0), ("1d", 300), ("five", 300)],
)
def test_a_duration_that_go_cannot_read_is_five_minutes(value: str, seconds: float) -> None:
    assert environment.duration(value) == seconds


@pytest.mark.parametrize("value", ["-1", "-1s"])
def test_a_negative_duration_is_for_ever(value: str) -> None:
    assert environment.duration(value) == environment.FOREVER


@pytest.mark.parametrize(("value", "expected"), [("", None), ("0", False), ("1", True), ("off", True), ("F", False)])
def test_a_boolean_that_is_no_known_word_is_true(value, expected) -> None:
    assert environment.boolean(value) is expected


@pytest.mark.parametrize(("seconds", "text"), [(300, "5m0s"), (86400, "24h0m0s"), (90, "1m30s"), (5, "5s")])
def test_durations_are_shown_as_go_shows_them(seconds: float, text: str) -> None:
    assert environment.go_duration(seconds) == text


def test_a_bare_host_among_the_origins_ends_the_server() -> None:
    environment.check_origins("https://example.org, *.example.org, tauri://app")
    with pytest.raises(ValueError, match="bad origin"):
        environment.check_origins("example.org")


def test_the_log_shows_the_settings_but_neither_the_key_nor_what_only_the_runner_reads() -> None:
    env = {"OLLAMA_NUM_PARALLEL": " '3' ", "OLLAMA_API_KEY": "hidden", "LLAMA_ARG_THREADS": "14"}
    shown = environment.shown(env, environment.read(env, "/home/o"))
    assert "OLLAMA_NUM_PARALLEL:3" in shown
    assert "OLLAMA_MODELS:/home/o/.ollama/models" in shown
    assert "hidden" not in shown
    assert "LLAMA_ARG_THREADS" not in shown


def test_a_number_that_is_none_is_named_in_the_log() -> None:
    assert environment.warnings({"OLLAMA_NUM_PARALLEL": "two"}) == ["key=OLLAMA_NUM_PARALLEL value=two default=1"]


@pytest.mark.parametrize("name", ["THREADS", "N_GPU_LAYERS", "FLASH_ATTN", "CACHE_TYPE_K", "NUMA", "MLOCK"])
def test_a_runner_refuses_a_variable_that_it_cannot_read(name: str) -> None:
    with pytest.raises(ValueError, match=f'environment variable "LLAMA_ARG_{name}"'):
        llama_server.options([], {f"LLAMA_ARG_{name}": "banana"}, print)


def test_a_runner_refuses_it_even_where_the_command_line_wins() -> None:
    with pytest.raises(ValueError, match="LLAMA_ARG_CTX_SIZE"):
        llama_server.options(["-c", "4096"], {"LLAMA_ARG_CTX_SIZE": "big"}, print)


def test_the_command_line_wins_with_a_warning() -> None:
    messages: list[str] = []
    found = llama_server.options(["-t", "4"], {"LLAMA_ARG_THREADS": "14"}, messages.append)
    assert found["THREADS"] == "4"
    assert messages[0].startswith("warn: LLAMA_ARG_THREADS environment variable is set, but will be overwritten")


def test_quantised_cache_without_flash_attention_fails() -> None:
    llama_server.check_cache({"CACHE_TYPE_V": "q8_0", "FLASH_ATTN": "on"})
    with pytest.raises(ValueError, match="requires flash_attn"):
        llama_server.check_cache({"CACHE_TYPE_V": "q8_0", "FLASH_ATTN": "off"})


def test_without_a_count_the_runner_takes_every_physical_core(tmp_path: Path) -> None:
    """Four logical CPUs that are siblings by twos are two cores."""
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        folder = tmp_path / f"devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert llama_server.physical_cores(str(tmp_path)) == 2


@pytest.mark.parametrize(
    ("version", "flag"), [("0.34.1", "--load-mode"), ("0.32.6", "--load-mode"), ("0.32.5", "--no-mmap")]
)
def test_the_runners_command_line_follows_the_release(version: str, flag: str) -> None:
    settings = environment.read({"OLLAMA_NUM_PARALLEL": "2", "OLLAMA_FLASH_ATTENTION": "0"}, "/home/o")
    command = runners.llama_server_command(settings, version, {"num_thread": 3}, 1234)
    given = dict(zip(command, command[1:]))
    assert flag in command
    assert (given["-c"], given["-np"], given["--flash-attn"], given["-t"]) == ("8192", "2", "off", "3")


def test_the_runner_is_started_with_ollamas_own_list_of_arguments() -> None:
    """llm/llama_server.go, in its order; a real llama-server is started with this (real-runner.sh)."""
    settings = environment.read({"OLLAMA_CONTEXT_LENGTH": "8192", "OLLAMA_KV_CACHE_TYPE": "q8_0"}, "/home/o")
    assert runners.llama_server_command(settings, "0.40.2", {}, 1234) == [
        *("/usr/local/lib/ollama/llama-server", "--model", "/home/o/.ollama/models/blobs/sha256-standin"),
        *("--port", "1234", "--host", "127.0.0.1", "--no-webui", "--offline", "-c", "8192", "-np", "1"),
        *("--log-verbosity", "4", "--no-log-prefix", "--no-log-timestamps", "--load-mode", "none"),
        *("--cache-type-k", "q8_0", "--cache-type-v", "q8_0", "--flash-attn", "auto", "-b", "512", "-ub", "512"),
    ]


@pytest.mark.parametrize("version", ["0.40.2", "0.32.5"])
def test_a_request_with_use_mmap_leaves_the_load_mode_to_the_runner(version: str) -> None:
    command = runners.llama_server_command(environment.read({}, "/home/o"), version, {"use_mmap": True}, 1234)
    assert not {"--load-mode", "--no-mmap"} & set(command)


def test_without_a_server_the_client_names_its_own_release_alone() -> None:
    done = subprocess.run(
        [sys.executable, LAB / "ollama", "--version"],
        check=True, capture_output=True, text=True, env={"OLLAMA_HOST": "127.0.0.1:1"},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "Warning: could not connect to a running Ollama instance",
        "Warning: client version is 0.34.1",
    ]


def test_requests_are_logged_as_often_as_a_file_says(tmp_path):
    """One request stands for as many as a test needs, and for itself without the file."""
    path = tmp_path / "flood"
    assert llama_server.repeated(str(path)) == 1
    path.write_text("1000\n")
    assert llama_server.repeated(str(path)) == 1000
    assert sum("prompt cache" in line for line in llama_server.REQUEST) == 2
