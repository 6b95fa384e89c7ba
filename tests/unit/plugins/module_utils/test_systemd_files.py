# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit and its drop-ins on a machine without a systemd to ask."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._systemd.files import dropins_of, read_unit
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

ETC = "/etc/systemd/system"
USR = "/usr/lib/systemd/system"


def test_drop_ins_of_every_service_and_of_prefixes_count(tmp_path):
    """By name, from the closest folder; hidden files, other files and what a link to /dev/null takes out do not."""
    files = {
        f"{ETC}/ollama-gpu.service": "[Service]\nExecStart=/bin/ollama serve\nUser=a",
        f"{USR}/service.d/10-all.conf": "[Service]\nUser=b",
        f"{ETC}/ollama-.service.d/20-kind.conf": "[Service]\nUser=c",
        f"{USR}/ollama-gpu.service.d/20-kind.conf": "[Service]\nUser=d",
        f"{ETC}/ollama-gpu.service.d/.hidden.conf": "[Service]\nUser=e",
        f"{ETC}/ollama-gpu.service.d/note.txt": "[Service]\nUser=f",
        f"{USR}/ollama-gpu.service.d/30-off.conf": "[Service]\nUser=g",
    }
    root = Root(plant(tmp_path, files))
    (tmp_path / "etc/systemd/system/ollama-gpu.service.d/30-off.conf").symlink_to("/dev/null")
    unit = read_unit(root, "ollama-gpu.service")
    assert unit.dropins == (f"{USR}/service.d/10-all.conf", f"{USR}/ollama-gpu.service.d/20-kind.conf")
    assert unit.user == "d"


def test_a_file_of_ours_hides_none_of_the_same_name():
    """Without the role the one in the farther folder would count."""
    there = {f"{ETC}/a.service.d": ["x.conf"], f"{USR}/a.service.d": ["x.conf"]}
    assert dropins_of(["a.service"], lambda folder: there.get(folder, []), lambda place: place.startswith(ETC)) == [
        f"{USR}/a.service.d/x.conf"
    ]
