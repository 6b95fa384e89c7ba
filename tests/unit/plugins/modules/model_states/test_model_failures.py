# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong while a model is pulled, and what the operator reads then."""

from __future__ import annotations

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._models import server
from ansible_collections.inference.ollama.tests.unit.support.model_server import LLAMA, did

OTHER = "0" * 64


def test_a_pull_that_breaks_off_goes_on(present, shelf, naps):
    """What arrived before is not counted twice; attempts that bring something use up none."""
    layer = {"status": "pulling x", "digest": "sha256:1", "total": 1000}
    for done in (200, 400, 600, 800):
        shelf.scripts.append([{"status": "pulling manifest"}, layer, {**layer, "completed": done}, "cut"])
    shelf.scripts[1].insert(3, {"error": "max retries exceeded: unexpected EOF"})
    code, result = present(retries=1)
    assert (code, result["changed"]) == (0, True)
    assert naps == [1, 1, 1, 1]
    assert len(did(shelf)) == 5


def test_attempts_that_bring_nothing_are_bounded(present, shelf, naps):
    shelf.scripts += [[{"status": "pulling manifest"}, {"error": "dial tcp: lookup r: no such host"}]] * 9
    code, result = present(retries=2)
    assert (code, naps) == (1, [1, 2])
    assert result["msg"] == (
        f"model {LLAMA}: it was not pulled in 3 attempts that brought nothing new: the server does not reach the"
        " registry: check its network and, where it needs one, the proxy in its environment (dial tcp: lookup r:"
        " no such host)"
    )


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("pull model manifest: file does not exist", "the registry has no model of this name and tag"),
        ("write /s/blobs/sha256-1-partial: no space left on device", "there is no space left for it: remove models"),
        ("pull model manifest: 412: {}", "the model needs a newer release of Ollama"),
        ("this model requires MLX support, but", "the model is one for MLX"),
        ('pull model manifest: realm host "" does not match', "the registry wants a login"),
        ("insecure protocol http", "set insecure to true"),
        ("x509: certificate signed by unknown authority", "does not trust the certificate"),
    ],
)
def test_what_no_attempt_can_change_is_tried_once(present, shelf, naps, words, meaning):
    shelf.scripts.append([{"status": "pulling manifest"}, {"error": words}])
    code, result = present()
    assert (code, naps, len(did(shelf))) == (1, [], 1)
    assert meaning in result["msg"]
    assert f"({words})" in result["msg"]


def test_what_arrived_before_a_failure_is_named(present, shelf):
    layer = {"status": "pulling x", "digest": "sha256:1", "total": 4 << 30}
    shelf.scripts.append([layer, {**layer, "completed": 2 << 30}, {"error": "no space left on device"}])
    assert present()[1]["msg"].endswith("; 2.0 GiB arrived and are kept for the next pull")


def test_a_secret_in_an_error_is_not_shown(present, shelf):
    words = "Get https://cdn.example.org/b?X-Amz-Signature=geheim1: proxyconnect http://me:geheim2@proxy:3128: x509:"
    shelf.scripts.append([{"error": words}])
    assert "geheim" not in present()[1]["msg"]


LAYER = {"status": "pulling x", "digest": "sha256:1", "total": 1000, "completed": 10}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([b"x" * 70000], "a line of the answer has more than 65536 bytes"),
        ([b"nonsense\n"], "the server answered with 'nonsense\\n', expected a JSON object"),
        ([b'{"total": 1%s}\n' % (b"0" * 4000)], "expected a JSON object"),
        ([b"[" * 60000 + b"\n"], "expected a JSON object"),
        ([b"\n" * 1000, {"status": "pulling manifest"}], "the answer ended before its last line"),
        ([{"status": "pulling manifest"}, "hang"], "no news for too long"),
        ([LAYER] * 3 + ["hang"], "no news for too long"),
        ([{**LAYER, "total": 1 << 63, "completed": "x"}, {"status": 5}], "the answer ended before its last line"),
        ([{**LAYER, "digest": f"sha256:{number}"} for number in range(1001)], "more than 1000 layers"),
    ],
    ids=["long", "garbage", "digits", "deep", "blank", "hangs", "stands", "types", "layers"],
)
def test_a_server_that_says_nonsense_or_nothing_is_left_in_the_end(present, shelf, script, words):
    """Whatever comes, in bounded time and memory, with a sentence."""
    shelf.scripts.append(script)
    code, result = present(retries=0, timeout=0.3)
    assert code == 1
    assert words in result["msg"]


def test_a_server_that_repeats_itself_for_ever_is_left(present, shelf):
    """A layer that stays where it is is no news, however often it comes."""

    def forever():
        while not shelf.over.is_set():
            yield LAYER

    shelf.scripts.append(forever())
    code, result = present(retries=0, timeout=0.3)
    assert code == 1
    assert "no news for too long" in result["msg"]


def test_a_pull_ends_by_max_duration(present, shelf):
    def crawl():
        for number in range(1 << 30):
            yield {**LAYER, "total": 1 << 40, "completed": number}

    shelf.scripts.append(crawl())
    code, result = present(max_duration=0.2)
    assert code == 1
    assert "it takes longer than max_duration" in result["msg"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"GET /api/tags": (500, "no")}, "the models of the server were not read: no"),
        ({"GET /api/tags": (200, b" " * (1 << 24) + b"{}")}, "the answer has more than 16777216 bytes"),
        ({"GET /api/tags": (302, b"")}, "status 302, expected 200"),
        ({"POST /api/show": (500, "no")}, f"model {LLAMA}: the server does not show it: no"),
        ({"DELETE /api/delete": (500, "no")}, f"model {LLAMA}: it was not removed: no"),
    ],
)
def test_what_the_server_refuses_is_explained(run, serve, shelf, broken, words):
    shelf.has(LLAMA)
    shelf.broken.update(broken)
    code, result = run(name=LLAMA, url=serve(shelf), state="absent")
    assert code == 1
    assert words in result["msg"]


def test_a_server_that_is_not_there(run):
    _code, result = run(name=LLAMA, url="http://127.0.0.1:1", state="absent", _ansible_check_mode=True)
    assert "the models of the server were not read: " in result["msg"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"name": "bad name!"}, "name: 'bad name!' is not the name of a model; expected one such as llama3.2:3b"),
        ({"source": "a/b/c/d"}, "source: 'a/b/c/d' is not the name of a model"),
        ({"digest": "12"}, "digest: '12' is not a digest; expected 12 to 64 hexadecimal digits"),
        ({"retries": -1}, "retries: -1 is not a number from 0 to 100"),
        ({"max_duration": 604801}, "max_duration: 604801 is not a number of seconds above 0 and up to 604800"),
        ({"base": "a"}, "base: it goes with state created, and state is present"),
        ({"state": "created", "update": True, "base": "a"}, "update: it goes with state present, and state is created"),
        ({"state": "created"}, "takes one of base, file and file_url; there is none of them"),
        ({"state": "created", "base": "a", "file": "/a"}, "there is base and file"),
        ({"state": "created", "base": "a"}, "takes one of parameters, template and system at least"),
        ({"state": "created", "file_url": "http://a/b"}, "file_sha256: it is missing"),
        ({"state": "created", "base": "a", "file_sha256": OTHER}, "file_sha256: it goes with file and file_url"),
        ({"state": "created", "file": "/a", "file_sha256": "1" * 12}, "expected 64 hexadecimal digits"),
        ({"state": "created", "base": "a", "system": "x" * (1 << 21)}, "system: it is longer than a MiB"),
        ({"state": "created", "base": "a", "parameters": {"num_ctx": "x"}}, "num_ctx is 'x', expected a whole number"),
    ],
)
def test_wrong_options_are_refused(run, args, words):
    """Before the server is asked, with all that is wrong in one message."""
    code, result = run(**{"name": LLAMA, "state": "present", "timeout": 0, **args})
    assert code == 1
    assert words in result["msg"]
    assert "timeout: 0 is not a number of seconds" in result["msg"]


def test_progress_is_a_line_of_a_file(present, shelf, tmp_path):
    """Bytes and their share, and what the server does."""
    half = {"status": "pulling x", "digest": "sha256:1", "total": 4 << 30, "completed": 2 << 30}
    shelf.scripts.append([half, {"error": "no space left on device"}])
    present(progress_file=str(tmp_path / "progress"))
    assert (tmp_path / "progress").read_text() == f"{LLAMA}: 2.0 GiB of 4.0 GiB (50 %)\n"


def test_a_name_that_stays_is_a_problem_and_nothing_else(present, shelf):
    """What was asked for is there all the same."""
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1"}
    shelf.broken["DELETE /api/delete"] = (500, "no")
    code, result = present(source=source)
    assert (code, result["changed"]) == (0, True)
    assert result["problems"][-1] == f"model {source}: it was not removed: no"


def test_a_pull_ends_rather_than_wait_for_longer_than_it_may(present, shelf, naps):
    shelf.scripts.append([{"status": "pulling manifest"}, {"error": "unexpected EOF"}])
    code, result = present(max_duration=0.9)
    assert (code, naps) == (1, [])
    assert "it was not pulled within max_duration: the transfer broke off" in result["msg"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"x", "the manifest is not an object of JSON"),
        (b"{" + b" " * (1 << 22) + b"}", "the manifest is not whole, or has more than"),
    ],
)
def test_a_registry_that_says_nonsense_is_a_problem_in_check_mode(run, serve, shelf, manifest, words):
    url = serve(shelf)
    name = f"{url.rpartition('/')[2]}/team/llama:3b"
    shelf.has(name)
    shelf.broken["GET /v2/team/llama/manifests/3b"] = (200, manifest)
    args = {"name": name, "url": url, "state": "present", "insecure": True, "update": True}
    code, result = run(**args, _ansible_check_mode=True)
    assert (code, result["changed"]) == (0, False)
    assert words in result["problems"][-1]


def test_a_server_that_does_not_say_which_blobs_it_has_has_none(run, serve, shelf):
    """Then all of them are to come."""
    shelf.reaches = True
    url = serve(shelf)
    name = f"{url.rpartition('/')[2]}/team/llama:3b"
    shelf.registry[name] = {"weights": "w1", "size": 1 << 60}
    shelf.broken[f"HEAD /api/blobs/sha256:{shelf.offer(name)['weights']}"] = (500, "no")
    code, result = run(name=name, url=url, state="present", insecure=True, store="/", _ansible_check_mode=True)
    assert code == 1
    assert "1073741824.0 GiB are needed" in result["msg"]
    assert run(name=name, url=url, state="present", insecure=True, store="/no/such", _ansible_check_mode=True)[0] == 0


def test_a_server_with_a_certificate_of_nobody_is_not_asked(run, serve, shelf):
    """Nor is one that speaks no TLS."""
    url = serve(shelf).replace("http://", "https://")
    code, result = run(name=LLAMA, url=url, state="present")
    assert code == 1
    assert "it cannot be reached, or broke off" in result["msg"]


def test_a_server_elsewhere_has_a_store_that_is_not_on_this_host(run, serve, shelf, monkeypatch):
    shelf.has("a:1")
    monkeypatch.setattr(server.Server, "is_local", False)
    result = run(name=LLAMA, url=serve(shelf), state="present")[1]
    assert "room: the folder of the server's models is not known" in result["problems"][0]


def test_a_server_that_shows_no_files_has_a_store_that_nobody_knows(run, serve, shelf):
    shelf.has("a:1")
    shelf.broken["POST /api/show"] = (200, b'{"modelfile": "FROM elsewhere", "details": []}')
    result = run(name=LLAMA, url=serve(shelf), state="present", _ansible_check_mode=True)[1]
    assert "room: the folder of the server's models is not known" in result["problems"][0]


def test_a_copy_that_fails_has_the_source_taken_away(present, shelf):
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1"}
    shelf.broken["POST /api/copy"] = (500, "no space left on device")
    code, result = present(source=source)
    assert (code, shelf.models) == (1, {})
    assert f"model {source}: it was not copied to {LLAMA}: there is no space left for it" in result["msg"]
