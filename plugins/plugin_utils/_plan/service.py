# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit itself says: where to listen, which binary, which limits.

Sources: docs/policy.md, rules S1 to S6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import EVERY_ADDRESS, listens
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import DEFAULT_HOST, split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._combinations import locks_memory
from ansible_collections.inference.ollama.plugins.plugin_utils._container.engines import engine_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.capacity import DEDICATED_BYTES
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.card import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.deployment import confine, home
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.reserve import shown
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE, TEMPLATE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.cpu import Placement
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

LOAD_MODE, MLOCK = "LLAMA_ARG_LOAD_MODE", "LLAMA_ARG_MLOCK"
# A variable that a shell or env sets for the program behind it.
_ASSIGNED = re.compile(r"""(?:^|[\s;&"'])([A-Za-z_][A-Za-z0-9_]*)=([^\s;&"']*)""")
MODELS, HOST = "OLLAMA_MODELS", "OLLAMA_HOST"
# Where install.sh puts the binary on a host whose PATH has the usual order.
DEFAULT_BINARY = "/usr/local/bin/ollama"


def listen(planning: Planning) -> tuple[str, int]:
    """Decide where the server listens; return address and port."""
    address, port = split_host(planning.policy.host) or ("127.0.0.1", 11434)
    text = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    source, reason = OPERATOR, f"ollama_host is {planning.policy.host}"
    if planning.policy.host.startswith(":") and address == EVERY_ADDRESS:
        reason += ", and a port alone means every address"
    if planning.policy.host == DEFAULT_HOST:
        source, reason = (
            POLICY,
            "this host alone reaches the API, since no Ollama release checks a key on requests",
        )
    elif planning.index:
        source, reason = POLICY, f"the first instance's port plus {planning.index}"
    planning.record(VARIABLE, HOST, text, source, reason)
    if planning.policy.api_key:
        planning.warn(
            "api-key-protects-nothing",
            "OLLAMA_API_KEY is the key of a client for the vendor's cloud; the server checks no key on requests",
            "keep ollama_api_key only if commands on this host use it; protect the API by a reverse proxy",
        )
    return address, port


def store(planning: Planning) -> None:
    """Decide where models lie, and how they are brought into memory."""
    path, mode = planning.policy.models_path, planning.policy.load_mode
    home(planning)
    if path is None:
        reason = "not set: the service user's own store, ~/.ollama/models"
        planning.record(VARIABLE, MODELS, None, POLICY, reason)
    else:
        planning.record(VARIABLE, MODELS, path, OPERATOR, f"ollama_models_path is {path}")
    if mode is None:
        reason = "not set: the server chooses by device and free memory"
        planning.record(VARIABLE, LOAD_MODE, None, POLICY, reason)
    elif not planning.acts(LOAD_MODE):
        planning.not_supported(LOAD_MODE)
        planning.warn(
            "load-mode-not-settable",
            f"{planning.release_text} does not read {LOAD_MODE}",
            f"leave ollama_load_mode on auto before {getattr(planning.contract.get(LOAD_MODE), 'since', None)}",
        )
    else:
        planning.record(VARIABLE, LOAD_MODE, mode, OPERATOR, f"ollama_load_mode is {mode}")
        if not planning.gpus:
            planning.warn(
                "load-mode-overridden",
                f"on a host without GPU {planning.release_text} passes --load-mode to the model process itself, which"
                f" overrides {mode}",
                "leave ollama_load_mode on auto on this host, or say PARAMETER use_mmap true in the Modelfiles: then it"
                " passes none",
            )


def limits(planning: Planning) -> None:
    """Decide on Limit*= and OOMScoreAdjust= of the unit."""
    _locked_memory(planning)
    nofile = planning.policy.limit_nofile
    source = OPERATOR if nofile else POLICY
    reason = "a connection, a model file and a GPU handle are a file each; systemd's soft default is 1024"
    if nofile:
        reason = f"ollama_limit_nofile is {nofile}"
    planning.record(DIRECTIVE, "LimitNOFILE", nofile or 65535, source, reason)
    _oom_score(planning)


def _locked_memory(planning: Planning) -> None:
    written = planning.written()
    value, reason = None, "not set: nothing here locks a model's memory, and the limit alone does not"
    if locks_memory(written, planning.release):
        value = "infinity"
        names = [f"{name}={written[name]}" for name in (LOAD_MODE, MLOCK) if name in written]
        what = ", ".join(names) or f"{planning.release_text} with the option use_mlock of a model or request"
        reason = f"{what} locks a model's memory, which this allows"
    planning.record(DIRECTIVE, "LimitMEMLOCK", value, POLICY, reason)


def _oom_score(planning: Planning) -> None:
    option, memory = planning.policy.oom_score_adjust, planning.machine.memory_bytes
    value, source, screen = None, POLICY, shown(planning.machine.gpus)
    if option is not None:
        value, source, reason = option, OPERATOR, f"ollama_oom_score_adjust is {option}"
    elif screen is not None:
        reason = f"not set: {screen}, and a display's programs are not to be killed in the server's place"
    elif memory is None or memory < DEDICATED_BYTES:
        reason = f"not set: with {gib(memory)} of memory the server is the likely cause of a shortage"
    else:
        value = -500
        reason = "the kernel looks for another process first: loading a model again takes longer than most restarts"
    planning.record(DIRECTIVE, "OOMScoreAdjust", value, source, reason)


def command(planning: Planning, placement: Placement) -> None:
    """Decide on CPUAffinity=, and on ExecStart= where it must differ from the installed unit's.

    A container is bound by AllowedCPUs=, and its command is the image's.
    """
    option, found = planning.policy.binary_path, planning.machine.ollama.get("binary")
    binary, node = option or found or DEFAULT_BINARY, placement.node
    owner = f"{node.name}'s usable" if node and planning.count == 1 else "the instance's own"
    cpus, reason = None, "not set: nothing is bound by it"
    if engine_of(planning.policy.deployment) is not None:
        confine(planning, placement.cpus if placement.binding == "affinity" else None, owner)
        return
    if placement.binding == "affinity":
        cpus = str(placement.cpus)
        reason = f"binds the service to {owner} CPUs"
    planning.record(DIRECTIVE, "CPUAffinity", cpus, POLICY, reason)
    argv, reason = None, "not set: the installed unit's own command is used"
    if placement.binding == "numactl" and node:
        argv = [str(planning.machine.numactl), f"--cpunodebind={node.list}", binary, "serve"]
        reason = f"the server and all it starts run on {node.label}"
    elif option is not None and option != found and planning.machine.wrapped:
        planning.error(
            f"ollama_binary_path: {option!r} would replace the command of {SINGLE}, {planning.machine.wrapped}, which"
            " is more than the program; name the program there, and leave ollama_binary_path on auto"
        )
    elif option is not None and option != found:
        argv, reason = [binary, "serve"], f"ollama_binary_path is {option}"
    _check_wrapper(planning)
    source = OPERATOR if option and argv else POLICY
    planning.record(DIRECTIVE, "ExecStart", argv, source, reason)
    if argv and not (option or found):
        planning.warn(
            "binary-not-found",
            f"no Ollama binary was found on the host; the plan names {DEFAULT_BINARY}",
            "set ollama_binary_path if it will be installed elsewhere",
        )


def _check_wrapper(planning: Planning) -> None:
    """Say which variables the installed unit's own command sets otherwise: what is set there wins over any unit."""
    assigned = dict(_ASSIGNED.findall(planning.machine.wrapped or ""))
    written = planning.written()
    for name in sorted(assigned.keys() & written.keys()):
        same = listens(assigned[name]) == listens(written[name]) if name == HOST else assigned[name] == written[name]
        if name == HOST and not same and planning.count == 1:
            planning.error(
                f"ollama_host: the command of {SINGLE}, {planning.machine.wrapped}, sets {HOST} by itself, which wins"
                f" over the plan's {written[name]}; take it out of there, or set ollama_host to the same"
            )
        elif not same and not planning.index:
            planning.warn(
                "command-sets-variable",
                f"the command of {SINGLE} sets {name} by itself, which wins over the plan's {written[name]}",
                "take it out of the command, or give the role the same value",
            )


def template(planning: Planning) -> dict[str, Any]:
    """The unit that several instances are made of: ``{unit, binary, user, group}``, as the installed service has them.

    Without an installed service these are user and group of install.sh.
    """
    found = planning.machine.ollama.get("unit") or {}
    others = [path for path in found.get("dropins") or [] if path.rsplit("/", 1)[-1] != planning.policy.dropin_name]
    if others:
        planning.warn(
            "dropins-left-behind",
            f"{', '.join(others)} belong to {SINGLE} alone, and no instance of {TEMPLATE} reads them",
            "move what they set into ollama_environment",
        )
    return {
        "unit": TEMPLATE,
        "binary": planning.policy.binary_path or planning.machine.ollama.get("binary") or DEFAULT_BINARY,
        "user": found.get("user") or ("root" if found else "ollama"),
        "group": found.get("group") or found.get("user") or ("root" if found else "ollama"),
        "sections": None,
    }
