# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running units, boot links and kernel values that a snapshot keeps."""

from __future__ import annotations

import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.running import (
    active_units,
    boot_links,
    kernel_values,
    set_kernel,
)
from ansible_collections.inference.ollama.tests.unit.support.states import systemctl

SWITCH = "always [madvise] never\n"


def environ(proc, pid, text):
    (proc / "proc" / str(pid)).mkdir(parents=True)
    (proc / "proc" / str(pid) / "environ").write_bytes(text)


def test_the_services_that_run_with_their_addresses(tmp_path):
    """OLLAMA_HOST as the process was started with it, whatever a file says by now."""
    environ(tmp_path, 812, b"PATH=/bin\0XOLLAMA_HOST=no\0OLLAMA_HOST=0.0.0.0:11435\0OLLAMA_HOST=later\0")
    environ(tmp_path, 813, b"PATH=/bin\0\xff\0")
    units = {"ollama@b.service": 813, "ollama.service": 812, "ollama@c.service": 0, "ollama@gone.service": 99}
    calls = []
    assert active_units(systemctl(units, calls), str(tmp_path)) == {
        "ollama.service": "0.0.0.0:11435",
        "ollama@b.service": "",
        "ollama@c.service": "",
        "ollama@gone.service": "",
    }
    assert calls[0][:2] == ["systemctl", "list-units"]
    assert {"--plain", "--no-legend", "--state=active,reloading,activating"} <= {*calls[0]}


def test_services_of_others_are_none_of_ours():
    """A proxy in front of Ollama is not stopped with it."""
    listed = "ollama-proxy.service loaded active running x\nollama@.service x\n\nollama2.service\nollama@a.service l\n"
    assert active_units(lambda argv: Outcome(listed if argv[1] == "list-units" else None, None)) == {
        "ollama@a.service": ""
    }


def test_a_timer_of_the_role_is_one_of_ours_and_the_guards_is_not():
    """A state that is restored starts the watch again, and never ends the guard that restores it."""
    listed = (
        "inference-ollama-gpu-watch.timer l\ninference-ollama-guard.timer l\ninference-ollama-gpu-watch.service l\n"
    )
    found = active_units(lambda argv: Outcome(listed if argv[1] == "list-units" else None, None))
    assert found == {"inference-ollama-gpu-watch.timer": ""}


def test_a_systemd_that_does_not_answer_is_a_sentence():
    """Nothing is changed on a host of which nobody knows what ran."""
    with pytest.raises(OllamaError, match="the services that run cannot be listed: systemctl is not installed"):
        active_units(systemctl(None))


def test_links_by_which_services_start_at_boot(tmp_path):
    """Of every target, with their ends as they are written; a file is no link, and a proxy none of ours."""
    folder = tmp_path / "units[1]"
    for name in ("multi-user.target.wants", "gpu.target.requires", "ollama.service.d"):
        (folder / name).mkdir(parents=True)
    wants = folder / "multi-user.target.wants"
    for name in ("ollama.service", "ollama@a.service", "ollama-proxy.service", "nginx.service"):
        os.symlink(f"/etc/systemd/system/{name}", wants / name)
    os.symlink("../ollama@.service", folder / "gpu.target.requires/ollama@b.service")
    os.symlink("x", folder / "ollama.service.d/ollama.service")
    (wants / "ollama@file.service").write_text("")
    assert boot_links(str(folder)) == {
        f"{wants}/ollama.service": "/etc/systemd/system/ollama.service",
        f"{wants}/ollama@a.service": "/etc/systemd/system/ollama@a.service",
        f"{folder}/gpu.target.requires/ollama@b.service": "../ollama@.service",
    }
    assert boot_links(str(tmp_path / "none")) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [(SWITCH, "madvise"), ("[always] madvise never", "always"), ("1\n", "1"), ("", ""), ("a b\n", "a b")],
)
def test_what_a_file_of_the_kernel_holds(tmp_path, text, value):
    """Of a list of choices the one in force."""
    path = tmp_path / "enabled"
    path.write_text(text)
    assert kernel_values([str(path)]) == {str(path): value}


def test_a_file_of_the_kernel_that_cannot_be_read_is_left_out(tmp_path):
    """A kernel without it has nothing to bring back."""
    (tmp_path / "odd").write_bytes(b"\xff")
    assert kernel_values([str(tmp_path / "none"), str(tmp_path), str(tmp_path / "odd")]) == {}


def test_only_what_differs_is_set(tmp_path):
    """What is in force already is not written again."""
    switch, number = tmp_path / "enabled", tmp_path / "numa"
    switch.write_text(SWITCH)
    number.write_text("1\n")
    assert set_kernel({str(switch): "madvise", str(number): "0"}) == [str(number)]
    assert (switch.read_text(), number.read_text()) == (SWITCH, "0")
    assert set_kernel({str(switch): "madvise", str(number): "0"}) == []


def test_a_kernel_that_does_not_take_a_value_is_a_sentence(tmp_path):
    """The file, the value, and why."""
    with pytest.raises(OllamaError, match=r"none/x: cannot be set to '1' \(No such file or directory\)"):
        set_kernel({str(tmp_path / "none/x"): "1"})


def test_the_address_of_a_container_is_that_of_its_first_process(tmp_path):
    """The main process of its unit is the engine's monitor, which has no address."""
    environ(tmp_path, 900, b"PATH=/bin\0")
    environ(tmp_path, 901, b"OLLAMA_HOST=127.0.0.1:11436\0")
    children = tmp_path / "proc/900/task/900/children"
    children.parent.mkdir(parents=True)
    children.write_text("901 \n", encoding="utf-8")
    assert active_units(systemctl({"ollama.service": 900}, []), str(tmp_path)) == {"ollama.service": "127.0.0.1:11436"}
