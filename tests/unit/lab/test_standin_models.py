# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in pulls, creates, copies and deletes models as Ollama does, and loads them with their parameters."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from standin import create, models, registry, runners, store

from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lab:
    """A store, and the registry that a test describes."""

    def __init__(self, folder: Path) -> None:
        self.models = models.Models(str(folder / "store"))
        self.env = {"OLLAMA_STANDIN_FOLDER": str(folder)}

    def registry(self, **entries: Mapping[str, Any]) -> None:
        """Describe it, with underscores for colons."""
        said = {key.replace("_", ":"): value for key, value in entries.items()}
        Path(self.env["OLLAMA_STANDIN_FOLDER"], "registry").write_text(json.dumps(said))

    def pull(self, name: str) -> list[dict[str, Any]]:
        return list(registry.pull(self.models, name, self.env))

    def create(self, version: str = "0.32.15", **request: Any) -> list[dict[str, Any]]:
        return list(create.create(self.models, request, self.env, version))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_pull_reports_how_far_it_is_and_what_it_has_written_is_read_as_a_model(lab: Lab) -> None:
    """The lines are those of docs/api.md, and a store that was pulled into has no problems."""
    lab.registry(llama_3b={"bytes": 400000, "parameters": {"num_ctx": 8192}, "system": "Be brief."})
    lines = lab.pull("llama:3b")
    assert [line["status"].split(" ")[0] for line in lines[:2]] == ["pulling", "pulling"]
    assert [line["status"] for line in lines[-3:]] == ["verifying sha256 digest", "writing manifest", "success"]
    done = [line.get("completed", 0) for line in lines if line.get("total") == 400000]
    assert done == [0, 100000, 200000, 300000, 400000]
    found = gather([lab.models.folder], [], [], None, 1)
    assert (found["problems"], [model["name"] for model in found["models"]]) == ([], ["llama:3b"])
    assert found["models"][0]["digest"] == lab.models.tags()[0]["digest"]


def test_a_pull_that_breaks_off_goes_on_where_it_was(lab: Lab) -> None:
    """The next one begins with the bytes that the first has left."""
    lab.registry(llama_3b={"bytes": 400000, "breaks_at": 220000})
    said = registry.pull(lab.models, "llama:3b", lab.env)
    with pytest.raises(models.ApiError, match="max retries exceeded: unexpected EOF"):
        list(said)
    assert lab.models.names() == []
    done = [line.get("completed", 0) for line in lab.pull("llama:3b") if line.get("total") == 400000]
    assert done == [220000, 300000, 400000]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (None, "pull model manifest: file does not exist"),
        ({"bytes": 400000, "full": 60000}, "no space left on device"),
        ({"error": "412: a newer version is needed"}, "pull model manifest: 412: a newer version is needed"),
    ],
)
def test_a_pull_fails_in_the_servers_words(lab: Lab, entry: dict[str, Any] | None, words: str) -> None:
    lab.registry(**({} if entry is None else {"llama_3b": entry}))
    with pytest.raises(models.ApiError, match=words):
        lab.pull("llama:3b")


def test_a_moved_tag_has_another_digest_and_its_old_layers_go(lab: Lab) -> None:
    lab.registry(llama_3b={"revision": 1})
    lab.pull("llama:3b")
    before, blobs = lab.models.tags()[0]["digest"], {*Path(lab.models.folder, "blobs").iterdir()}
    lab.registry(llama_3b={"revision": 2})
    lab.pull("llama:3b")
    assert lab.models.tags()[0]["digest"] != before
    assert len({*Path(lab.models.folder, "blobs").iterdir()}) == len(blobs)


def test_what_is_created_from_a_model_has_its_weights_and_parameters(lab: Lab) -> None:
    """Parameters that are named replace those of the base, the others stay; the base is named as the parent."""
    lab.registry(llama_3b={"parameters": {"num_ctx": 8192, "stop": ["<a>", "<b>"]}})
    lab.pull("llama:3b")
    lab.create(model="mine", **{"from": "llama:3b"}, parameters={"num_thread": 6, "num_ctx": 1048576}, system="Hi")
    shown = lab.models.show("mine")
    assert {tuple(line.split()) for line in shown["parameters"].splitlines()} == {
        ("num_ctx", "1.048576e+06"),
        ("num_thread", "6"),
        ("stop", '"<a>"'),
        ("stop", '"<b>"'),
    }
    assert (shown["system"], shown["details"]["parent_model"]) == ("Hi", "llama:3b")
    assert shown["modelfile"].splitlines()[3] == lab.models.show("llama:3b")["modelfile"].splitlines()[3]


@pytest.mark.parametrize(("version", "same"), [("0.24.0", True), ("0.32.15", False)])
def test_a_model_of_a_file_is_rewritten_from_0_30_on(lab: Lab, version: str, *, same: bool) -> None:
    data = store.gguf()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    lab.models.put(digest, data)
    lab.create(version, model="mine", files={"a.gguf": digest})
    assert (digest.replace(":", "-") in lab.models.show("mine")["modelfile"]) is same


def test_without_llama_quantize_nothing_is_created_of_a_file(lab: Lab, tmp_path: Path) -> None:
    data = store.gguf()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    lab.models.put(digest, data)
    (tmp_path / "no-quantize").touch()
    with pytest.raises(models.ApiError, match="llama-quantize unavailable"):
        lab.create(model="mine", files={"a.gguf": digest})


def test_a_copy_keeps_the_layers_that_the_original_loses(lab: Lab) -> None:
    lab.registry(llama_3b={})
    lab.pull("llama:3b")
    lab.models.copy("llama:3b", "mirror.example.org/team/llama:3b")
    lab.models.delete("llama:3b")
    (entry,) = lab.models.tags()
    assert (entry["name"], lab.models.show(entry["name"])["template"]) == (
        "mirror.example.org/team/llama:3b",
        "{{ .Prompt }}",
    )
    lab.models.delete(entry["name"])
    assert not [*Path(lab.models.folder, "blobs").iterdir()]
    with pytest.raises(models.ApiError, match="model 'a' not found"):
        lab.models.delete("a")


def test_the_runner_is_started_with_the_weights_of_the_model(lab: Lab) -> None:
    lab.registry(llama_3b={})
    lab.pull("llama:3b")
    weights = lab.models.weights(models.parse("llama:3b"))
    assert runners.runner_command("ollama", _settings(), 1, weights)[3] == weights
    assert runners.llama_server_command(_settings(), "0.32.15", {"num_thread": 6}, 1, weights)[2] == weights


def _settings() -> Any:
    return runners.environment.read({}, "/home/o")


@pytest.mark.parametrize("text", ["", "bad name!", "a/b/c/d/e", "../x", "a:"])
def test_what_is_no_name_is_refused_in_the_servers_words(text: str) -> None:
    with pytest.raises(models.ApiError, match="invalid model name"):
        models.parse(text)
