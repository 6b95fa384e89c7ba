# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload of the gateway keeps of its servers."""

from __future__ import annotations

import socket
import stat
import threading

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._gateway import keeper

HEAD = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state ...\n"
ROW = "3 servers 1 {} 127.0.0.1 2 {} 5 5 2 15 3 4 6 0 0 0 - {} - 0 0 - - 0"
STATE = HEAD + "\n".join([ROW.format("n1:a", 8, 1), ROW.format("n2:a", 0, 2), ROW.format("n3:a", 0, 3)]) + "\n\n"
CONFIG = """\
backend addresses
    server n1:a 127.0.0.1:77 x
backend servers
    option httpchk
    server n1:a 127.0.0.1:11 check maxconn 1
    server n2:a [::1]:12 check maxconn 1
backend others
    server n1:a 127.0.0.1:99 track servers/n1:a
"""


def test_ports_are_those_of_the_new_configuration():
    """HAProxy would go on with the port of the state; a drained server stays so, one that is gone is left out."""
    expected = HEAD + ROW.format("n1:a", 8, 11) + "\n" + ROW.format("n2:a", 0, 12) + "\n"
    assert keeper.with_ports(STATE, CONFIG) == expected


@pytest.mark.parametrize("text", ["", "\n", "2\n# x\n", "Unknown command\n", "Can't find backend.\n"])
def test_what_is_no_state_is_refused(text):
    """Another answer would make HAProxy begin without any state, and so send requests to a drained server."""
    with pytest.raises(OllamaError, match="not a state of servers"):
        keeper.with_ports(text, CONFIG)


@pytest.fixture
def answering(tmp_path):
    """A socket that gives one answer, and notes what it was asked."""
    asked, threads = [], []

    def serve(answer):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def run():
            connection = listener.accept()[0]
            asked.append(connection.recv(1000))
            connection.sendall(answer)
            connection.close()
            listener.close()

        threads.append(threading.Thread(target=run))
        threads[0].start()
        return str(tmp_path / "s")

    yield serve, asked
    for thread in threads:
        thread.join(5)


def test_the_state_is_kept_for_root_alone(answering, tmp_path, capsys):
    """The file is replaced as a whole."""
    serve, asked = answering
    (tmp_path / "haproxy.cfg").write_text(CONFIG, encoding="utf-8")
    target = tmp_path / "state"
    assert keeper.main(["keep", serve(STATE.encode()), str(tmp_path / "haproxy.cfg"), str(target)]) == 0
    assert asked == [b"show servers state servers\n"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text(encoding="utf-8") == keeper.with_ports(STATE, CONFIG)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.is_socket()) == ["haproxy.cfg", "state"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("answer", [b"", b"\xff\n"])
def test_a_wrong_answer_ends_the_reload_with_a_sentence(answering, tmp_path, capsys, answer):
    """Nothing is written then."""
    serve, _asked = answering
    (tmp_path / "haproxy.cfg").write_text(CONFIG, encoding="utf-8")
    assert keeper.main(["keep", serve(answer), str(tmp_path / "haproxy.cfg"), str(tmp_path / "state")]) == 1
    assert "the state of the servers cannot be kept" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_without_haproxy_or_configuration_there_is_a_sentence(tmp_path, capsys):
    """Neither ends in a traceback."""
    (tmp_path / "haproxy.cfg").write_text(CONFIG, encoding="utf-8")
    assert keeper.main(["keep", str(tmp_path / "no"), str(tmp_path / "haproxy.cfg"), str(tmp_path / "state")]) == 1
    assert keeper.main(["keep", str(tmp_path / "no"), str(tmp_path / "no.cfg"), str(tmp_path / "state")]) == 1
    assert keeper.main(["x"]) == 2
    text = capsys.readouterr().err
    assert "cannot be used (No such file or directory)" in text
    assert "needed is keep SOCKET" in text


@pytest.mark.parametrize(("description", "status"), [("abc", 0), ("ab", 1)])
def test_the_gateway_is_waited_for(answering, capsys, description, status):
    """A reload answers at once, whether the new process serves or not; its description tells."""
    serve, asked = answering
    assert keeper.main(["await", serve(b"Name: HAProxy\ndescription: abc\nx: y\n"), description, "0"]) == status
    assert asked == [b"show info\n"]
    assert ("runs by another configuration still" in capsys.readouterr().err) == (status == 1)


def test_a_gateway_that_comes_late_is_waited_for(answering, tmp_path, monkeypatch):
    """It is asked again until its time is over."""
    serve, _asked = answering
    paused = []
    monkeypatch.setattr(keeper.time, "sleep", lambda _seconds: paused.append(serve(b"description: abc\n")))
    assert keeper.main(["await", str(tmp_path / "s"), "abc", "5"]) == 0
    assert len(paused) == 1


def test_a_gateway_that_does_not_come_ends_in_a_sentence(tmp_path, capsys):
    """With what the last try met."""
    assert keeper.main(["await", str(tmp_path / "s"), "abc", "0"]) == 1
    assert "cannot be used" in capsys.readouterr().err
    assert keeper.main(["await", "x", "abc", "soon"]) == 2
