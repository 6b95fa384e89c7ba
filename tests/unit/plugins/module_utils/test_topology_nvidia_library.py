# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA's library, through ctypes and through nvidia-ml-py: what is given, what is made of it, what goes wrong."""

from __future__ import annotations

import ast
import ctypes
import inspect
import json
import os
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.inference.ollama.plugins.module_utils import _fork, _trust
from ansible_collections.inference.ollama.plugins.module_utils._topology import (
    nvidia_ml,
    nvidia_ml_library,
    nvidia_ml_reader,
    options,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_library import (
    FUNCTIONS,
    NAME,
    Library,
    NVMLError,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_ml_reader import answer

GIB = 1 << 30


class FakeLibrary:
    """The functions of a driver with two H100, the first in partitions; they return error codes as C does."""

    numbers = {  # noqa: RUF012 never changed
        "nvmlDeviceGetCount_v2": 2,
        "nvmlSystemGetCudaDriverVersion_v2": 13000,
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetDisplayActive": 0,
        "nvmlDeviceGetMemoryBusWidth": 5120,
        "nvmlDeviceGetMaxClockInfo": 2619,
        "nvmlDeviceGetMaxMigDeviceCount": 2,
        "nvmlDeviceGetP2PStatus": 0,
        "nvmlDeviceGetNvLinkState": 1,
        "nvmlDeviceGetTopologyCommonAncestor": 50,
    }
    started = 0

    def __init__(self, name):
        assert name == "libnvidia-ml.so.1"
        words = {3: b"Not Supported", 6: b"Not Found", 9: b"Driver Not Loaded", 999: None}
        # A function, since its type of result is set.
        self.nvmlErrorString = lambda code: words[code]

    def __getattr__(self, function):
        if function not in self.numbers:
            raise AttributeError(function)

        def number(*args):
            args[-1]._obj.value = self.numbers[function]
            return 0

        return number

    def nvmlInit_v2(self):  # noqa: N802 NVML's name
        return self.started

    def nvmlDeviceGetHandleByIndex_v2(self, index, handle):  # noqa: N802 NVML's name
        handle._obj.value = 0x7F00_0000_0000 + index
        return 0

    def nvmlDeviceGetMigDeviceHandleByIndex(self, _handle, index, instance):  # noqa: N802 NVML's name
        if index:
            return 6
        instance._obj.value = 0x7F00_0000_0009
        return 0

    def nvmlSystemGetDriverVersion(self, text, length):  # noqa: N802 NVML's name
        assert length == ctypes.sizeof(text)
        text.value = b"580.65.06"
        return 0

    def nvmlDeviceGetName(self, handle, text, _length):  # noqa: N802 NVML's name
        text.value = b"NVIDIA H100 80GB HBM3" + (b" MIG 1g.10gb" if handle.value & 9 == 9 else b"")
        return 0

    def nvmlDeviceGetUUID(self, handle, text, _length):  # noqa: N802 NVML's name
        text.value = b"%s-%d" % (b"MIG" if handle.value & 9 == 9 else b"GPU", handle.value & 0xF)
        return 0

    def nvmlDeviceGetMemoryInfo(self, _handle, memory):  # noqa: N802 NVML's name
        memory._obj.total, memory._obj.free = 80 * GIB, 79 * GIB
        return 0

    def nvmlDeviceGetPciInfo_v3(self, handle, info):  # noqa: N802 NVML's name
        info._obj.busId = b"00000000:%d3:00.0" % (handle.value & 0xF)
        return 0

    def nvmlDeviceGetNvLinkRemotePciInfo_v2(self, _handle, _link, info):  # noqa: N802 NVML's name
        info._obj.busId = b"FFFFFFFF:FF:FF.0"
        return 0

    def nvmlDeviceGetCudaComputeCapability(self, _handle, major, minor):  # noqa: N802 NVML's name
        major._obj.value, minor._obj.value = 9, 0
        return 0

    def nvmlDeviceGetMigMode(self, handle, now, then):  # noqa: N802 NVML's name
        if handle.value & 1:
            return 3
        now._obj.value = then._obj.value = 1
        return 0

    def nvmlDeviceGetCpuAffinity(self, _handle, words, mask):  # noqa: N802 NVML's name
        assert words == len(mask)
        mask[0], mask[1] = 0b101, 1
        return 0


@pytest.fixture
def library(monkeypatch):
    """A host with the driver and without nvidia-ml-py, whatever the Python of the tests has."""
    monkeypatch.setattr(nvidia_ml_library.ctypes, "CDLL", FakeLibrary)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    return FakeLibrary


@pytest.mark.parametrize("folder", ["/usr/lib/wsl/lib", "/run/opengl-driver/lib", "/usr/lib/aarch64-linux-gnu/nvidia"])
@pytest.mark.parametrize("weak", [False, True])
def test_the_library_is_loaded_from_where_no_linker_looks(monkeypatch, folder, weak):
    """WSL2, NixOS and JetPack have folders of their own; root loads nothing there that others may change."""
    path = f"{folder}/{NAME}"

    def load(name):
        if name == path:
            return "the library"
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(nvidia_ml_library.ctypes, "CDLL", load)
    monkeypatch.setattr(os.path, "exists", lambda name: name == path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(_trust, "weakness", lambda name: name if weak else None)
    if weak:
        with pytest.raises(OSError, match=r"^libnvidia-ml\.so\.1: cannot open"):
            Library()
    else:
        assert Library()._library == "the library"


def texts(function):
    """The same with str in place of bytes, as nvidia-ml-py has given since 11.525."""

    def call(*args):
        said = function(*args)
        return said.decode() if isinstance(said, bytes) else said

    return call


def pynvml(**other):
    """nvidia-ml-py of that host, but for what is given; a function given as None is not there."""
    library = Library()
    functions = {name: texts(getattr(library, name)) for name in FUNCTIONS}
    module = {"NVMLError": NVMLError, **functions, **other}
    return SimpleNamespace(**{name: value for name, value in module.items() if value is not None})


@pytest.mark.usefixtures("library")
def test_every_fact_of_every_card():
    """Numbers, texts, structures, pairs and masks come through, in a process of their own as a host is asked."""
    outcome = _fork.call(answer, 60)
    gpus, drivers, problems = nvidia_ml.parse(json.loads(outcome.out))
    assert (outcome.problem, problems, drivers) == (None, [], {"driver": "580.65.06", "cuda": "13.0"})
    first, second = gpus
    known = {key: value for key, value in first.items() if value is not None}
    assert known == {
        "vendor": "nvidia",
        "index": 0,
        "answers": True,
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": "GPU-0",
        "pci_bus_id": "0000:03:00.0",
        "memory_bytes": 80 * GIB,
        "free_bytes": 79 * GIB,
        "memory_bandwidth_bytes_per_second": 3_352_320_000_000,
        "compute_capability": "9.0",
        "cpus": "0,2,64",
        "display_active": False,
        "persistence_mode": True,
        "mig": {"enabled": True, "instances": [{"name": "1g.10gb", "uuid": "MIG-9", "memory_bytes": 80 * GIB}]},
        "links": [{"to": 1, "kind": "NV36"}],
    }
    assert (second["pci_bus_id"], second["mig"]) == ("0000:13:00.0", None)


def test_a_driver_that_is_not_loaded_says_so(library, monkeypatch):
    """The library's own words reach the operator."""
    monkeypatch.setattr(library, "started", 9)
    assert json.loads(answer()) == {"failed": "Driver Not Loaded"}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("installed", [True, False])
def test_a_host_without_the_library(monkeypatch, installed):
    """The loader's words say what is absent, also where nvidia-ml-py is there and says that its start failed."""

    def init():
        raise NVMLError(12, "NVML Shared Library Not Found")

    def load(name):
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    if installed:
        monkeypatch.setitem(sys.modules, "pynvml", pynvml(nvmlInit=init))
    monkeypatch.setattr(nvidia_ml_library.ctypes, "CDLL", load)
    assert json.loads(answer())["absent"].startswith("libnvidia-ml.so.1: cannot open")


def test_an_old_driver_has_fewer_functions(library, monkeypatch):
    """A function that is not there is an answer without a value, and no problem."""
    numbers = {name: value for name, value in library.numbers.items() if "Clock" not in name}
    monkeypatch.setattr(library, "numbers", numbers)
    said = json.loads(answer())
    assert (said["gpus"][0]["memory_clock_mhz"], said["errors"]) == (None, [])


def test_an_error_without_words_is_its_number(library, monkeypatch):
    """A library that does not know its own error gives at least the number."""
    monkeypatch.setattr(library, "started", 999)
    with pytest.raises(NVMLError, match=r"^error 999$") as error:
        Library().nvmlInit()
    assert error.value.value == 999


@pytest.mark.usefixtures("library")
def test_no_other_function_is_asked():
    """What the reader has no signature for is not called."""
    with pytest.raises(AttributeError):
        Library().nvmlDeviceSetPersistenceMode(0, 1)


def test_both_have_every_function_that_the_reader_asks():
    """The names by which nvidia-ml-py counts as complete are those in the reader, each one of the library's."""
    tree = ast.parse(inspect.getsource(nvidia_ml_reader))
    asked = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} | {"nvmlInit"}
    assert {name for name in asked if str(name).startswith("nvml")} == set(FUNCTIONS)


@pytest.mark.usefixtures("library")
def test_nvidia_ml_py_is_asked_where_it_is_installed(monkeypatch):
    """Its facts are those of the library, which is not asked besides."""
    own = json.loads(answer())
    monkeypatch.setitem(sys.modules, "pynvml", pynvml())
    monkeypatch.delattr(nvidia_ml_library.ctypes, "CDLL")
    assert json.loads(answer()) == {**own, "asked": "pynvml"}
    assert (own["asked"], len(own["gpus"])) == (NAME, 2)


@pytest.mark.parametrize("name", ["NVMLError", *FUNCTIONS])
@pytest.mark.usefixtures("library")
def test_an_old_nvidia_ml_py_is_not_asked(monkeypatch, name):
    """One without a function that is asked for gives way to the library, and no fact is lost."""
    own = answer()
    monkeypatch.setitem(sys.modules, "pynvml", pynvml(**{name: None}))
    assert answer() == own


@pytest.mark.parametrize(
    "text",
    [
        "import there_is_no_such_module",
        "raise RuntimeError('no licence')",
        "raise FutureWarning('use another package')",
        "print 'for Python 2'",
        "",
    ],
)
@pytest.mark.usefixtures("library")
def test_a_broken_nvidia_ml_py_is_not_asked(tmp_path, monkeypatch, text):
    """Whatever its import raises, or another package by that name, the library answers and nothing is a problem."""
    own = answer()
    (tmp_path / "pynvml.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml")
    assert _fork.call(answer, 60) == (own, None)


@pytest.mark.parametrize("error", [TypeError, AttributeError, ValueError])
@pytest.mark.parametrize("function", ["nvmlInit", "nvmlDeviceGetCpuAffinity", "nvmlDeviceGetMemoryInfo"])
@pytest.mark.usefixtures("library")
def test_a_function_that_is_broken_leaves_all_to_the_library(monkeypatch, function, error):
    """An error that is not the driver's, such as one of other arguments, discards the answers before it."""

    def fail(*_args):
        raise error("takes 3 positional arguments but 2 were given")

    own = answer()
    monkeypatch.setitem(sys.modules, "pynvml", pynvml(**{function: fail}))
    assert answer() == own


def test_a_driver_that_is_not_loaded_says_so_through_nvidia_ml_py(library, monkeypatch):
    """The driver's own words are the same, whoever hands them on."""
    monkeypatch.setitem(sys.modules, "pynvml", pynvml())
    monkeypatch.setattr(library, "started", 9)
    assert json.loads(answer()) == {"failed": "Driver Not Loaded"}


@pytest.mark.usefixtures("library")
def test_nvidia_ml_py_is_imported_in_the_fork_alone(tmp_path, monkeypatch):
    """What is installed there runs in a process that can be killed, and what it prints is not in the answer."""
    text = "import os\nprint('deprecated', flush=True)\nopen(os.environ['PLACE'], 'w').write(str(os.getpid()))\n"
    (tmp_path / "pynvml.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PLACE", str(tmp_path / "pid"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml")
    _root, run = options.machine_of({"root": "/", "command_timeout": 60})
    assert json.loads(run(["nvml"]).out)["asked"] == NAME
    assert int((tmp_path / "pid").read_text(encoding="utf-8")) != os.getpid()
    assert "pynvml" not in sys.modules
