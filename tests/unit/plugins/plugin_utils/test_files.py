# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a plan stands on a host, what is left of another one, and whom a change concerns (_files.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._places import HEADER
from ansible_collections.inference.ollama.plugins.module_utils._places import UNITS_FOLDER as FOLDER
from ansible_collections.inference.ollama.plugins.plugin_utils._files import (
    changed_units,
    is_ours,
    stale_files,
    unit_files,
)

ROLE = Path(__file__).resolve().parents[4] / "roles/ollama"
TEMPLATE = {"unit": "ollama@.service", "binary": "/usr/local/bin/ollama", "user": "ollama", "group": "ollama"}
TEMPLATE_PATH = f"{FOLDER}/ollama@.service"
SINGLE_PATH = f"{FOLDER}/ollama.service.d/override.conf"
NAME = st.from_regex(r"[a-z0-9][a-z0-9-]{0,30}", fullmatch=True)


def several(*names):
    """A plan with these instances, or the plan of one server without any."""
    if not names:
        return {"template": None, "instances": [{"name": "ollama", "unit": "ollama.service"}]}
    return {"template": TEMPLATE, "instances": [{"name": name, "unit": f"ollama@{name}.service"} for name in names]}


def dropin(name, file="override.conf"):
    return f"{FOLDER}/ollama@{name}.service.d/{file}"


def paths(plan, *arguments):
    return [file["path"] for file in unit_files(plan, "override.conf", *arguments)]


def stale(plan, ours, links=()):
    return stale_files(plan, unit_files(plan, "override.conf"), ours, links)


def test_one_server_has_one_dropin_and_several_have_a_template_too():
    """The installed unit is never written; instances need a unit of the role's."""
    assert paths(several()) == [SINGLE_PATH]
    assert paths(several("a", "b")) == [TEMPLATE_PATH, dropin("a"), dropin("b")]
    assert paths(several("a"), "/mnt/image") == [f"/mnt/image{TEMPLATE_PATH}", f"/mnt/image{dropin('a')}"]


@pytest.mark.parametrize("path", sorted((ROLE / "templates").glob("*.j2")), ids=lambda path: path.name)
def test_every_template_begins_with_the_header(path):
    """By it the role knows its files."""
    assert path.read_text(encoding="utf-8").startswith(HEADER)


def test_a_file_is_known_by_the_header_that_the_templates_write():
    """Whatever else is in it."""
    assert is_ours(f"{HEADER} what is changed\n[Service]\n")
    assert not is_ours("[Service]\n")


def test_from_one_to_several_the_one_stops_and_its_dropin_goes():
    """It would hold the port that the first instance takes."""
    assert stale(several("a", "b"), [SINGLE_PATH]) == {
        "units": ["ollama.service"],
        "files": [SINGLE_PATH],
        "folders": [f"{FOLDER}/ollama.service.d"],
    }


def test_from_several_to_one_everything_of_theirs_goes():
    """The template, each drop-in with its folder, and the services themselves."""
    found = stale(several(), [TEMPLATE_PATH, dropin("a"), dropin("b")])
    assert found["units"] == ["ollama@a.service", "ollama@b.service"]
    assert found["files"] == [TEMPLATE_PATH, dropin("a"), dropin("b")]
    assert found["folders"] == [f"{FOLDER}/ollama@a.service.d", f"{FOLDER}/ollama@b.service.d"]


def test_an_instance_that_is_not_planned_any_more_goes_and_the_others_stay():
    """What is planned is not among what goes."""
    found = stale(several("a"), [TEMPLATE_PATH, dropin("a"), dropin("b")])
    assert found["units"] == ["ollama.service", "ollama@b.service"]
    assert found["files"] == [dropin("b")]


def test_an_instance_without_dropin_is_known_by_the_link_that_starts_it():
    """Somebody may have removed the drop-in by hand; the service runs all the same."""
    links = [f"{FOLDER}/multi-user.target.wants/ollama@{name}.service" for name in "ab"]
    assert stale(several("a"), [TEMPLATE_PATH, dropin("a")], links)["units"] == ["ollama.service", "ollama@b.service"]


def test_another_name_of_the_dropin_removes_the_former_one_and_stops_nothing():
    """The service itself is still planned."""
    former = f"{FOLDER}/ollama.service.d/zz-tuning.conf"
    assert stale(several(), [SINGLE_PATH, former]) == {"units": [], "files": [former], "folders": []}


def test_a_copy_in_another_folder_is_somebody_elses():
    """Only folders of Ollama's units can hold files of the role."""
    copies = [f"{FOLDER}/nginx.service.d/override.conf", f"{FOLDER}/ollama-proxy.service.d/override.conf"]
    assert stale(several(), copies)["files"] == []


def test_a_slice_has_a_drop_in_that_goes_without_anything_being_stopped():
    """The slice of an earlier plan leaves a file and a folder behind; to stop a slice ends every service in it."""
    plan = {**several("a", "b"), "slice": "ollama.slice"}
    ours = f"{FOLDER}/ollama.slice.d/override.conf"
    assert paths(plan) == [TEMPLATE_PATH, ours, dropin("a"), dropin("b")]
    former = f"{FOLDER}/llm.slice.d/override.conf"
    assert stale(plan, [*paths(plan), former]) == {
        "units": ["ollama.service"],
        "files": [former],
        "folders": [f"{FOLDER}/llm.slice.d"],
    }
    assert changed_units(plan, [ours, former], everywhere=False) == []
    assert stale(plan, [f"{FOLDER}/a-b.slice.d/override.conf"])["files"] == []


@given(st.sets(NAME, max_size=4), st.sets(NAME, max_size=4))
def test_what_a_plan_wrote_is_either_planned_again_or_goes(before, after):
    """Going from any plan to any other leaves nothing behind and takes nothing that is needed."""
    old, new = several(*sorted(before)), several(*sorted(after))
    found = stale(new, paths(old))
    assert set(found["files"]) | set(paths(new)) >= set(paths(old))
    assert not set(found["files"]) & set(paths(new))
    assert not set(found["units"]) & {instance["unit"] for instance in new["instances"]}
    assert stale(new, paths(new))["files"] == []


def test_a_changed_dropin_concerns_its_own_service():
    """The other instances keep their models in memory."""
    plan = several("a", "b")
    assert changed_units(plan, [dropin("b")], everywhere=False) == ["ollama@b.service"]
    assert changed_units(plan, [dropin("b"), dropin("a")], everywhere=False) == [
        "ollama@a.service",
        "ollama@b.service",
    ]


def test_a_removed_dropin_concerns_the_service_that_stays():
    """A second file of ours in the folder set something too."""
    plan = several("a", "b")
    assert changed_units(plan, [dropin("a", "zz.conf")], everywhere=False) == ["ollama@a.service"]
    assert changed_units(plan, [dropin("gone")], everywhere=False) == []


def test_template_and_secrets_concern_all():
    """Every instance is made of the one and reads the other."""
    plan = several("a", "b")
    units = ["ollama@a.service", "ollama@b.service"]
    assert changed_units(plan, [TEMPLATE_PATH], everywhere=False) == units
    assert changed_units(plan, [], everywhere=True) == units
    assert changed_units(plan, [], everywhere=False) == []


def test_files_other_than_units_concern_no_service():
    """The kernel's settings and the file of secrets belong to no unit; ``everywhere`` decides whether they matter."""
    others = ["/etc/sysctl.d/90-ollama.conf", "/etc/ollama/secrets.env", f"{FOLDER}/ollama@a.service"]
    assert changed_units(several("a"), others, everywhere=False) == []
    assert changed_units(several(), others, everywhere=False) == []


def test_removing_the_template_concerns_no_server_that_is_none_of_its_instances():
    """From several to one, the one starts for its own drop-in."""
    assert changed_units(several(), [TEMPLATE_PATH], everywhere=False) == []


CONTAINERS = "/etc/containers/systemd"


def contained(*names):
    """The same plans, in containers of Podman."""
    return {**several(*names), "deployment": "podman", "template": None}


def test_a_container_has_a_file_of_its_own_before_the_dropin():
    """Quadlet makes the unit of it, of one server and of each of several."""
    assert paths(contained()) == [f"{CONTAINERS}/ollama.container", SINGLE_PATH]
    assert paths(contained("a"), "/mnt") == [f"/mnt{CONTAINERS}/ollama@a.container", f"/mnt{dropin('a')}"]


def test_containers_that_are_no_longer_planned_go_with_their_units():
    """A unit that stays planned is not stopped, whatever it is made of."""
    ours = [f"{CONTAINERS}/ollama@a.container", f"{CONTAINERS}/ollama.container"]
    assert stale(several(), ours) == {"units": ["ollama@a.service"], "files": sorted(ours), "folders": []}
    assert stale(contained("a", "b"), ours)["files"] == ours[1:]
    assert stale(contained("a", "b"), [])["units"] == ["ollama.service"]


def test_a_changed_container_restarts_its_unit():
    """As a changed drop-in does."""
    changes = [f"{CONTAINERS}/ollama@a.container"]
    assert changed_units(contained("a", "b"), changes, everywhere=False) == ["ollama@a.service"]
