# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what a server runs, and what its container needs (_plan/deployment.py)."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import (
    by_digest,
    found_of,
    release_of_image,
    topology_with,
)
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.make import PlanError, make_plan
from ansible_collections.inference.ollama.tests.unit.support.found import found_unit
from ansible_collections.inference.ollama.tests.unit.support.plans import card, topology, workstation, xeon

DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"docker.io/ollama/ollama:0.34.1@{DIGEST}"
PODMAN = {"deployment": "podman", "image": IMAGE}
AMD = {"vendor": "amd", "name": "AMD", "gfx_target": "gfx1100", "uuid": "GPU-1", "pci_bus_id": "0000:09:00.0"}


def form(machine, name="ollama", **options):
    return form_of(make_plan(machine, {**PODMAN, **options}), name)


def refused(machine=None, **options):
    with pytest.raises(PlanError) as error:
        make_plan(machine or xeon(), options)
    return error.value.lines


def test_a_container_of_a_host_without_ollama_is_planned_for_the_release_of_its_tag():
    """Nothing has to be installed: the image says which release it is, or the operator does."""
    bare = xeon(software={"systemd": 257, "numactl": None, "ollama": None})
    assert make_plan(bare, PODMAN)["release"] == "0.34.1"
    private = {**PODMAN, "image": f"registry.example.org:5000/ai/ollama@{DIGEST}"}
    assert make_plan(bare, {**private, "version": "0.33.0"})["release"] == "0.33.0"
    assert [line.partition(":")[0] for line in refused(bare, **private)] == ["ollama_version"]


@pytest.mark.parametrize(
    ("tag", "release"),
    [(":0.34.1", "0.34.1"), (":0.34.1-rocm", "0.34.1"), (":0.34.0-rc2", "0.34.0-rc2"), (":latest", None), ("", None)],
)
def test_a_tag_names_a_release_or_none(tag, release):
    """What stands behind the release is what the image is for; without the tag the digest is the same image."""
    found = release_of_image(f"localhost:5000/ollama{tag}@{DIGEST}")
    assert (None if found is None else str(found)) == release
    assert by_digest(f"localhost:5000/ollama{tag}@{DIGEST}") == f"localhost:5000/ollama@{DIGEST}"
    assert (release_of_image("ollama"), release_of_image(f"a:1.2.3.4.5@{DIGEST}")) == (None, None)
    assert by_digest("ollama") == "ollama"


def test_several_servers_are_bound_by_their_control_groups_and_have_no_template():
    """Each container has the CPUs of its node by the unit's group, and neither numactl nor an affinity of systemd."""
    plan = make_plan(xeon(), {**PODMAN, "instances": "per_numa_node"})
    assert (plan["deployment"], plan["template"]) == ("podman", None)
    said = [views.directives(plan, name) for name in ("node0", "node1")]
    assert [each["AllowedCPUs"] for each in said] == ["0-13,28-41", "14-27,42-55"]
    assert not {"CPUAffinity", "ExecStart", "ProtectHome", "LockPersonality"} & {name for each in said for name in each}
    forms = [form_of(plan, name) for name in ("node0", "node1")]
    assert [each["name"] for each in forms] == ["ollama-node0", "ollama-node1"]
    assert [each["cpus"] for each in forms] == ["0-13,28-41", "14-27,42-55"]


def test_the_store_is_mounted_where_the_plan_has_it():
    """The home that outlives the container always, and a store of its own where it lies elsewhere."""
    home = "/var/lib/ollama"
    assert [each["source"] for each in form(xeon())["mounts"]] == [home]
    assert [each["source"] for each in form(xeon(), models_path=f"{home}/models")["mounts"]] == [home]
    own = form(xeon(), models_path="/srv/models")
    assert [(each["source"], each["target"]) for each in own["mounts"]] == [(home, home), ("/srv/models",) * 2]
    assert (own["environment"]["HOME"], own["environment"]["OLLAMA_MODELS"]) == (home, "/srv/models")
    assert "colon" in refused(**PODMAN, models_path="/srv/a:b")[0]


def test_cards_reach_a_container_by_the_names_that_its_variables_use():
    """All of them, some by UUID; where a variable counts cards by index, hiding some would change the indexes."""
    two = workstation(card(0), card(1))
    assert form(two)["devices"] == {"nvidia": "all", "amd": False}
    after = views.order(make_plan(two, PODMAN), "ollama")["After"]
    assert after == "nvidia-persistenced.service nvidia-cdi-refresh.service"
    assert form(two, "gpu1", instances="per_gpu")["devices"]["nvidia"] == [card(1)["uuid"]]
    assert form(two, cuda_visible_devices="1")["devices"]["nvidia"] == "all"
    assert form(two, cuda_visible_devices=card(1)["uuid"])["devices"]["nvidia"] == [card(1)["uuid"]]
    assert form(two, cuda_visible_devices="none")["devices"]["nvidia"] == []
    amd = topology({"gpus": [card(0, **AMD, compute_capability=None)], "drivers": {"nvidia": None, "amd": {}}}, cores=6)
    assert form(amd)["devices"] == {"nvidia": [], "amd": True}


def test_secrets_are_handed_on_by_the_file_of_systemd():
    """By their names; a credential is for a program that systemd starts itself."""
    plan = make_plan(xeon(), {**PODMAN, "secret_environment": ["MY_SECRET"], "api_key": True})
    made = form_of(plan, "ollama")
    assert (made["secrets"], made["environment_file"]) == (["MY_SECRET", "OLLAMA_API_KEY"], "/etc/ollama/secrets.env")
    assert views.directives(plan, "ollama")["EnvironmentFile"] == "/etc/ollama/secrets.env"
    asked = {"secret_environment": ["MY_SECRET"], "secrets_method": "credentials"}
    assert refused(**PODMAN, **asked)[0].startswith("ollama_secrets_method: 'credentials'")


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        ({"deployment": "podman"}, "ollama_image"),
        ({"image": IMAGE}, "ollama_image"),
        ({"deployment": "docker", "image": "docker.io/ollama/ollama:0.34.1"}, "ollama_image"),
        ({"deployment": "kubernetes"}, "ollama_deployment"),
        ({**PODMAN, "binary_path": "/opt/ollama"}, "ollama_binary_path"),
        ({**PODMAN, "bind_method": "numactl"}, "ollama_bind_method"),
    ],
)
def test_what_does_not_go_together_is_refused_once(options, variable):
    """An image without a digest, without an engine, an engine without one, and what only a program of the host has."""
    assert [line.partition(":")[0] for line in refused(**options)] == [variable]


def test_variables_of_other_files_are_given_to_the_container_and_directives_are_not():
    """What systemd would apply to the engine says nothing of the server; a generated unit is the container's own."""
    other = found_unit({"OLLAMA_KEEP_ALIVE": "24h"}, {"LimitNOFILE": "1024"})
    plan = make_plan(xeon(), PODMAN, found=other)
    assert form_of(plan, "ollama")["environment"]["OLLAMA_KEEP_ALIVE"] == "24h"
    assert form_of(plan, "ollama")["limits"]["nofile"] == 65535
    generated = {**other, "path": "/run/systemd/generator/ollama.service"}
    assert found_of(generated, PODMAN) is None
    assert (found_of(other, {}), found_of(None, PODMAN)) == (other, None)


def test_the_topology_has_the_unit_that_there_will_be():
    """Of the installed one its drop-ins and its state stay, and its user and its command do not."""
    before = xeon()
    before["software"]["ollama"]["unit"].update(active=True, user="ollama", dropins=["/a.conf"], wrapped_command="sh")
    unit = topology_with(before, PODMAN)["software"]["ollama"]["unit"]
    assert (unit["active"], unit["user"], unit["dropins"], unit["wrapped_command"]) == (True, "root", ["/a.conf"], None)
    assert topology_with(before, {"deployment": "systemd"}) is before
