# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections in network namespaces of their own (_exposure.py), here by addresses of loopback and without any."""

from __future__ import annotations

import contextlib
import socket

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _exposure
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome

TABLE = "table inet inference_ollama {\n}\n"


def programs(asked, **problems):
    """A runner that notes what it is asked; the problem of each command by a word of it."""

    def run(argv):
        asked.append(argv)
        found = next((problems[word] for word in argv if word in problems), None)
        return Outcome(None, found) if found else Outcome(TABLE, None)

    return run


@contextlib.contextmanager
def nowhere(_name):
    yield


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_the_table_of_the_kernel_is_tried_and_nothing_is_left(monkeypatch, port):
    """What nft lists is what is loaded beside the host's network; both namespaces go again."""
    monkeypatch.setattr(_exposure, "_OWN", ("127.0.0.9",))
    asked = []
    made = _exposure.reach(programs(asked), "inference_ollama", [port], ["127.0.0.2", "127.0.0.3"], nowhere)
    assert made["connections"] == [
        {"address": address, "port": port, "connected": True} for address in ("127.0.0.2", "127.0.0.3")
    ]
    assert (made["loaded"], made["problems"]) == (True, [])
    assert asked[0][1:] == ["-s", "list", "table", "inet", "inference_ollama"]
    names = [argv[3] for argv in asked if argv[1:3] == ["netns", "add"]]
    assert [argv[3] for argv in asked if argv[1:3] == ["netns", "delete"]] == names
    assert any(argv[1:4] == ["netns", "exec", names[0]] and argv[4].endswith("nft") for argv in asked)


def test_who_is_kept_out_is_not_connected(port):
    """A refused connection is an answer, and no problem."""
    assert _exposure._connects("127.0.0.2", "127.0.0.9", port) is False


def test_addresses_of_version_6_do_not_wait_and_get_a_route_of_their_own():
    """Each version has the server's address and its default route; the wait for duplicates would take a second."""
    asked = []
    own = _exposure._join(programs(asked), "s", "c", ["10.0.0.1", "fd00::1", "198.18.0.1"])
    assert own == {4: "198.18.0.2", 6: "2001:db8:fffd::1"}
    assert ["ip", "-n", "c", "address", "add", "fd00::1/128", "dev", "probe0", "nodad"] in asked
    assert ["ip", "-n", "s", "-6", "route", "add", "default", "dev", "probe0"] in asked


@pytest.mark.parametrize(
    ("problems", "loaded", "says"),
    [
        ({"list": "nft is not installed"}, None, "nft list table inet x: nft is not installed"),
        ({"netns": "ip is not installed"}, True, "connections could not be tried: ip netns add"),
        ({"veth": "Operation not permitted"}, True, "Operation not permitted"),
    ],
)
def test_what_cannot_be_tried_is_named(problems, loaded, says):
    """There are no connections then, and the namespaces are taken away all the same."""
    asked = []
    made = _exposure.reach(programs(asked, **problems), "x", [1], ["10.0.0.1"], nowhere)
    assert (made["loaded"], made["connections"]) == (loaded, [])
    assert says in made["problems"][0]
    assert loaded is None or asked[-1][1:3] == ["netns", "delete"]


def test_a_table_that_the_kernel_has_not_is_known_not_to_be_there(monkeypatch):
    """Where nft itself is there, its answer counts."""
    monkeypatch.setattr(_exposure, "NFT", "/proc/self/exe")
    made = _exposure.reach(programs([], list="Error: No such file or directory"), "x", [1], ["10.0.0.1"], nowhere)
    assert made["loaded"] is False


def test_a_namespace_that_is_not_there_is_an_error_of_the_system(monkeypatch, tmp_path):
    """Neither its file nor a descriptor of something else leads anywhere."""
    monkeypatch.setattr(_exposure, "_FOLDER", str(tmp_path))
    with pytest.raises(OSError, match="gone"), _exposure._inside("gone"):
        raise OllamaError("reached")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="setns"), _exposure._inside("file"):
        raise OllamaError("reached")
