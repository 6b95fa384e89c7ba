# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring servers back to their cards: stop them, load nvidia_uvm again where nobody uses it, start, load the models.

NVIDIA's module for unified memory may be left without its cards by a suspend (docs/gpu.md of Ollama): it is loaded
again. modprobe(8); proc(5), /proc/modules: name, size, how many use it, by whom.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._readiness import nodes
from ansible_collections.inference.ollama.plugins.module_utils._readiness.judge import Finding, judge
from ansible_collections.inference.ollama.plugins.module_utils._service.answers import whose_answer
from ansible_collections.inference.ollama.plugins.module_utils._service.api import check_url, fetcher
from ansible_collections.inference.ollama.plugins.module_utils._service.gather import PARTS, Host, Wanted, observe
from ansible_collections.inference.ollama.plugins.module_utils._service.load import Memory
from ansible_collections.inference.ollama.plugins.module_utils._service.procfs import Proc
from ansible_collections.inference.ollama.plugins.module_utils._service.wait import Asked, Clock, wait

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Runner
    from ansible_collections.inference.ollama.plugins.module_utils._service.answers import Whose
    from ansible_collections.inference.ollama.plugins.module_utils._service.api import Fetch

UVM = "nvidia_uvm"
_LINES = 1000
_START_SECONDS = 120
# Of a model that is loaded again, and of a service that stops.
LOAD_SECONDS, ACT_SECONDS = 600, 300


class Server(NamedTuple):
    """A planned server: its unit, its address, and its cards as ``nvidia@ADDRESS``."""

    unit: str
    url: str
    cards: tuple[str, ...]


class System(NamedTuple):
    """What the host is read, asked and changed with.

    ``run`` reads, ``act`` waits for services, ``load`` is a fetch that waits for models; ``clock`` is the time of day.
    """

    root: Callable[[], Proc]
    run: Runner
    act: Runner
    fetch: Fetch
    load: Fetch
    whose: Whose
    clock: Clock
    today: Callable[[], float]


def server_of(words: Sequence[str]) -> Server:
    """``UNIT URL CARD,CARD`` of a command line; OllamaError for what is no address."""
    unit, url, cards = words
    check_url(url)
    return Server(unit, url, tuple(filter(None, cards.split(","))))


def real() -> System:
    """The host that this runs on."""
    from ansible_collections.inference.ollama.plugins.module_utils._process import runner  # noqa: PLC0415 only here

    clock = Clock(time.monotonic, time.sleep)
    whose, load = whose_answer("/"), fetcher(LOAD_SECONDS)
    return System(lambda: Proc("/"), runner(15), runner(ACT_SECONDS), fetcher(15), load, whose, clock, time.time)


def look(system: System, server: Server) -> tuple[Finding, dict[str, Any]]:
    """What runs, judged, and as service_info has it."""
    host = Host(system.root(), system.run, system.fetch, system.whose)
    seen = observe(host, [(server.unit, server.url)], Wanted(PARTS, _LINES))["instances"][0]
    return judge(seen, len(server.cards)), seen


def blocked(system: System, server: Server) -> str | None:
    """Why a restart would not bring the server to its cards; None where nothing speaks against it."""
    left = nodes.missing(system.root(), server.cards)
    if left:
        return f"{', '.join(left)} {'is' if len(left) == 1 else 'are'} not there"
    if any(card.startswith("nvidia@") for card in server.cards):
        said = system.run(["nvidia-smi", "-L"])
        if said.out is None and "is not installed" not in (said.problem or ""):
            return said.problem
        if said.out is not None and "GPU " not in said.out:
            return "nvidia-smi lists no card"
    return None


def repair(system: System, servers: Sequence[tuple[Server, Finding]]) -> list[tuple[Finding, list[str]]]:
    """Restart servers, and bring back what was in their memory; what is found then, and sentences on what was done."""
    done = [_systemctl(system, "stop", server.unit) for server, _before in servers]
    reloaded = reload_uvm(system) if any(_is_nvidia(server) for server, _before in servers) else None
    found = []
    for (server, before), said in zip(servers, done):
        more = [reloaded] if reloaded and _is_nvidia(server) else []
        more += _systemctl(system, "start", server.unit)
        wait([(server.unit, server.url)], _START_SECONDS, Asked(system.run, system.fetch, system.whose), system.clock)
        more += _bring_back(system, server, before.models)
        found.append((look(system, server)[0], [*said, *more]))
    return found


def reload_uvm(system: System) -> str | None:
    """Load the module again where it is loaded and nobody uses it; a sentence, None where it is not loaded."""
    text = system.root().text("/proc/modules") or ""
    fields = next((line.split() for line in text.splitlines() if line.startswith(f"{UVM} ")), [])
    if len(fields) < 3:
        return None
    if fields[2] != "0":
        return f"{UVM} was not loaded again, since {fields[2]} use it"
    for words in (["modprobe", "-r", UVM], ["modprobe", UVM]):
        said = system.act(words)
        if said.out is None:
            return said.problem
    # The device file may have another number then; where this is not installed udev makes it.
    system.run(["nvidia-modprobe", "-u", "-c", "0"])
    return f"{UVM} was loaded again"


def _is_nvidia(server: Server) -> bool:
    return any(card.startswith("nvidia@") for card in server.cards)


def _systemctl(system: System, act: str, unit: str) -> list[str]:
    said = system.act(["systemctl", act, unit])
    return [] if said.problem is None else [said.problem]


def _bring_back(system: System, server: Server, models: Sequence[Mapping[str, Any]]) -> list[str]:
    if not models:
        return []
    memory = Memory(server.url, system.load, datetime.fromtimestamp(system.today(), timezone.utc))
    try:
        back = memory.bring_back([dict(model) for model in models])
    except OllamaError as error:
        return [str(error)]
    return [f"brought back {', '.join(back)}"] if back else []
