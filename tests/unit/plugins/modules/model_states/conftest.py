# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module model on a server with models, whose registry nobody else is asked for."""

from __future__ import annotations

import contextlib

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models import model_state, presence, pull, registry
from ansible_collections.inference.ollama.tests.unit.plugins.modules.conftest import running
from ansible_collections.inference.ollama.tests.unit.support.model_server import LLAMA, Shelf, shelving


@pytest.fixture
def run(capsys):
    """Run the module."""
    return running("model", capsys)


@pytest.fixture(autouse=True)
def naps(monkeypatch):
    """The pauses between attempts, which take no time here."""
    slept = []
    monkeypatch.setattr(model_state, "Bounds", lambda retries, ends: pull.Bounds(retries, ends, sleep=slept.append))
    return slept


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """No registry but those of the tests is asked."""
    asked = presence.offered

    def offered(name, timeout, *, insecure=False):
        local = name.startswith("127.0.0.1:")
        return asked(name, timeout, insecure=insecure) if local else registry.Offer(problem="it is not reached")

    monkeypatch.setattr(presence, "offered", offered)


@pytest.fixture
def serve():
    """Start a server."""
    with contextlib.ExitStack() as servers:
        yield lambda shelf: servers.enter_context(shelving(shelf))


@pytest.fixture
def shelf():
    return Shelf(**{LLAMA: {"weights": "w1", "size": 1000}})


@pytest.fixture
def present(run, serve, shelf):
    """Run the module on the server with state present."""
    url = serve(shelf)
    return lambda name=LLAMA, **args: run(name=name, url=url, state="present", **args)
