# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release is that of the installed program, which need not be asked where its own server says it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology import release
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture import new
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import RecordingRoot
from ansible_collections.inference.ollama.plugins.module_utils._topology.release import read_release

SLOW = Outcome(None, "ollama --version did not answer within 5 s and was stopped")
ANSWER = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"version":"0.33.0"}'


class Host(Root):
    """The running host, on which this process is the server and ``said`` what programs answer."""

    def __init__(self, place="", said=SLOW, pid=None):
        super().__init__("/")
        self.place, self.said, self.pid, self.asked = place, said, os.getpid() if pid is None else pid, []

    def variable(self, _path, _name):
        return self.place

    def run(self, argv, *account):
        self.asked.append((argv[0], *account))
        return Outcome(f"MainPID={self.pid}\n", None) if argv[0] == "systemctl" else self.said

    def release(self, binary=sys.executable, unit="ollama.service"):
        return read_release(self, self.run, binary, unit, "ollama")


@pytest.fixture
def server():
    """Serve what a test gives, and return the port."""
    opened = []

    def serve(*parts):
        listening = socket.create_server(("127.0.0.1", 0))
        opened.append(listening)

        def answer():
            try:
                while True:
                    client, _address = listening.accept()
                    opened.append(client)
                    client.recv(65536)
                    for part in parts:
                        client.sendall(part)
                    if parts[-1:] != (b"",):
                        client.close()
            except OSError:
                return

        threading.Thread(target=answer, daemon=True).start()
        return listening.getsockname()[1]

    yield serve
    for each in opened:
        each.close()


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "0.0.0.0:{}", ":{}", "http://127.0.0.1:{}/", '"localhost:{}"'])
def test_a_server_that_runs_the_installed_file_says_its_release(server, form):
    """However slowly the program starts, a running server of the very file is asked, and the program is not."""
    host = Host(form.format(server(ANSWER)))
    assert host.release() == "0.33.0"
    assert (host.asked, host.problems) == ([("systemctl",)], [])


def test_a_program_that_was_replaced_is_asked_itself(server, tmp_path):
    """The next start runs the new file, of which the running server knows nothing."""
    new_file = tmp_path / "ollama"
    new_file.write_bytes(b"")
    host = Host(f"127.0.0.1:{server(ANSWER)}", Outcome("Warning: client version is 0.34.1\n", None))
    assert host.release(str(new_file)) == "0.34.1"
    assert host.asked == [("systemctl",), (str(new_file), "ollama")]


@pytest.fixture
def script(tmp_path):
    """A program that is a script, and its process; the script may call another one."""
    started = []

    def start(text="while true; do sleep 300; done", *, link=False):
        path = tmp_path / "ollama"
        path.write_text(f"#!/bin/sh\necho ready\n{text}\n")
        path.chmod(0o755)
        if link:
            path.rename(tmp_path / "ollama-1")
            path.symlink_to("ollama-1")
        # Changes within one tick of the clock are not kept apart.
        monotonic_wait()
        process = subprocess.Popen([path], stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return path, process.pid

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def monotonic_wait():
    """Let a tick of the kernel's clock pass, by which the start of a process is counted."""
    end = time.monotonic() + 0.05
    while time.monotonic() < end:
        select.select([], [], [], 0.01)


@pytest.mark.parametrize("link", [False, True])
def test_a_script_that_nobody_has_changed_since_is_the_program(server, script, link):
    """Its process runs an interpreter, whose file says nothing of the script."""
    path, pid = script(link=link)
    host = Host(f"127.0.0.1:{server(ANSWER)}", pid=pid)
    assert host.release(str(path)) == "0.33.0"


@pytest.mark.parametrize("link", [False, True])
def test_a_script_that_was_changed_since_is_asked_itself(server, script, link):
    """The next start runs the new one, or the file that its link leads to now."""
    path, pid = script(link=link)
    monotonic_wait()
    new = path.with_name("new")
    new.write_text("#!/bin/sh\n")
    os.utime(new, (1, 1))
    if link:
        path.unlink()
        path.symlink_to("new")
    else:
        new.rename(path)
    host = Host(f"127.0.0.1:{server(ANSWER)}", Outcome("ollama version is 0.34.1\n", None), pid=pid)
    assert host.release(str(path)) == "0.34.1"


@pytest.mark.parametrize("unit", [None, "ollama.service"])
def test_without_a_running_server_the_program_is_asked(unit):
    """A service that is stopped has no process, and a host without a unit has no service."""
    host = Host(said=Outcome("ollama version is 0.34.1\n", None), pid=0)
    assert host.release(unit=unit) == "0.34.1"


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.0 500 X\r\n\r\n", b'{"version":"0.33.0"}'),
        (b"HTTP/1.0 200 OK\r\n\r\n", b'{"version":"\\u001b[31m0.33.0"}'),
        (b"HTTP/1.0 200 OK\r\n\r\n", b'{"version":0.33}'),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"[" * 100000),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"[]"),
        (b"\xff" * 70000,),
    ],
)
def test_a_damaged_answer_counts_for_nothing(server, parts):
    """What is no release is passed over, and the program is asked, whose problem is then named."""
    host = Host(f"127.0.0.1:{server(*parts)}")
    assert host.release() is None
    assert host.problems == [SLOW.problem]


def test_a_server_that_never_ends_its_answer_is_left(server, monkeypatch):
    """The question has a limit of time as a whole."""
    monkeypatch.setattr(release, "_SECONDS", 0.3)
    host = Host(f"127.0.0.1:{server(ANSWER, b'')}")
    begun = time.monotonic()
    assert host.release() is None
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("place", ["a-name:1", "https://127.0.0.1:1", "127.0.0.1:99999", "127.0.0.1:1/x", "\x00"])
def test_only_addresses_in_numbers_are_asked(place):
    """A name would have to be looked up, which can take long, and no server speaks TLS."""
    host = Host(place, Outcome("ollama version is 0.34.1\n", None))
    assert host.release() == "0.34.1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ("127.0.0.1", 11434)),
        ("http://10.0.0.9", ("10.0.0.9", 80)),
        ("[::]:5", ("::1", 5)),
        ("[::1]", ("::1", 11434)),
        ("10.0.0.9", ("10.0.0.9", 11434)),
        ("::1", ("::1", 11434)),
        ("'0.0.0.0:8200'", ("127.0.0.1", 8200)),
        (":8200", ("127.0.0.1", 8200)),
        ("http://10.0.0.9:8200/ollama", ("10.0.0.9", 8200)),
        ("10.0.0.9:70000", ("10.0.0.9", 11434)),
        ("[fe80::1%eth0]:8200", ("fe80::1%eth0", 8200)),
        ("10.0.0.9:0", None),
        ("gpu-1:8200", None),
        ("\x00", None),
    ],
)
def test_addresses_are_read_as_the_server_reads_them(text, found):
    """Address and port may be left out, each for its default."""
    assert release._listens(text) == found


def test_a_recording_asks_the_program(tmp_path):
    """A capture holds what programs say, since it is read again without servers."""
    assert RecordingRoot("/", new()).asks_servers is False
    assert Root(str(tmp_path)).asks_servers is False
    assert Root("/").asks_servers is True
