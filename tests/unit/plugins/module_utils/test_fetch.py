# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is under its name only when it is whole and right, however the server behaves."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from unittest.mock import patch

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._fetch import exchange
from ansible_collections.inference.ollama.plugins.module_utils._fetch.address import shown, split
from ansible_collections.inference.ollama.plugins.module_utils._fetch.ask import head, leads_to, read
from ansible_collections.inference.ollama.plugins.module_utils._fetch.fetch import Fetched, fetch
from ansible_collections.inference.ollama.plugins.module_utils._fetch.partial import Partial
from ansible_collections.inference.ollama.tests.unit.support.downloads import (
    Files,
    cut,
    hang,
    redirect,
    send,
    serving_files,
    status,
)

DATA = bytes(range(256)) * 400
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Nothing waits, and the waits are kept; no proxy of the machine is used."""
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return waited


def get(files, path, name="/f", **options):
    with serving_files(files) as url:
        return fetch(url + name, str(path), **{"timeout": 5, "retries": 3, **options})


def left(folder):
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("sha256", [None, SUM, SUM.upper()])
def test_a_file_is_downloaded(tmp_path, sha256):
    """With its checksum, and how far it is."""
    said = []
    files = Files({"/f": DATA})
    result = get(files, tmp_path / "f", sha256=sha256, progress=lambda *done: said.append(done))
    assert result == Fetched(len(DATA), 0, SUM)
    assert (tmp_path / "f").read_bytes() == DATA
    assert left(tmp_path) == ["f"]
    assert said[-1] == (len(DATA), len(DATA))
    assert len(files.asked) == 1


def test_a_file_that_is_there_is_not_asked_for(tmp_path):
    """Where its checksum is right."""
    (tmp_path / "f").write_bytes(DATA)
    files = Files({})
    assert get(files, tmp_path / "f", sha256=SUM) == Fetched(len(DATA), len(DATA), SUM)
    assert files.asked == []
    (tmp_path / "f").write_bytes(b"old")
    assert get(Files({"/f": DATA}), tmp_path / "f", sha256=SUM).resumed_bytes == 0


def test_a_download_that_is_cut_goes_on(tmp_path, pauses):
    """From where it was, for the same content, after longer and longer waits."""
    files = Files({"/f": DATA}, cut(5000), status(503), status(429, {"Retry-After": "7"}))
    assert get(files, tmp_path / "f") == Fetched(len(DATA), 0, SUM)
    assert (tmp_path / "f").read_bytes() == DATA
    assert files.asked[-1][2]["Range"] == "bytes=5000-"
    assert files.asked[-1][2]["If-Range"] == '"1"'
    assert pauses == [1.0, 2.0, 7.0]


def test_another_run_goes_on(tmp_path):
    """With what a run left that gave up, and says so."""
    with serving_files(Files({"/f": DATA}, cut(5000), status(503))) as url:
        with pytest.raises(
            OllamaError, match=r"503, .* \(2 attempts\); 5000 of 102400 bytes are in .*/f\.partial, and"
        ):
            fetch(f"{url}/f", str(tmp_path / "f"), timeout=5, retries=1)
        assert left(tmp_path) == ["f.partial", "f.partial.json"]
        assert fetch(f"{url}/f", str(tmp_path / "f"), timeout=5, retries=1) == Fetched(len(DATA), 5000, SUM)
    assert (tmp_path / "f").read_bytes() == DATA


def test_what_is_left_is_of_the_same_address(tmp_path):
    """And of the same content; else it begins from scratch."""
    files = Files({"/f": DATA, "/g": DATA}, cut(5000))
    with serving_files(files) as url:
        for name, resumed in (("/g", 0), ("/f", 0), ("/f", 5000)):
            files.faults = [cut(5000)]
            with pytest.raises(OllamaError, match="5000 of"):
                fetch(f"{url}/f", str(tmp_path / "f"), timeout=5, retries=0)
            files.tag = '"1"' if resumed or name == "/g" else '"2"'
            assert fetch(url + name, str(tmp_path / "f"), timeout=5, retries=0).resumed_bytes == resumed
            assert (tmp_path / "f").read_bytes() == DATA
            assert left(tmp_path) == ["f"]


def test_without_a_word_of_the_server_only_a_checksum_lets_it_go_on(tmp_path):
    """Else nobody knows whether the rest is of the same file."""
    for sha256, range_ in ((None, None), (SUM, "bytes=5000-")):
        files = Files({"/f": DATA}, cut(5000, {}), tag=None)
        get(files, tmp_path / "f", sha256=sha256)
        assert files.asked[1][2].get("Range") == range_
        os.unlink(tmp_path / "f")


def test_a_part_that_was_damaged_is_downloaded_again(tmp_path):
    """Once, since the checksum tells."""
    files = Files({"/f": DATA}, cut(5000))
    with serving_files(files) as url:
        with pytest.raises(OllamaError):
            fetch(f"{url}/f", str(tmp_path / "f"), sha256=SUM, timeout=5, retries=0)
        (tmp_path / "f.partial").write_bytes(b"x" * 5000)
        assert fetch(f"{url}/f", str(tmp_path / "f"), sha256=SUM, timeout=5, retries=0) == Fetched(len(DATA), 0, SUM)
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"{", b'{"address": 1}', b"[" * 4000, b'{"address": "?", "total": "x", "validator": 5}']
)
def test_a_note_that_is_damaged_counts_for_nothing(tmp_path, note):
    """The download begins from scratch."""
    (tmp_path / "f.partial").write_bytes(b"x" * 5000)
    (tmp_path / "f.partial.json").write_bytes(note)
    assert get(Files({"/f": DATA}), tmp_path / "f") == Fetched(len(DATA), 0, SUM)


def test_a_wrong_checksum_is_a_sentence_and_leaves_nothing(tmp_path):
    """What was there under the name stays."""
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(OllamaError, match=f"its SHA-256 is {SUM}, expected {'0' * 64}"):
        get(Files({"/f": DATA}), tmp_path / "f", sha256="0" * 64)
    assert left(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_knows_no_parts_sends_all(tmp_path, ranges):
    """And one whose file became shorter, too."""
    files = Files({"/f": DATA}, cut(5000), status(416) if ranges else None, ranges=ranges)
    assert get(files, tmp_path / "f") == Fetched(len(DATA), 0, SUM)
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_part_that_nobody_asked_for_is_not_taken(tmp_path):
    """The download begins from scratch."""

    def other(handler, data):
        send(handler, 206, data[10:], {"Content-Range": f"bytes 10-{len(data) - 1}/{len(data)}"})

    assert get(Files({"/f": DATA}, cut(5000), other), tmp_path / "f").sha256 == SUM
    assert get(Files({"/f": DATA}, other), tmp_path / "g").sha256 == SUM


@pytest.mark.parametrize("number", [401, 403, 404, 410])
def test_a_refusal_is_not_asked_again(tmp_path, number):
    """It would be the same."""
    files = Files({"/f": DATA}, status(number))
    with pytest.raises(OllamaError, match=f"/f: it answered with status {number}, expected 200$"):
        get(files, tmp_path / "f")
    assert len(files.asked) == 1


def test_a_server_that_is_silent_is_given_up(tmp_path):
    """Before it answers, in the middle of its headers, and in the middle of the file."""
    for begin in (b"", b"HTTP/1.1 200 OK\r\nContent-", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc"):
        files = Files({"/f": DATA})
        files.faults = [hang(files, begin)]
        with pytest.raises(OllamaError, match=r"did not answer within|nothing arrived for too long"):
            get(files, tmp_path / "f", timeout=0.2, retries=0)


def test_a_server_that_sends_a_byte_at_a_time_ends_with_the_time(tmp_path):
    """Whatever is left of it."""
    files = Files({"/f": DATA})

    def drip(handler, _data):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not files.over.wait(0.02):
            handler.wfile.write(b"x")

    files.faults = [drip]
    with pytest.raises(OllamaError, match="not there as a whole in the time it has"):
        get(files, tmp_path / "f", timeout=5, within=0.3)


def test_its_time_is_for_all_attempts(tmp_path):
    """No wait goes beyond it."""
    with pytest.raises(OllamaError, match="status 503, expected 200; its time is over"):
        get(Files({"/f": DATA}, status(503)), tmp_path / "f", within=0.5)


def test_a_line_that_drops_does_not_use_up_the_attempts(tmp_path):
    """As long as enough arrives in between."""
    data = DATA * 400

    def some(handler, whole):
        begin = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        headers = {"ETag": '"1"', "Content-Range": f"bytes {begin}-{len(whole) - 1}/{len(whole)}"}
        send(handler, 206 if begin else 200, whole[begin : begin + (9 << 20)], headers, len(whole) - begin)

    files = Files({"/f": data}, *[some] * 4)
    assert get(files, tmp_path / "f", retries=1).bytes == len(data)


@pytest.mark.parametrize("length", [None, 100_000])
def test_a_file_that_is_too_long_is_not_taken(tmp_path, length):
    """Whether the server says so or not."""

    def endless(handler, data):
        handler.send_response(200)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(data)

    with pytest.raises(OllamaError, match=r"at most 50000 are taken|more than 50000 bytes"):
        get(Files({"/f": DATA[:60_000]}, endless), tmp_path / "f", largest=50_000)
    assert not (tmp_path / "f").exists()


def test_there_has_to_be_room(tmp_path):
    """It is known before the first byte, and nothing is left where it is known later."""
    room = os.statvfs(tmp_path)
    small = os.statvfs_result([*room[:4], 10, *room[5:]])
    with patch("os.statvfs", return_value=small), pytest.raises(OllamaError, match="102400 bytes, and 40960 are free"):
        get(Files({"/f": DATA}), tmp_path / "f")
    assert left(tmp_path) == []
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        patch("os.statvfs", side_effect=OSError),
        patch.object(Partial, "add", side_effect=full),
        pytest.raises(OllamaError, match="no space is left after 0 of 102400 bytes"),
    ):
        get(Files({"/f": DATA}), tmp_path / "f")
    assert left(tmp_path) == []


def test_a_disk_that_fails_is_a_sentence(tmp_path):
    """Whichever call fails."""
    broken = OSError(errno.EIO, os.strerror(errno.EIO))
    for call in ("os.fsync", "os.replace", "os.ftruncate", "os.write"):
        with patch(call, side_effect=broken), pytest.raises(OllamaError, match=r"cannot be written \(Input/output"):
            get(Files({"/f": DATA}), tmp_path / "f")
    with pytest.raises(OllamaError, match=r"cannot be written \(No such file"):
        get(Files({"/f": DATA}), tmp_path / "none" / "f")
    os.mkfifo(tmp_path / "g.partial")
    with pytest.raises(OllamaError, match="not a regular file"):
        get(Files({"/f": DATA}), tmp_path / "g")


def test_redirects_are_followed(tmp_path):
    """With nothing secret to another host; the part that is asked for is the same."""
    other = Files({"/x": DATA}, cut(5000))
    with serving_files(other) as elsewhere:
        files = Files({}, *[redirect(f"{elsewhere.replace('127.0.0.1', 'localhost')}/x")] * 2)
        get(files, tmp_path / "f", headers={"Authorization": "Bearer s3cret"})
    assert files.asked[0][2]["Authorization"] == "Bearer s3cret"
    assert all("Authorization" not in headers for _method, _path, headers in other.asked)
    assert other.asked[1][2]["Range"] == "bytes=5000-"
    files = Files({"/g": DATA}, redirect("/g"))
    get(files, tmp_path / "g", headers={"X-Key": "k"})
    assert files.asked[1][2]["X-Key"] == "k"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file:///etc/shadow", "status 302"),
        ("http://x:99999/", "not the address of a file"),
        ("gopher://x/", "status 302"),
    ],
)
def test_redirects_lead_to_servers_alone(tmp_path, place, said):
    """And are not tried again."""
    files = Files({}, redirect(place))
    with pytest.raises(OllamaError, match=said):
        get(files, tmp_path / "f")
    assert len(files.asked) == 1


def test_a_circle_of_redirects_ends(tmp_path):
    """After a few."""
    files = Files({}, *[redirect("/f")] * 50)
    with pytest.raises(OllamaError):
        get(files, tmp_path / "f", retries=0)
    assert len(files.asked) < 15


def test_no_redirect_leads_from_https_to_http():
    """What was protected stays so."""
    request = exchange.urllib.request.Request("https://a.example/f")
    with pytest.raises(exchange.URLError, match=r"leads from https to http://b.example/f"):
        exchange._Redirects().redirect_request(request, io.BytesIO(), 302, "", {}, "http://b.example/f?sig=1")


def test_nothing_secret_is_shown(tmp_path):
    """Neither a password in the address nor a signature; both are sent."""
    files = Files({"/f": DATA}, status(403))
    with serving_files(files) as url:
        secret = url.replace("http://", "http://joe:pa%40ss@") + "/f?sig=s1gn"
        with pytest.raises(OllamaError) as error:
            fetch(secret, str(tmp_path / "f"), timeout=5, retries=0)
        fetch(secret, str(tmp_path / "f"), timeout=5, retries=0)
    assert str(error.value).startswith(f"{url}/f?…: it answered")
    assert files.asked[1][1] == "/f?sig=s1gn"
    assert files.asked[1][2]["Authorization"] == "Basic am9lOnBhQHNz"


@pytest.mark.parametrize(
    "url", ["", "ftp://x/f", "http://", "http://x:99999/", "http://x/a b", "http://[::1", "/etc/x"]
)
def test_what_is_no_address_is_refused(tmp_path, url):
    """In a sentence, without what may be secret in it."""
    for ask in (lambda: fetch(url, str(tmp_path / "f"), timeout=1, retries=0), lambda: head(url, 1)):
        with pytest.raises(OllamaError, match="not the address of a file"):
            ask()
    assert "pw" not in shown("http://joe:pw@[::1/f?pw")
    assert split("https://x.example").url == "https://x.example/"


def test_a_server_that_is_not_there_is_a_sentence(tmp_path, pauses):
    """After all attempts."""
    with pytest.raises(OllamaError, match=r"cannot be reached \(Connection refused\) \(3 attempts\)$"):
        fetch("http://127.0.0.1:1/f", str(tmp_path / "f"), timeout=5, retries=2)
    assert pauses == [1.0, 2.0]


def test_a_certificate_that_is_not_trusted_is_named():
    """And not tried again."""
    error = exchange.ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "self-signed certificate"
    failed = exchange._failed("https://x.example/f", exchange.URLError(error))
    assert "its certificate is not trusted by this host (self-signed certificate)" in str(failed)
    assert failed.again is False
    assert isinstance(exchange._failed("http://x/", KeyError("a")), KeyError)


def test_a_server_that_does_not_speak_tls_is_a_sentence(tmp_path):
    """Of https."""
    files = Files({"/f": DATA})
    with serving_files(files) as url, pytest.raises(OllamaError, match="/f: it cannot be reached"):
        fetch(f"{url.replace('http:', 'https:')}/f", str(tmp_path / "f"), timeout=5, retries=0)


def test_a_proxy_of_the_environment_is_used(tmp_path, monkeypatch):
    """With its password, which nobody reads."""
    files = Files({"http://far.example/f": DATA}, status(503))
    with serving_files(files) as url:
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://me:pr0xy@"))
        with pytest.raises(OllamaError) as error:
            fetch("http://far.example/f", str(tmp_path / "f"), timeout=5, retries=0)
        fetch("http://far.example/f", str(tmp_path / "f"), timeout=5, retries=0)
    assert "pr0xy" not in str(error.value)
    sent = {name.lower(): value for name, value in files.asked[1][2].items()}
    assert sent["proxy-authorization"] == "Basic bWU6cHIweHk="


def test_the_size_of_a_file_is_asked_for():
    """Of a server that knows HEAD, of one that does not, and of one that says nothing."""

    def silent(handler, _data):
        handler.send_response(200)
        handler.end_headers()

    with serving_files(files := Files({"/f": DATA})) as url:
        assert head(f"{url}/f", 5) == len(DATA)
        files.faults = [status(405)]
        assert head(f"{url}/f", 5) == len(DATA)
        files.faults = [silent]
        assert head(f"{url}/f", 5) is None
        files.faults = [status(405), status(206)]
        assert head(f"{url}/f", 5) is None
        with pytest.raises(OllamaError, match="status 404"):
            head(f"{url}/none", 5)
    assert files.asked[0][0] == "HEAD"


def test_short_files_are_read():
    """Of a bounded length, in a bounded time."""
    with serving_files(files := Files({"/f": DATA})) as url:
        assert read(f"{url}/f", 5, len(DATA)) == DATA
        with pytest.raises(OllamaError, match="more than 102399 bytes"):
            read(f"{url}/f", 5, len(DATA) - 1)
        files.faults = [cut(10)]
        with pytest.raises(OllamaError, match="ended after 10 of 102400"):
            read(f"{url}/f", 5, len(DATA))
        files.faults = [status(500)]
        with pytest.raises(OllamaError, match="status 500"):
            read(f"{url}/f", 5, len(DATA))

        def drip(handler, _data):
            handler.send_response(200)
            handler.end_headers()
            while not files.over.wait(0.02):
                handler.wfile.write(b"x")

        files.faults = [drip]
        with pytest.raises(OllamaError, match=r"broke off|not there as a whole within"):
            read(f"{url}/f", 0.3, len(DATA))


def test_where_an_address_leads_is_asked_for():
    """As that of the newest release does."""
    with serving_files(files := Files({"/v2": b"x"}, redirect("/v2"))) as url:
        assert leads_to(f"{url}/latest", 5) == f"{url}/v2"
        with pytest.raises(OllamaError, match="status 404"):
            leads_to(f"{url}/none", 5)
    assert files.asked[0][0] == "HEAD"
