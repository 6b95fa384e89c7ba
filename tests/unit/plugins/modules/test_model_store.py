# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module model beyond memory, asked over a real socket: pulled, pinned, created, removed; and what goes wrong."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
import yaml

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._models import model_state, presence, pull, registry
from ansible_collections.inference.ollama.plugins.modules import model
from ansible_collections.inference.ollama.tests.unit.plugins.modules.conftest import running
from ansible_collections.inference.ollama.tests.unit.support.model_server import Shelf, full, shelving

LLAMA = "llama3.2:3b"
OTHER = "0" * 64


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

    def offered(parts, timeout, *, insecure=False):
        local = parts[0].startswith("127.0.0.1:")
        return asked(parts, timeout, insecure=insecure) if local else registry.Offer(problem="it is not reached")

    monkeypatch.setattr(presence, "offered", offered)


@pytest.fixture
def serve():
    """Start a server."""
    with contextlib.ExitStack() as servers:
        yield lambda shelf: servers.enter_context(shelving(shelf))


@pytest.fixture
def shelf():
    return Shelf(**{LLAMA: {"weights": "w1", "size": 1000}})


def paths(shelf, *methods):
    """What was asked of the server by one of these methods."""
    return [asked for asked, _body in shelf.asked if asked.partition(" ")[0] in methods]


def did(shelf):
    """What has changed something."""
    reading = ("POST /api/show",)
    return [asked for asked in paths(shelf, "POST", "DELETE") if asked not in reading]


@pytest.fixture
def present(run, serve, shelf):
    """Run the module on the server with state present."""
    url = serve(shelf)
    return lambda name=LLAMA, **args: run(name=name, url=url, state="present", **args)


def test_a_missing_model_is_pulled_and_then_left_alone(present, shelf):
    """The second run changes nothing and pulls nothing."""
    code, result = present()
    assert (code, result["changed"], result["downloaded_bytes"]) == (0, True, 1000)
    assert result["digest"] == {"before": None, "after": shelf.digest(LLAMA)}
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"].startswith(f"name: {LLAMA}\ndigest: {shelf.digest(LLAMA)}\n")
    assert did(shelf) == ["POST /api/pull"]
    code, result = present()
    assert (code, result["changed"], did(shelf)) == (0, False, ["POST /api/pull"])


def test_check_mode_tells_what_would_be_and_asks_for_nothing_else(present, shelf):
    code, result = present(_ansible_check_mode=True)
    assert (code, result["changed"], did(shelf)) == (0, True, [])
    assert result["digest"] == {"before": None, "after": None}
    assert result["diff"]["after"] == f"name: {LLAMA}\ndigest: not known yet\n"


def test_every_key_is_documented(present):
    """What is returned and what is documented have the same names, but for those of the states of memory."""
    _code, result = present()
    documented = {*yaml.safe_load(model.RETURN)} - {"before", "loaded"}
    assert {*result} - {"changed", "invocation", "diff"} == documented


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "{:.12}"])
def test_a_digest_that_fits_is_enough(present, shelf, form):
    shelf.has(LLAMA)
    _code, result = present(digest=form.format(shelf.digest(LLAMA)).upper().replace("SHA", "sha"))
    assert (result["changed"], did(shelf)) == (False, [])


def test_a_model_of_another_digest_is_pulled_again(present, shelf):
    """What was there is kept under another name until the new one has the digest, and not longer."""
    shelf.has(LLAMA, weights="w0")
    wanted = Shelf.manifest(shelf.offer(LLAMA))
    code, result = present(digest=hashlib.sha256(wanted.encode()).hexdigest())
    assert (code, result["changed"], [*shelf.models]) == (0, True, [LLAMA])
    assert did(shelf) == ["POST /api/copy", "POST /api/pull", "DELETE /api/delete"]


def test_what_the_registry_has_under_another_digest_replaces_nothing(present, shelf):
    """The sentence has both digests; the model that was there is there again."""
    shelf.has(LLAMA, weights="w0")
    before = shelf.digest(LLAMA)
    code, result = present(digest=OTHER)
    new = hashlib.sha256(Shelf.manifest(shelf.offer(LLAMA)).encode()).hexdigest()
    assert code == 1
    assert result["msg"] == (
        f"model {LLAMA}: the registry has one with the digest {new}, and digest asks for {OTHER};"
        f" the one that is there, {before}, stays"
    )
    assert (shelf.digest(LLAMA), [*shelf.models]) == (before, [LLAMA])


def test_a_new_model_of_another_digest_does_not_stay(present, shelf):
    code, result = present(digest=OTHER)
    assert (code, shelf.models) == (1, {})
    assert "it was removed again" in result["msg"]


def test_what_a_killed_run_has_left_goes(present, shelf):
    shelf.has(LLAMA)
    shelf.has(f"{LLAMA}-before-pull", weights="w0")
    code, _result = present(digest=shelf.digest(LLAMA))
    assert (code, [*shelf.models]) == (0, [LLAMA])


def test_a_mirrors_model_gets_its_own_name(present, shelf):
    """The name of the source is taken away, unless it was there before."""
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1", "size": 1000}
    code, result = present(source=source)
    assert (code, result["changed"], [*shelf.models]) == (0, True, [LLAMA])
    del shelf.models[LLAMA]
    shelf.has(source)
    present(source=source)
    assert {*shelf.models} == {LLAMA, source}


def test_a_mirrors_model_of_another_digest_gets_no_name(present, shelf):
    source = "mirror.example.org/library/llama3.2:3b"
    shelf.registry[source] = {"weights": "w1"}
    code, result = present(source=source, digest=OTHER)
    assert (code, shelf.models) == (1, {})
    assert f"digest asks for {OTHER}; {LLAMA} is as before" in result["msg"]


def test_an_update_pulls_what_is_there(present, shelf):
    """It is a change where the digest is another one afterwards."""
    shelf.has(LLAMA, weights="w0")
    assert present(update=True)[1]["changed"] is True
    assert present(update=True)[1]["changed"] is False
    _code, result = present(update=True, _ansible_check_mode=True)
    assert result["changed"] is False
    assert "whether there is a newer one is not known" in result["problems"][-1]


@pytest.fixture
def reached(run, serve):
    """A server whose registry is reached from here too, under the same address, and how it is asked."""
    shelf = Shelf()
    shelf.reaches = True
    url = serve(shelf)
    name = f"{url.rpartition('/')[2]}/team/llama:3b"
    shelf.registry[name] = {"weights": "w1", "size": 1000}
    return shelf, lambda **args: run(name=name, url=url, state="present", insecure=True, **args), name


def test_a_registry_that_is_reached_says_in_check_mode_what_would_come(reached):
    shelf, run, name = reached
    code, result = run(_ansible_check_mode=True)
    digest = hashlib.sha256(Shelf.manifest(shelf.offer(name)).encode()).hexdigest()
    assert (code, result["digest"]["after"], did(shelf)) == (0, digest, [])
    run()
    assert run(update=True, _ansible_check_mode=True)[1]["changed"] is False
    shelf.registry[name]["weights"] = "w2"
    assert run(update=True, _ansible_check_mode=True)[1]["changed"] is True


def test_a_registry_that_is_reached_has_pulls_refused_before_they_begin(reached, monkeypatch):
    """A name that it has not, another digest, and too little room, in check mode too."""
    shelf, run, name = reached
    assert f"digest asks for {OTHER}; nothing was pulled" in run(digest=OTHER)[1]["msg"]
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 999)
    words = "it is not pulled, since the file system of /srv/models has 0.0 GiB free"
    for args in ({}, {"_ansible_check_mode": True}):
        assert words in run(store="/srv/models", **args)[1]["msg"]
    del shelf.registry[name]
    assert "the registry has no model of this name and tag" in run(_ansible_check_mode=True)[1]["msg"]
    assert did(shelf) == []


def test_a_layer_that_the_server_has_needs_no_room(reached, monkeypatch):
    shelf, run, name = reached
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 0)
    shelf.blobs.update(dict.fromkeys((shelf.offer(name)["weights"],), b""))
    assert run(store="/srv/models", _ansible_check_mode=True)[1]["changed"] is True


def test_room_is_looked_at_when_a_layer_begins(present, monkeypatch):
    """Where the registry is not reached from here, the first line says how much is to come."""
    monkeypatch.setattr(pull, "free_bytes", lambda _path: 999)
    assert "(999 and 1000 bytes)" in present(store="/srv/models")[1]["msg"]
    assert present(store="/srv/models", room=False)[0] == 0


def test_the_store_is_the_one_that_a_model_of_the_server_lies_in(present, shelf, monkeypatch):
    looked = []
    monkeypatch.setattr(pull, "free_bytes", looked.append)
    shelf.has("a:1")
    present()
    assert looked == ["/srv/models"]


def test_a_server_without_any_model_has_a_store_that_nobody_knows(present):
    assert "room: the folder of the server's models is not known" in present()[1]["problems"][0]


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


def test_a_model_is_removed_once(run, serve, shelf):
    """One in memory is taken out of it; in check mode nothing is done."""
    shelf.has(LLAMA)
    shelf.memory[LLAMA] = {"name": LLAMA, "size": 1, "size_vram": 0}
    url = serve(shelf)
    _code, result = run(name=LLAMA, url=url, state="absent", _ansible_check_mode=True)
    assert (result["changed"], [*shelf.models], [*shelf.memory]) == (True, [LLAMA], [LLAMA])
    _code, result = run(name=LLAMA, url=url, state="absent")
    assert (result["changed"], shelf.models, shelf.memory) == (True, {}, {})
    assert result["diff"]["after"] == ""
    assert run(name=LLAMA, url=url, state="absent")[1]["changed"] is False


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


def test_full_names_are_those_of_the_server():
    assert [full("a"), full("a:b"), full("h:1/n/a")] == ["a:latest", "a:b", "h:1/n/a:latest"]
