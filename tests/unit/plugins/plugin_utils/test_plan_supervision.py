# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How systemd orders, restarts and confines the server; and the kernel's settings."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._plan import views
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.supervision import HARDENING, STRICT
from ansible_collections.inference.ollama.tests.unit.support.plans import (
    card,
    codes,
    decision,
    instances,
    plan,
    topology,
    workstation,
    xeon,
)

# What would keep the server from its cards or its models (systemd.exec(5)).
HARMFUL = {
    "PrivateDevices",
    "ProtectClock",
    "DeviceAllow",
    "DevicePolicy",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "ProtectKernelModules",
    "ProtectHome",
    "ProtectSystem",
    "SystemCallFilter",
}


def service(machine, **options):
    """The [Service] directives of the only instance."""
    return instances(plan(machine, **options))[0]["directives"]


def test_a_server_with_a_card_starts_after_the_driver():
    """Started before the device files exist, a server would silently run on the CPUs."""
    made = plan(workstation(card()))
    service = "nvidia-persistenced.service"
    assert instances(made)[0]["order"] == {"After": service, "Wants": service}
    assert instances(plan(xeon()))[0]["order"] == {}


def test_a_dead_server_comes_back():
    """Whatever unit is installed, the server is restarted."""
    found = service(xeon())
    assert (found["Restart"], found["RestartSec"]) == ("always", 3)


def test_hardening_hides_neither_cards_nor_models():
    """No directive of the plan is one that is known to hide what the server needs."""
    found = service(workstation(card()))
    assert set(HARDENING) <= set(found)
    assert not HARMFUL & set(found)


def test_hardening_can_be_left_out():
    """An operator who confines the unit otherwise gets none of it, and neither does an old systemd."""
    every = {*HARDENING, *STRICT}
    assert not every & set(service(xeon(), hardening=False))
    old = xeon()
    old["software"]["systemd"] = 239
    assert not every & set(service(old))


def test_what_a_card_may_lose_is_set_without_one_or_by_word():
    """A host whose cards were not read counts as one that has some."""
    owned = xeon()
    owned["software"]["ollama"]["unit"].update(user="ollama", home="/usr/share/ollama")
    assert set(STRICT) <= set(service(owned))
    assert not set(STRICT) & set(service(workstation(card())))
    unknown = {"CapabilityBoundingSet", "ProtectSystem", "ProtectHome", "ReadWritePaths"}
    assert set(STRICT) - unknown == set(STRICT) & set(service(workstation(card()), hardening=True))
    assert not set(STRICT) & set(service({**owned, "gpus": None}))


def test_root_keeps_the_rights_that_its_store_may_need():
    """A service without User= reads folders of others by its capabilities."""
    owned = xeon()
    owned["software"]["ollama"]["unit"]["user"] = "root"
    assert "CapabilityBoundingSet" not in service(owned)


@pytest.mark.parametrize(
    ("pages", "gpus", "warned"),
    [("always", [], False), ("madvise", [], True), ("never", [], True), ("never", [card()], False)],
)
def test_small_pages_are_warned_of_without_a_card(pages, gpus, warned):
    """A model in ordinary memory needs huge pages, which this role changes only on request."""
    machine = workstation(*gpus, transparent_hugepage=pages)
    made = plan(machine)
    assert ("huge-pages-not-always" in codes(made)) is warned
    assert views.kernel(made)["transparent_hugepage"] is None


def test_page_migration_is_warned_of_where_a_server_spans_nodes():
    """Bound to one node nothing migrates; on all nodes pages move back and forth."""
    assert "numa-balancing-on" in codes(plan(xeon(), numa_node="none"))
    assert "numa-balancing-on" not in codes(plan(xeon()))
    quiet = topology(sockets=2, cores=4, nodes=2, numa_balancing=0)
    assert "numa-balancing-on" not in codes(plan(quiet, numa_node="none"))


def test_the_kernel_is_changed_on_request_alone():
    """What the operator says of the kernel is a decision of the host, not of an instance."""
    made = plan(xeon(), transparent_hugepage="always", numa_balancing="no", instances="per_numa_node")
    assert views.kernel(made) == {"transparent_hugepage": "always", "numa_balancing": 0}
    assert decision(made, "numa_balancing")["instance"] is None
    assert views.kernel(plan(xeon())) == {"transparent_hugepage": None, "numa_balancing": None}


@pytest.mark.parametrize("options", [{"transparent_hugepage": "always"}, {"numa_balancing": True}])
def test_what_the_kernel_does_not_have_is_refused(options):
    """A setting that would be written at every run and never act stops the role."""
    machine = xeon()
    machine["kernel"] = None
    with pytest.raises(OllamaError, match="is not allowed here: the kernel"):
        plan(machine, **options)
