# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime socket: whoever answers at it, and however, ends in an answer or in a sentence, in time."""

from __future__ import annotations

import threading
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._gateway import runtime
from ansible_collections.inference.ollama.plugins.module_utils._gateway.runtime import asker
from ansible_collections.inference.ollama.tests.unit.support.haproxy import listening


def test_an_answer_is_read_to_its_end(tmp_path):
    """However many parts it comes in."""

    def answer(connection, command):
        for part in (command, "-", "é" * 70000):
            connection.sendall(part.encode())

    with listening(tmp_path / "s", answer):
        assert asker(str(tmp_path / "s"))("show info") == f"show info-{'é' * 70000}"


def test_a_path_without_a_socket_is_refused(tmp_path):
    """Whether nothing is there, or something else."""
    with pytest.raises(OllamaError, match=r"none cannot be used \(No such file or directory\); allowed is"):
        asker(str(tmp_path / "none"))("show info")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OllamaError, match="file is not a socket"):
        asker(str(tmp_path / "file"))("show info")


def test_a_socket_that_nobody_listens_at_is_refused(tmp_path):
    """As one that a HAProxy has left behind which was killed."""
    with listening(tmp_path / "s", lambda _connection, _command: None):
        pass
    with pytest.raises(OllamaError, match=r"nobody answers at .*Connection refused"):
        asker(str(tmp_path / "s"))("show info")


def test_silence_is_not_waited_for(tmp_path):
    """Neither is a byte now and then."""
    over = threading.Event()

    def answer(connection, command):
        while command == "drip" and not over.wait(0.01):
            connection.sendall(b"x")
        over.wait(60)

    for command in ("nothing", "drip"):
        with listening(tmp_path / command, answer), pytest.raises(OllamaError, match=r"came at .* within 0.2 s"):
            asker(str(tmp_path / command), 0.2)(command)
    over.set()


def test_an_endless_answer_is_not_read_further(tmp_path):
    """It is refused once it is longer than any answer of HAProxy."""

    def answer(connection, _command):
        while True:
            connection.sendall(b"x" * 1000)

    few, refused = (
        patch.object(runtime, "_MOST_BYTES", 5000),
        pytest.raises(OllamaError, match="longer than 5000 bytes"),
    )
    with listening(tmp_path / "s", answer), few, refused:
        asker(str(tmp_path / "s"))("show stat")


def test_an_answer_that_is_no_text_is_refused(tmp_path):
    """What is shown of it moves no cursor."""

    def answer(connection, _command):
        connection.sendall(b"\xff\x1b[2J")

    with listening(tmp_path / "s", answer), pytest.raises(OllamaError, match="is not of HAProxy") as error:
        asker(str(tmp_path / "s"))("show stat")
    assert "\x1b" not in str(error.value)
