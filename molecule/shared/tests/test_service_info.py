# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own reader against what the probe saw without it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def found(host):
    arguments = "command_timeout=60 api_timeout=60"
    return host.ansible("inference.ollama.service_info", arguments, become=True, check=False)


@pytest.fixture(scope="module")
def instance(found):
    return found["service"]["instances"][0]


def test_service_info_reads_every_part(found, instance):
    assert found["service"]["problems"] + instance["problems"] == []


def test_service_info_sees_the_release_and_the_processes(instance, observed, runner, server):
    assert instance["api"]["version"] == observed["version"]["version"]
    processes = [(process["pid"], process["cpus_allowed"]) for process in instance["processes"]]
    assert processes == [(server["pid"], server["cpus"]), (runner["pid"], runner["cpus"])]


def test_service_info_reads_the_threads_of_the_runner_in_the_journal(instance, runner, has_llama_server):
    if not has_llama_server:
        pytest.skip("before 0.30 no variable sets the number of threads")
    assert instance["journal"]["threads"]["used"] == int(runner["environ"]["LLAMA_ARG_THREADS"])


def test_service_info_shows_no_key(found, variables):
    assert variables.get("ollama_api_key", "no such key") not in json.dumps(found)
