# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose process answers: by planted trees of /proc, and by sockets of this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._service import answers
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import whose_answer
from ansible_collections.inference.ollama.plugins.module_utils._service.api import read_api
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.unit import Unit
from ansible_collections.inference.ollama.tests.unit.support.processes import stat
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

NAME = "ollama.service"
URL = "http://127.0.0.1:11434"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
OURS = "0::/system.slice/ollama.service"
OTHER = "0::/system.slice/other.service"


def row(address, port, inode, state="0A"):
    """A line of /proc/net/tcp or tcp6."""
    packed = ipaddress.ip_address(address).packed
    words = (struct.unpack("=I", packed[at : at + 4])[0] for at in range(0, len(packed), 4))
    text = "".join(f"{word:08X}" for word in words)
    fields = f"00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0"
    return f"   0: {text}:{port:04X} {fields}\n"


class Tree:
    """A host below a folder: sockets that listen, and processes that hold them."""

    def __init__(self, folder, *listening, members=(100,), mounts="cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"):
        self.folder = folder
        plant(
            folder,
            {
                "/proc/mounts": mounts,
                **{
                    f"/proc/net/{name}": HEAD
                    + "".join(row(*each) for each in listening if (":" in each[0]) == (name == "tcp6"))
                    for name in ("tcp", "tcp6")
                },
                "/sys/fs/cgroup/system.slice/ollama.service/cgroup.procs": "".join(f"{pid}\n" for pid in members),
            },
        )
        (self.folder / "proc/self/ns").mkdir(parents=True)
        (self.folder / "proc/self/ns/net").symlink_to("net:[1]")

    def process(self, pid, *inodes, program="ollama", group=OURS, parent=1, network="net:[1]"):
        place = f"/proc/{pid}"
        plant(
            self.folder,
            {f"{place}/comm": program, f"{place}/cgroup": group, f"{place}/stat": stat(pid, program, parent)},
        )
        for kind in ("fd", "ns"):
            (self.folder / f"proc/{pid}/{kind}").mkdir()
        for number, inode in enumerate(inodes):
            (self.folder / f"proc/{pid}/fd/{number}").symlink_to(f"socket:[{inode}]")
        (self.folder / f"proc/{pid}/ns/net").symlink_to(network)
        return self

    def asked(self, url=URL, unit=None):
        return whose_answer(str(self.folder))(unit or Unit(NAME), url)


def test_the_units_own_process_is_its_own(tmp_path):
    """By its control group, where systemd was not asked."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(100, 3, 5)
    assert tree.asked() == (True, None, None)


@pytest.mark.parametrize(("address", "url"), [
    ("::", URL), ("0.0.0.0", URL), ("::ffff:127.0.0.1", URL), ("::1", "http://[::1]:11434"),
    ("::", "http://[::1]:11434/"), ("::", "http://[::]:11434"), ("0.0.0.0", "http://0.0.0.0:11434"),
    ("fe80::1", "http://[fe80::1%25eth0]:11434"),
])  # fmt: skip
def test_every_form_of_address(tmp_path, address, url):
    """A server at every IPv6 address takes IPv4 too; a zone is no part of what the kernel prints."""
    tree = Tree(tmp_path, (address, 11434, 5)).process(100, 5)
    assert tree.asked(url) == (True, None, None)
    tree = Tree(tmp_path / "x", (address, 11434, 5)).process(100).process(7, 5, program="python3", group=OTHER)
    assert tree.asked(url).own is False


def test_another_process_is_named(tmp_path):
    """By its program, PID and unit, while the unit's own server listens elsewhere."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), ("127.0.0.1", 11435, 6)).process(100, 6)
    answer = tree.process(7, 5, program="python3", group=OTHER).asked()
    assert (answer.own, tuple(answer.by)) == (False, (7, "python3", "other.service"))
    assert answer.reason == "python3 (PID 7, other.service) answers there, and is no process of ollama.service"


def test_another_ollama_is_another_process(tmp_path):
    """Of a user's manager with the same name of the unit, of a session, of another instance."""
    for number, group in enumerate([
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/ollama.service",
        "0::/user.slice/user-0.slice/session-3.scope", "0::/system.slice/system-ollama.slice/ollama@b.service",
    ]):  # fmt: skip
        tree = Tree(tmp_path / str(number), ("127.0.0.1", 11434, 5)).process(100).process(7, 5, group=group)
        assert tree.asked().own is False


def test_a_unit_that_does_not_run_answers_nobody(tmp_path):
    """Its control group is gone; the other process's says that it is another unit's."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), members=()).process(7, 5, program="nginx", group=OTHER)
    assert tree.asked().own is False


def test_the_closest_socket_takes_the_connection(tmp_path):
    """One bound to the address before one at every address, and of IPv4 before IPv6."""
    both = [("0.0.0.0", 11434, 5), ("127.0.0.1", 11434, 6), ("::", 11434, 7)]
    tree = Tree(tmp_path, *both).process(100, 6).process(7, 5, 7, group=OTHER)
    assert (tree.asked().own, tree.asked("http://[::1]:11434").own) == (True, False)
    tree = Tree(tmp_path / "x", both[0], both[2]).process(100, 5).process(7, 7, group=OTHER)
    assert (tree.asked().own, tree.asked("http://[::1]:11434").own) == (True, False)


def test_a_connection_is_no_listener(tmp_path):
    """Only sockets in the state LISTEN take connections."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), ("127.0.0.1", 11434, 6, "01")).process(100, 5)
    assert tree.process(7, 6, group=OTHER).asked().own is True


def test_a_port_that_is_shared_is_not_its_own(tmp_path):
    """SO_REUSEPORT lets the kernel choose; several processes of the unit may share theirs."""
    shared = [("127.0.0.1", 11434, 5), ("127.0.0.1", 11434, 6)]
    tree = Tree(tmp_path, *shared, members=(100, 101)).process(100, 5).process(101, 6)
    assert tree.asked().own is True
    tree = Tree(tmp_path / "x", *shared).process(100, 5).process(7, 6, group=OTHER)
    assert (tree.asked().own, tree.asked().reason.split(", and")[0]) == (
        False,
        "ollama (PID 7, other.service) answers there too",
    )


def test_a_descendant_of_the_unit_is_its_own_wherever_it_was_moved(tmp_path):
    """A wrapper opens a session, whose scope has another name; PAM moves the process there."""
    scope = "0::/user.slice/user-999.slice/session-c1.scope"
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(100, program="sudo")
    tree.process(110, program="sh", parent=100, group=scope).process(120, 5, parent=110, group=scope)
    assert tree.asked().own is True


def test_the_main_process_counts_wherever_it_is(tmp_path):
    """As systemd names it, where the control group is not in its usual place."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), members=()).process(100, 5, group="0::/")
    assert tree.asked(unit=Unit(NAME, main_pid=100)).own is True
    assert tree.asked().own is None


@pytest.mark.parametrize(("how", "words"), [
    ({"program": "nginx"}, "nginx (PID 7, other.service) listens there, and may hand requests on"),
    ({"program": "systemd-socket-"}, "may hand requests on"),
    ({"pid": 1, "program": "systemd", "group": "0::/init.scope"}, "systemd listens there for a socket unit"),
])  # fmt: skip
def test_what_hands_requests_on_may_be_an_answer_of_the_unit(tmp_path, how, words):
    """A proxy in front, and a socket of systemd's: not known, with the reason."""
    how = {"pid": 7, "group": OTHER, **how}
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), ("127.0.0.1", 11435, 6)).process(100, 6)
    answer = tree.process(how.pop("pid"), 5, **how).asked()
    assert answer.own is None
    assert words in answer.reason


def test_a_socket_of_systemd_that_a_service_has_is_the_services(tmp_path):
    """systemd keeps its own end open beside that of the service."""
    systemd = {"program": "systemd", "group": "0::/init.scope"}
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(1, 5, **systemd).process(100, 5)
    assert tree.asked().own is True
    tree = Tree(tmp_path / "x", ("127.0.0.1", 11434, 5)).process(1, 5, **systemd).process(100)
    answer = tree.process(7, 5, program="python3", group=OTHER).asked()
    assert (answer.own, answer.by.pid) == (False, 7)


def test_a_container_is_behind_what_listens(tmp_path):
    """Its client is the unit's main process; or the unit has a network namespace, by podman or by its directives."""
    docker = {"program": "docker-proxy", "group": "0::/system.slice/docker.service"}
    tree = Tree(tmp_path, ("0.0.0.0", 11434, 5)).process(100, program="docker").process(7, 5, **docker)
    assert (tree.asked().own, tree.asked().by.program) == (None, "docker-proxy")
    assert "docker runs the server in a container" in tree.asked().reason
    tree = Tree(tmp_path / "host", ("0.0.0.0", 11434, 5)).process(100, program="docker")
    assert tree.process(7, 5, group="0::/system.slice/docker-0a1b.scope").asked().own is None
    tree = Tree(tmp_path / "network", ("0.0.0.0", 11434, 5)).process(100, network="net:[2]")
    assert "network of its own" in tree.process(7, 5, program="relay", group=OTHER).asked().reason


def test_a_host_without_systemd_tells_no_processes_of_a_unit(tmp_path):
    """OpenRC, or a container: nobody's processes are known to be the unit's, or not to be."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5), members=(), mounts="").process(7, 5, group="0::/")
    assert (tree.asked().own, tree.asked().reason) == (
        None,
        "ollama (PID 7) listens there, and which processes are the unit's is not known",
    )


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_socket_whose_process_is_not_seen(tmp_path, monkeypatch, uid):
    """Who is not root cannot see it, and root not in another PID namespace."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    answer = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(100).asked()
    assert (answer.own, answer.by) == (None, None)
    assert ("who is not root" in answer.reason) == (uid != 0)
    assert "127.0.0.1, port 11434" in answer.reason


def test_an_answer_without_a_listener_is_nobodys(tmp_path, monkeypatch):
    """Rules of a firewall hand it on, it comes from another host, or /proc is not there."""
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(100, 5)
    assert tree.asked("http://127.0.0.1:1").reason == "no socket of this host listens at 127.0.0.1, port 1"
    assert tree.asked("http://192.0.2.7:11434").reason == "192.0.2.7 is no address of this host"
    assert "cannot be read" in whose_answer(str(tmp_path / "nothing"))(Unit(NAME), URL).reason
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [])
    assert tree.asked("http://gone.test:11434").reason == "no socket of this host listens at gone.test, port 11434"


def test_a_name_is_followed_in_the_order_of_its_addresses(tmp_path, monkeypatch):
    """The first one where something listens took the connection."""
    found = [(None, None, 0, "", (address, 0)) for address in ("::1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
    tree = Tree(tmp_path, ("127.0.0.1", 11434, 5)).process(100, 5)
    assert tree.asked("http://localhost:11434").own is True
    tree = Tree(tmp_path / "x", ("127.0.0.1", 11434, 5), ("::1", 11434, 6)).process(100, 5)
    assert tree.process(7, 6, group=OTHER).asked("http://localhost:11434").own is False


def test_the_port_of_a_scheme(tmp_path):
    """An address without a port means that of its scheme."""
    tree = Tree(tmp_path, ("127.0.0.1", 80, 5), ("127.0.0.1", 443, 6)).process(100, 5).process(7, 6, group=OTHER)
    assert (tree.asked("http://127.0.0.1").own, tree.asked("https://127.0.0.1").own) == (True, False)


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_no_text_of_proc_raises(tmp_path_factory, table, group, line):
    """Whatever stands in these files, there is an answer."""
    tree = Tree(tmp_path_factory.mktemp("t"), ("127.0.0.1", 11434, 5)).process(7, 5)
    data = {"proc/net/tcp6": table, "proc/7/cgroup": group, "proc/7/stat": line, "proc/7/comm": line}
    for path, text in data.items():
        (tree.folder / path).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert tree.asked().own in (True, False, None)


def test_sockets_of_this_machine():
    """A socket of this process is its own where it is the unit's main process, and another's where it is not."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        url = f"http://127.0.0.1:{one.getsockname()[1]}"
        whose = whose_answer()
        assert whose(Unit("no-such.service", main_pid=os.getpid()), url).own is True
        assert whose(Unit("no-such.service", main_pid=1 << 22), url).own is not True


def test_an_answer_of_another_process_tells_nothing_of_the_server():
    """Its release and models are not read, and a problem says who answers; what is not known is read, and said."""
    asked = []

    def fetch(url):
        asked.append(url)
        return ({"version": "0.34.1", "models": []}, None)

    root, by = Proc("/nowhere"), answers.Holder(7, "python3", None)
    found = read_api(root, fetch, URL, lambda: answers.Answer(own=False, by=by, reason="python3 (PID 7) answers there"))
    assert found == {"url": URL, "version": None, "models": None, "own": False, "answered_by": "python3 (PID 7)"}
    assert (asked, root.problems) == ([f"{URL}/api/version"], [f"{URL}/api/version: python3 (PID 7) answers there"])
    root = Proc("/nowhere")
    found = read_api(root, fetch, URL, lambda: answers.Answer(None, None, "nobody sees it"))
    assert (found["version"], found["models"], found["own"]) == ("0.34.1", [], None)
    assert root.problems == [f"{URL}/api/version: whose process answers is not known: nobody sees it"]
    assert read_api(root, fetch, URL, lambda: answers.Answer(own=True))["own"] is True
