# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd would apply of a service without the role's own files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._systemd.found import find_unit
from ansible_collections.inference.ollama.plugins.module_utils._systemd.tree import LARGEST, Tree, UnreadableError

UNIT = "/usr/lib/systemd/system/ollama.service"
ETC = "/etc/systemd/system"
DROPIN = f"{ETC}/ollama.service.d/override.conf"
GUIDE = """[Service]
Environment="OLLAMA_HOST=0.0.0.0"
Environment="OLLAMA_MODELS=/srv/models"
Environment="OLLAMA_KEEP_ALIVE=24h"
"""


@pytest.fixture
def tree(tmp_path):
    """Write files below a prefix; what is found there."""

    def tree(files=(), links=()):
        for path, text in dict(files).items():
            Path(f"{tmp_path}{path}").parent.mkdir(parents=True, exist_ok=True)
            Path(f"{tmp_path}{path}").write_text(text, encoding="utf-8")
        for path, target in dict(links).items():
            Path(f"{tmp_path}{path}").parent.mkdir(parents=True, exist_ok=True)
            os.symlink(target, f"{tmp_path}{path}")
        found = find_unit(str(tmp_path), "ollama.service", "ollama@.service", HEADER)
        return json.loads(json.dumps(found).replace(str(tmp_path), ""))

    return tree


def values(found, directive):
    return [setting["value"] for setting in found["settings"] if setting["directive"] == directive]


def variables(found):
    return {name: variable["value"] for name, variable in found["variables"].items()}


def test_a_host_without_the_unit_has_nothing(tree):
    """Drop-ins of a unit that is not there are nothing that systemd would apply."""
    assert tree({DROPIN: GUIDE}) is None


def test_files_that_will_be_there_count_in_the_place_of_those_that_are(tmp_path):
    """A unit that takes the place of a package's, on hosts with and without one, beside a drop-in of today."""
    planned = {
        f"{ETC}/ollama.service": "[Service]\nUser=new\n",
        f"{ETC}/ollama.service.d/10-a.conf": "[Service]\nNice=3\n",
    }
    found = find_unit(str(tmp_path), "ollama.service", "ollama@.service", HEADER, planned)
    assert (found["path"], values(found, "User")) == (f"{tmp_path}{ETC}/ollama.service", ["new"])
    for path, text in ((UNIT, "[Service]\nUser=old\n"), (DROPIN, GUIDE)):
        Path(f"{tmp_path}{path}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{tmp_path}{path}").write_text(text, encoding="utf-8")
    found = find_unit(str(tmp_path), "ollama.service", "ollama@.service", HEADER, planned)
    assert (values(found, "User"), values(found, "Nice")) == (["new"], ["3"])
    assert variables(found)["OLLAMA_HOST"] == "0.0.0.0"


def test_the_override_of_the_guide_is_found_with_its_lines(tree):
    """Each variable has the file and the line that set it."""
    found = tree({UNIT: "[Service]\nExecStart=/usr/bin/ollama serve\n", DROPIN: GUIDE})
    assert (found["path"], found["dropins"], found["masked"], found["problems"]) == (UNIT, [DROPIN], False, [])
    assert found["variables"]["OLLAMA_MODELS"] == {
        "value": "/srv/models",
        "secret": False,
        "file": DROPIN,
        "line": 3,
        "from_file": False,
    }
    assert found["settings"][0] == {
        "section": "Service",
        "directive": "ExecStart",
        "value": "/usr/bin/ollama serve",
        "secret": False,
        "file": UNIT,
        "line": 2,
    }


def test_the_files_of_the_role_are_not_there(tree):
    """What a file with the header sets does not count, and it hides no file of its name in a later folder."""
    vendor = "/usr/lib/systemd/system/ollama.service.d/override.conf"
    found = tree({UNIT: "[Service]\n", DROPIN: f"{HEADER} x\n[Service]\nNice=3\n", vendor: "[Service]\nNice=5\n"})
    assert (found["dropins"], values(found, "Nice")) == ([vendor], ["5"])


def test_drop_ins_apply_by_name_whatever_their_folder(tree):
    """An earlier folder hides a name; those of every service and of set-property count; a masked one does not."""
    found = tree(
        {
            UNIT: "[Service]\nNice=0\n",
            f"{ETC}/ollama.service.d/50-a.conf": "[Service]\nNice=1\nUser=a\n",
            "/usr/lib/systemd/system/ollama.service.d/50-a.conf": "[Service]\nUser=hidden\nGroup=hidden\n",
            f"{ETC}/service.d/60-all.conf": "[Service]\nNice=2\n",
            f"{ETC}.control/ollama.service.d/50-CPUWeight.conf": "[Service]\nCPUWeight=20\n",
            f"{ETC}/ollama.service.d/70-empty.conf": "",
            "/lib/systemd/system/ollama.service.d/70-empty.conf": "[Service]\nNice=9\n",
            f"{ETC}/ollama.service.d/notes.txt": "[Service]\nNice=9\n",
        },
        {f"{ETC}/ollama.service.d/80-off.conf": "/dev/null"},
    )
    assert [path.rsplit("/", 1)[-1] for path in found["dropins"]] == ["50-CPUWeight.conf", "50-a.conf", "60-all.conf"]
    assert (values(found, "Nice"), values(found, "User"), values(found, "Group")) == (["2"], ["a"], [])
    assert values(found, "CPUWeight") == ["20"]


def test_the_drop_ins_of_an_aliased_unit_count(tree):
    """A unit that is a link to another one has that one's drop-ins too, and those of its first words."""
    real = "/usr/lib/systemd/system/llm-ollama.service"
    found = tree(
        {
            real: "[Service]\nNice=1\n",
            f"{ETC}/llm-ollama.service.d/a.conf": "[Service]\nUser=a\n",
            f"{ETC}/llm-.service.d/b.conf": "[Service]\nGroup=b\n",
        },
        {f"{ETC}/ollama.service": real},
    )
    assert found["path"] == f"{ETC}/ollama.service"
    assert (values(found, "Nice"), values(found, "User"), values(found, "Group")) == (["1"], ["a"], ["b"])


def test_an_empty_assignment_clears_a_list_and_no_dependency(tree):
    """Lists keep their order, single values the last; dependencies cannot be taken back."""
    found = tree(
        {
            UNIT: "[Unit]\nAfter=a.target\n[Service]\nExecStart=/a\nEnvironment=A=1\nLimitNOFILE=1\n"
            "SupplementaryGroups=x\n",
            DROPIN: "[Unit]\nAfter=\nAfter=b.target\n[Service]\nExecStart=\nExecStart=/b\nEnvironment=\n"
            "Environment=B=2\nLimitNOFILE=2\nSupplementaryGroups=y\n",
        }
    )
    assert values(found, "After") == ["a.target", "b.target"]
    assert (values(found, "ExecStart"), values(found, "Environment")) == (["/b"], ["B=2"])
    assert (values(found, "LimitNOFILE"), values(found, "SupplementaryGroups")) == (["2"], ["x", "y"])
    assert variables(found) == {"B": "2"}


def test_secrets_are_named_and_not_shown(tree):
    """Neither a variable, nor the assignment that has it, nor a command or an environment file gives a secret away."""
    found = tree(
        {
            UNIT: "[Service]\nExecStart=/usr/bin/ollama serve --api-key s3cr3t-one\n"
            "EnvironmentFile=/etc/default/ollama\n",
            DROPIN: '[Service]\nEnvironment="OLLAMA_API_KEY=s3cr3t-two" A=1\nEnvironment=P=http://u:s3cr3t-three@h\n',
            "/etc/default/ollama": "HF_TOKEN=s3cr3t-four\nB=2\n",
        }
    )
    assert "s3cr3t" not in json.dumps(found)
    assert variables(found) == {"OLLAMA_API_KEY": None, "A": "1", "P": None, "HF_TOKEN": None, "B": "2"}
    assert [s["secret"] for s in found["settings"]] == [True, False, True, True]


def test_environment_files_win_and_are_named(tree):
    """A variable of an environment file wins over the unit's; a missing one is a problem unless it is optional."""
    unit = (
        "[Service]\nEnvironment=A=unit\nEnvironmentFile=/etc/default/ollama\nEnvironmentFile=-/etc/absent\n"
        "EnvironmentFile=/etc/missing\nEnvironmentFile=-/etc/env.d/*.env\nEnvironmentFile=relative\n"
    )
    found = tree(
        {UNIT: unit, "/etc/default/ollama": "\nA=file\n", "/etc/env.d/b.env": "B=2\n", "/etc/env.d/a": "C=1\n"}
    )
    assert found["variables"]["A"] == {
        "value": "file",
        "secret": False,
        "file": "/etc/default/ollama",
        "line": 2,
        "from_file": True,
    }
    assert found["environment_files"] == [
        {"path": "/etc/default/ollama", "optional": False, "problem": None},
        {"path": "/etc/absent", "optional": True, "problem": None},
        {"path": "/etc/missing", "optional": False, "problem": "it does not exist"},
        {"path": "/etc/env.d/b.env", "optional": True, "problem": None},
    ]
    assert variables(found) == {"A": "file", "B": "2"}
    assert found["problems"] == [
        "/etc/missing: it does not exist",
        f"{UNIT}:7: the path of an EnvironmentFile= does not begin with /",
    ]


@pytest.mark.parametrize("masked", ["ollama.service", "ollama@.service"])
def test_a_masked_unit_or_template_is_reported(tree, masked):
    """A link to /dev/null takes a unit away, the template as well as the unit itself."""
    found = tree({UNIT: "[Service]\nNice=1\n"}, {f"{ETC}/{masked}": "/dev/null"})
    assert found["masked"] is True
    assert values(found, "Nice") == ([] if masked == "ollama.service" else ["1"])


def test_absolute_links_stay_below_the_prefix(tree, tmp_path):
    """A link of a staged tree names a file of that tree, never one of the host that stages it."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.conf"
    outside.write_text("[Service]\nNice=13\n", encoding="utf-8")
    found = tree({UNIT: "[Service]\n", "/srv/b.conf": "[Service]\nUser=b\n"}, {DROPIN: str(outside)})
    assert (values(found, "Nice"), found["problems"]) == ([], [f"{DROPIN}: it is a link to nothing"])
    os.unlink(f"{tmp_path}{DROPIN}")
    assert values(tree(links={DROPIN: "/srv/b.conf"}), "User") == ["b"]


def test_what_is_no_file_is_a_problem(tree, tmp_path):
    """A pipe is not waited for, a folder, a huge file and links in a circle are named."""
    folder = f"{tmp_path}{ETC}/ollama.service.d"
    tree({UNIT: "[Service]\n", f"{ETC}/ollama.service.d/huge.conf": "#" * (LARGEST + 1)})
    os.mkfifo(f"{folder}/pipe.conf")
    os.mkdir(f"{folder}/folder.conf")
    found = tree(links={f"{ETC}/ollama.service.d/circle.conf": "circle.conf"})
    assert [problem.rsplit("/", 1)[-1] for problem in found["problems"]] == [
        "circle.conf: its links have no end",
        "folder.conf: it is not a regular file",
        f"huge.conf: it has more than {LARGEST} bytes",
        "pipe.conf: it is not a regular file",
    ]


def test_a_file_that_may_not_be_read_is_a_problem(tree, monkeypatch):
    """Who is not root reads what it may, and what is missing is named."""
    opened = os.open

    def refuse(path, *args, **more):
        if str(path).endswith("/etc/ollama/secret.env"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", refuse)
    found = tree({UNIT: "[Service]\nEnvironmentFile=-/etc/ollama/secret.env\n", "/etc/ollama/secret.env": "A=1\n"})
    assert found["problems"] == ["/etc/ollama/secret.env: it cannot be read (Permission denied)"]
    assert found["environment_files"][0]["problem"] == "it cannot be read (Permission denied)"
    assert found["variables"] == {}


def test_a_unit_whose_links_have_no_end_is_a_problem(tree):
    """It is there, and nobody can read it."""
    found = tree(links={f"{ETC}/ollama.service": "ollama.service"})
    assert found["problems"] == [f"{ETC}/ollama.service: its links have no end"]
    assert found["settings"] == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(unit=st.text(), dropin=st.text(), environment=st.text())
def test_any_text_is_read(tree, unit, dropin, environment):
    """Whatever the files hold, there is an answer that JSON carries, and no secret's value in it."""
    found = tree(
        {
            UNIT: f"[Service]\nEnvironmentFile=-/etc/default/ollama\n{unit}".encode("utf-8", "replace").decode(),
            DROPIN: dropin.encode("utf-8", "replace").decode(),
            "/etc/default/ollama": environment.encode("utf-8", "replace").decode(),
        }
    )
    assert found["path"] == UNIT
    assert all((row["value"] is None) == row["secret"] for row in found["settings"])


@given(parts=st.lists(st.sampled_from(["a", "..", ".", "", "b", "\0", "\ud800"]), max_size=8))
def test_any_path_is_resolved(parts):
    """No path leaves the prefix or ends in an error other than the documented one."""
    tree = Tree("/nonexistent")
    path = "/" + "/".join(parts)
    try:
        assert ".." not in tree.resolve(path).split("/")
        assert tree.read(path) is None
    except (UnreadableError, ValueError):
        assert "\0" in path or "\ud800" in path
