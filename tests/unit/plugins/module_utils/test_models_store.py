# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models in stores."""

from __future__ import annotations

import hashlib
import json
import os
import socket

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._models import folder as folder_module
from ansible_collections.inference.ollama.plugins.module_utils._models import gather as gather_module
from ansible_collections.inference.ollama.plugins.module_utils._models.gather import gather, standard
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened, shown
from ansible_collections.inference.ollama.tests.unit.support.gguf_files import Typed, Writer, llama
from ansible_collections.inference.ollama.tests.unit.support.stores import LIST, MANIFEST, Store

TINY = "registry.ollama.ai/library/tiny/latest"
CLIP = {"general.architecture": "clip", "clip.vision.block_count": 27}


def read(store, *names):
    """The records by name, and the problems, of one store."""
    found = gather([store.path], [], names, None, 1)
    return {record["name"]: record for record in found["models"]}, found["problems"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "models")


def test_a_model(store):
    """A model has its name, digest and size, the files it is loaded from, and what its header says."""
    digest = store.model(TINY, ("template", b"{{ .Prompt }}"), ("license", b"free"))
    records, problems = read(store)
    record = records["tiny:latest"]
    path = os.path.join(store.path, "manifests", TINY)
    with open(path, "rb") as file:
        manifest = json.load(file)
    assert problems == []
    assert (record["source"], record["store"], record["digest"]) == ("store", store.path, digest)
    assert record["size_bytes"] == sum(layer["size"] for layer in [*manifest["layers"], manifest["config"]])
    blob = manifest["layers"][0]
    assert record["files"] == [{"role": "model", "path": store.place(blob["digest"]), "size_bytes": blob["size"]}]
    assert (record["family"], record["layers"], record["requires"]) == ("llama", 2, None)


def test_the_store_itself(store):
    """A store has the bytes of its blobs, and what its file system has left."""
    store.model(TINY)
    found = gather([store.path], [], [], None, 1)["stores"]
    total = sum(entry.stat().st_size for entry in os.scandir(os.path.join(store.path, "blobs")))
    assert [{**each, "free_bytes": each["free_bytes"] > 0} for each in found] == [
        {"path": store.path, "size_bytes": total, "free_bytes": True, "models": 1, "readable": True}
    ]


def test_an_empty_store(tmp_path):
    """A store without any model is one of none, and no problem."""
    os.makedirs(tmp_path / "models")
    found = gather([str(tmp_path / "models")], [], [], None, 1)
    assert (found["models"], found["problems"], found["stores"][0]["size_bytes"]) == ([], [], 0)


def test_parameters(store):
    """The parameters that decide what a model takes are those of the Modelfile; others are left out."""
    said = {"num_ctx": 8192.0, "num_thread": 16, "use_mmap": False, "stop": ["a"], "num_gpu": "all", "num_batch": True}
    store.model(TINY, ("params", said), config={"requires": "0.14.0"})
    record = read(store)[0]["tiny:latest"]
    assert record["parameters"] == {
        "num_ctx": 8192,
        "num_thread": 16,
        "num_gpu": None,
        "use_mmap": False,
        "num_batch": None,
    }
    assert record["requires"] == "0.14.0"


def test_what_a_manifest_says_beside_the_files(store):
    """Sums of texts, every parameter that is plain, and the model that the weights were taken from."""
    said = {"num_ctx": 8192, "temperature": 0.5, "stop": ["a", "b"], "odd": {"x": 1}, "mixed": ["a", 1]}
    data = json.loads(store.manifest([("model", Writer().file(*llama())), ("template", b"t"), ("params", said)]))
    data["layers"][0]["from"] = "base:1b"
    store.named(TINY, json.dumps(data).encode())
    assert read(store)[0]["tiny:latest"]["modelfile"] == {
        "template": hashlib.sha256(b"t").hexdigest(),
        "system": None,
        "parameters": {"num_ctx": 8192, "temperature": 0.5, "stop": ["a", "b"]},
        "from": "base:1b",
    }
    store.model(TINY, ("params", b"no"))
    assert read(store)[0]["tiny:latest"]["modelfile"]["parameters"] is None


def test_a_quantization_that_the_file_does_not_name(store):
    """Where the file does not name its quantisation, the configuration does, or nothing."""
    metadata, tensors = llama()
    del metadata["general.file_type"]
    for tag, said in (("a", "Q4_K_M"), ("b", "unknown"), ("c", 5)):
        file = Writer().file(metadata, tensors)
        store.model(f"registry.ollama.ai/library/tiny/{tag}", config={"file_type": said}, file=file)
    assert [record["quantization"] for record in read(store)[0].values()] == ["Q4_K_M", None, None]


def test_a_projector_and_an_adapter(store):
    """A projector's file is the projector, and an adapter is a file of the model."""
    store.model(TINY, ("projector", Writer().file(CLIP, {"v.x": ([64], 0)})), ("adapter", b"GGUF"), ("draft", b"GGUF"))
    records, problems = read(store)
    record = records["tiny:latest"]
    assert problems == []
    assert [file["role"] for file in record["files"]] == ["model", "projector", "adapter", "draft"]
    assert (record["projector"]["size_bytes"], record["projector"]["layers"]) == (256, 27)


def test_a_projector_that_cannot_be_read(store):
    """A projector that is no GGUF file has the bytes that the manifest says, and is named."""
    store.model(TINY, ("projector", b"what"))
    records, problems = read(store)
    assert records["tiny:latest"]["projector"]["size_bytes"] == 4
    assert len(problems) == 1
    assert "the file begins with" in problems[0]


def test_a_split_model(store):
    """Several layers of a model are its parts, in whatever order the manifest has them."""
    metadata, tensors = llama(layers=4)
    names = list(tensors)
    files = [
        Writer().file(
            {**(metadata if number == 0 else {}), "split.no": number, "split.count": 2},
            {name: tensors[name] for name in names[number::2]},
        )
        for number in (1, 0)
    ]
    store.named(TINY, store.manifest([("model", data) for data in files]))
    records, problems = read(store)
    assert problems == []
    assert sum(len(layer) > 0 for layer in records["tiny:latest"]["tensor_bytes"]["layers"]) == 4
    store.named(TINY, store.manifest([("model", files[1])]))
    records, problems = read(store)
    assert records["tiny:latest"]["layers"] is None
    assert "the model has 2 parts, of which 1 were read" in problems[0]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("registry.ollama.ai/library/llama3.1/8b", "llama3.1:8b"),
        ("registry.ollama.ai/me/m/latest", "me/m:latest"),
        ("hf.co/org/Model-GGUF/Q4_K_M", "hf.co/org/Model-GGUF:Q4_K_M"),
        ("localhost:5000/library/m/latest", "localhost:5000/library/m:latest"),
    ],
)
def test_names(store, path, name):
    """A name is shown as `ollama list` shows it, and found as it is shown, or shorter."""
    store.model(path)
    assert list(read(store)[0]) == [name]
    assert list(read(store, name.upper().replace(":LATEST", ""))[0]) == [name]


def test_shortened_names():
    """Names are compared without what Ollama adds to them."""
    assert shown("Registry.Ollama.AI", "Library", "m", "t") == "m:t"
    names = ("M", "library/m", "registry.ollama.ai/library/m:latest", "https://registry.ollama.ai/library/m")
    assert {shortened(name) for name in names} == {"m:latest"}
    assert shortened("hf.co/a/b") == "hf.co/a/b:latest"


def test_only_some_names(store):
    """Only the models that are asked for are read; one that is not there is named."""
    store.model(TINY)
    store.model("registry.ollama.ai/library/other/latest")
    records, problems = read(store, "tiny", "none:1b")
    assert list(records) == ["tiny:latest"]
    assert problems == ["none:1b: there is no such model"]


def test_a_list_of_manifests(store):
    """Of the manifests of 0.40 the one that llama-server loads is read; the digest is the list's.

    It keeps the model under another name of the registry, beside the manifest for earlier releases.
    """
    child = store.manifest([("model", Writer().file(*llama(layers=3)))])
    old = store.manifest([("model", Writer().file(*llama(layers=2)))])
    said = {
        "schemaVersion": 2,
        "mediaType": LIST,
        "manifests": [
            {"mediaType": MANIFEST, "digest": store.blob(old), "runner": "ggml", "format": "gguf"},
            {"mediaType": MANIFEST, "digest": store.blob(child), "runner": "llamacpp", "format": "gguf"},
        ],
    }
    data = json.dumps(said).encode()
    store.named(TINY, old)
    # The second name by which 0.35 finds the converted model.
    store.named(f"registry.ollama.ai/library/llamacpp/{hashlib.sha256(child).hexdigest()}", child)
    digest = store.linked(TINY.replace("registry.ollama.ai", "ollama.com"), data)
    records, problems = read(store)
    assert problems == []
    assert list(records) == ["tiny:latest"]
    record = records["tiny:latest"]
    assert (record["layers"], record["digest"], record["runner"]) == (3, digest.partition(":")[2], "llamacpp")
    said["manifests"][1] = {**json.loads(child), "runner": "llamacpp"}
    store.named("registry.ollama.ai/library/inline/latest", json.dumps(said).encode())
    inline = read(store)[0]["inline:latest"]
    assert (inline["layers"], inline["runner"]) == (3, "llamacpp")


def test_models_that_are_not_here(store):
    """A model of the cloud is left out; one of safetensors has what its configuration says, and is named."""
    store.named(TINY, store.manifest([], {"remote_host": "https://ollama.com:443", "remote_model": "big"}))
    config = {"model_format": "safetensors", "model_family": "gemma3", "model_type": "4.3B", "file_type": "nvfp4"}
    store.named("registry.ollama.ai/library/mlx/latest", store.manifest([("tensor; name=a", b"12")], config))
    records, problems = read(store)
    assert list(records) == ["mlx:latest"]
    record = records["mlx:latest"]
    assert (record["family"], record["parameter_size"], record["quantization"]) == ("gemma3", "4.3B", "nvfp4")
    assert problems == [f"mlx:latest: its manifest in {store.path} names no file of a model in GGUF"]


def test_a_manifest_without_a_configuration(store):
    """The oldest releases wrote no configuration."""
    data = store.manifest([("model", Writer().file(*llama()))])
    store.named(TINY, json.dumps({**json.loads(data), "config": {"mediaType": "", "digest": "", "size": 0}}).encode())
    records, problems = read(store)
    assert (records["tiny:latest"]["layers"], problems) == (2, [])


def test_blobs_that_several_models_share(store, monkeypatch):
    """A file that several models share is read once."""
    read_header, calls = folder_module.read_header, []
    monkeypatch.setattr(folder_module, "read_header", lambda *args: calls.append(args) or read_header(*args))
    for number in range(3):
        store.model(f"registry.ollama.ai/library/tiny/{number}", ("params", {"num_ctx": 2048 + number}))
    records, problems = read(store)
    assert ([record["layers"] for record in records.values()], problems, len(calls)) == ([2, 2, 2], [], 1)


def test_a_blob_that_is_cut(store):
    """A file that is shorter than its manifest says is named, and its model has no layers."""
    store.model(TINY)
    path = max((entry.path for entry in os.scandir(os.path.join(store.path, "blobs"))), key=os.path.getsize)
    os.truncate(path, os.path.getsize(path) - 32)
    records, problems = read(store)
    assert records["tiny:latest"]["layers"] is None
    assert problems[0].startswith(f"{path}: the tensor ")


def test_a_blob_that_is_longer(store):
    """A file of another length than its manifest says is another file."""
    store.model(TINY)
    path = max((entry.path for entry in os.scandir(os.path.join(store.path, "blobs"))), key=os.path.getsize)
    with open(path, "ab") as file:
        file.write(b"more")
    assert "as its manifest says" in read(store)[1][0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the manifest is not an object of JSON"),
        (b"[]", "the manifest is not an object of JSON"),
        (b"[" * 100_000, "the manifest is not an object of JSON"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "the manifest is not an object of JSON"),
        (b'{"layers": 5}', "layers are no list"),
        (b'{"layers": [5]}', "a layer of the manifest is not an object"),
        (b'{"layers": [{"size": -1}]}', "has the size -1, expected a number of bytes"),
        (b'{"layers": [{"size": 1, "digest": "../../etc/passwd"}]}', "a digest of the manifest is '../../etc/passwd'"),
        (b'{"layers": [{"size": 1, "digest": null}]}', "a digest of the manifest is 'None'"),
        (b'{"layers": []}', "names no file of a model in GGUF"),
        (b"{}", "names no file of a model in GGUF"),
        (b'{"mediaType": "application/vnd.ollama.manifest.list.v2+json"}', "lists no manifest for one of the runners"),
        (
            b'{"mediaType": "application/vnd.ollama.manifest.list.v2+json", "manifests": [5, {"runner": "mlx"}]}',
            "a digest of the manifest is 'None'",
        ),
        (b" " * ((1 << 22) + 1), "it has more than 4194304 bytes"),
    ],
)
def test_wrong_manifests(store, data, words):
    """A manifest that is not one is named with its path, and the other models are read."""
    store.model("registry.ollama.ai/library/good/latest")
    store.named(TINY, data)
    records, problems = read(store)
    assert "good:latest" in records
    assert len(problems) == 1
    assert words in problems[0]
    assert store.path in problems[0]


def test_wrong_parameters_and_configurations(store):
    """Parameters and a configuration that are no JSON are named, and the model is read."""
    data = json.loads(store.manifest([("model", Writer().file(*llama())), ("params", b"no")]))
    data["config"] = store.layer("x/y", b"\xff")
    store.named(TINY, json.dumps(data).encode())
    records, problems = read(store)
    assert records["tiny:latest"]["layers"] == 2
    assert ["the configuration is not" in problem for problem in problems] == [True, False]
    assert "the file of the parameters is not an object of JSON" in problems[1]


def test_links_that_leave_the_store(store, tmp_path):
    """A link that leads out of the store is named and not followed; folders of the store may be links."""
    store.model(TINY)
    outside = tmp_path / "outside"
    outside.write_bytes(Writer().file(*llama(layers=7)))
    path = max((entry.path for entry in os.scandir(os.path.join(store.path, "blobs"))), key=os.path.getsize)
    os.rename(path, f"{path}-kept")
    os.symlink(f"{path}-kept", path)
    assert read(store)[0]["tiny:latest"]["layers"] == 2
    os.remove(path)
    os.symlink(outside, path)
    records, problems = read(store)
    assert records["tiny:latest"]["layers"] is None
    assert problems == [f"{path}: it is a link that leaves the store, and was not followed"]
    os.remove(path)
    os.rename(f"{path}-kept", path)
    os.symlink(tmp_path, os.path.join(store.path, "manifests", "elsewhere"))
    assert "elsewhere: it is a link that leaves the store" in read(store)[1][0]
    os.remove(os.path.join(store.path, "manifests", "elsewhere"))
    os.rename(os.path.join(store.path, "blobs"), tmp_path / "disk")
    os.symlink(tmp_path / "disk", os.path.join(store.path, "blobs"))
    assert read(store)[0]["tiny:latest"]["layers"] == 2


def test_what_is_no_file(store):
    """Pipes, sockets, links without an end and invalid names are named; folders and hidden files are left out."""
    store.model("registry.ollama.ai/library/good/latest")
    folder = os.path.join(store.path, "manifests", "registry.ollama.ai", "library", "odd")
    os.makedirs(os.path.join(folder, "folder"))
    os.mkfifo(os.path.join(folder, "pipe"))
    os.symlink("nowhere", os.path.join(folder, "dangling"))
    os.symlink("loop", os.path.join(folder, "loop"))
    for name in ("a name", ".DS_Store"):
        with open(os.path.join(folder, name), "wb"):
            pass
    listener = socket.socket(socket.AF_UNIX)
    place = os.getcwd()
    os.chdir(folder)
    listener.bind("socket")
    os.chdir(place)
    records, problems = read(store)
    listener.close()
    assert list(records) == ["good:latest"]
    assert [problem[len(folder) + 1 :] for problem in problems] == [
        "a name: it is not a part of a model's name",
        "dangling: cannot be read (No such file or directory)",
        "loop: cannot be read (Too many levels of symbolic links)",
        "pipe: it is not a regular file",
        "socket: cannot be read (No such device or address)",
    ]


def test_a_blob_that_is_no_file(store):
    """A pipe, a folder, or nothing in place of a blob is named."""
    store.model(TINY)
    path = max((entry.path for entry in os.scandir(os.path.join(store.path, "blobs"))), key=os.path.getsize)
    os.remove(path)
    assert read(store)[1] == [f"{path}: cannot be read (No such file or directory)"]
    os.mkfifo(path)
    assert read(store)[1] == [f"{path}: it is not a regular file"]
    os.remove(path)
    os.mkdir(path)
    assert read(store)[1] == [f"{path}: it is not a regular file"]


def test_very_many_manifests(store, monkeypatch):
    """Of very many models the first are read, and of very many files a part is listed."""
    monkeypatch.setattr(folder_module, "MOST_MODELS", 2)
    for number in range(5):
        store.model(f"registry.ollama.ai/library/tiny/{number}")
    records, problems = read(store)
    assert list(records) == ["tiny:0", "tiny:1"]
    assert problems == [f"{store.path}: it has 5 models, of which the first 2 were read"]
    monkeypatch.setattr(folder_module, "_MOST_ENTRIES", 5)
    assert "the store has more than 5 files and folders" in read(store)[1][0]


def test_stores_that_cannot_be_read(store, tmp_path, monkeypatch):
    """A store that is missing or that this user may not read is named, and the others are read."""
    store.model(TINY)
    locked = str(tmp_path / "locked")
    listdir = os.listdir

    def refuse(path):
        if path == locked:
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    found = gather([locked, str(tmp_path / "none"), "a\0b", store.path], [], [], None, 1)
    assert [each["readable"] for each in found["stores"]] == [False, None, False, True]
    assert len(found["models"]) == 1
    assert found["problems"] == [
        f"{locked}: the store cannot be read (Permission denied)",
        f"{tmp_path / 'none'}: the store cannot be read (No such file or directory)",
        "a\\x00b: the store cannot be read (its path is not one)",
    ]


def test_folders_that_cannot_be_listed(store, monkeypatch):
    """A folder of blobs or manifests that cannot be listed is named."""
    store.model(TINY)
    scandir, denied = os.scandir, os.path.join(store.path, "blobs")

    def refuse(path):
        if path in (denied, os.path.join(store.path, "manifests", "registry.ollama.ai")):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = gather([store.path], [], [], None, 1)
    assert found["stores"][0]["size_bytes"] is None
    assert [problem.rpartition(": ")[2] for problem in found["problems"]] == [
        "cannot be listed (Permission denied)"
    ] * 2


def test_free_space_that_is_not_known(store, monkeypatch):
    """A file system that does not say what is left is named."""

    def refuse(_path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "statvfs", refuse)
    found = gather([store.path], [], [], None, 1)
    assert found["stores"][0]["free_bytes"] is None
    assert found["problems"] == [f"{store.path}: its free space is not known (Input/output error)"]


def test_reads_that_fail(store, monkeypatch):
    """A disk that fails while a file is read is named."""
    store.model(TINY)

    def fail(*_args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(folder_module, "read_header", fail)
    assert "cannot be read (Input/output error)" in read(store)[1][0]


def test_small_files_that_fail(store, monkeypatch):
    """A manifest that cannot be read to its end is named; one that grows meanwhile is read no further."""
    store.model(TINY)

    class Failing:
        def read(self, _length):
            raise OSError(5, "Input/output error")

    read_part = folder_module._read
    monkeypatch.setattr(folder_module, "_read", lambda _file, path, most: read_part(Failing(), path, most))
    records, problems = read(store)
    assert records == {}
    assert problems == [f"{os.path.join(store.path, 'manifests', TINY)}: cannot be read (Input/output error)"]
    monkeypatch.setattr(folder_module, "_read", lambda _file, _path, most: b"x" * most)
    assert "it has more than 4194304 bytes" in read(store)[1][0]


def test_one_store_under_two_paths(store, tmp_path):
    """A store is read once, by whatever path."""
    store.model(TINY)
    os.symlink(store.path, tmp_path / "link")
    found = gather([store.path, str(tmp_path / "link")], [], [], None, 1)
    assert (len(found["stores"]), len(found["models"])) == (1, 1)


def test_standard_places(store, tmp_path, monkeypatch):
    """Without stores the standard places are read that are there, or that nobody may look into."""
    stat = os.stat

    def refuse(path, *args, **more):
        if str(path).startswith(("/locked/", "/root/")):
            raise PermissionError(13, "Permission denied")
        return stat(path, *args, **more)

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(gather_module, "STANDARD", (store.path, str(tmp_path / "none"), "/locked/models", "/root/m"))
    assert standard() == [store.path, "/locked/models"]
    monkeypatch.setattr(gather_module, "STANDARD", (store.path, str(tmp_path / "none")))
    assert len(gather(None, [], [], None, 1)["stores"]) == 1


def test_files_beside_stores(store, tmp_path):
    """Files come after the models of stores; a projector belongs to the model before it."""
    store.model(TINY)
    paths = [str(tmp_path / name) for name in ("a.gguf", "p.gguf", "b.gguf", "cut.gguf")]
    files = [Writer().file(*llama()), Writer().file(CLIP), Writer().file(*llama(layers=1)), b"GGUF"]
    for path, data in zip(paths, files):
        with open(path, "wb") as file:
            file.write(data)
    found = gather([store.path], [*paths, paths[0]], [], None, 1)
    assert [record["name"] for record in found["models"]] == ["tiny:latest", "a.gguf", "b.gguf"]
    assert [len(record["files"]) for record in found["models"]] == [1, 2, 1]
    assert found["problems"] == [
        f"{paths[3]}: at byte 4, the version: 4 bytes are announced, and the file ends after 0"
    ]


def test_texts_of_hostile_stores(store):
    """Nothing in a record or a problem moves a cursor."""
    metadata, tensors = llama(name=Typed("text", "\x1b[2J"))
    metadata["general.architecture"] = "llama\x1b[2J"
    store.model(TINY, ("params", b"\x1b"), config={"requires": "\x1b[2J"}, file=Writer().file(metadata, tensors))
    assert "\x1b" not in json.dumps(read(store), ensure_ascii=False)
