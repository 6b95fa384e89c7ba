# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit itself says: where to listen, which binary, which limits.

Sources: docs/policy.md, rules S1 to S6.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import DEFAULT_HOST, split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.capacity import DEDICATED_BYTES
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.machine import gib
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import SINGLE, TEMPLATE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.cpu import Placement
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

LOAD_MODE, MODELS, HOST = "LLAMA_ARG_LOAD_MODE", "OLLAMA_MODELS", "OLLAMA_HOST"
# Where install.sh puts the binary on a host whose PATH has the usual order.
DEFAULT_BINARY = "/usr/local/bin/ollama"


def listen(case: Case) -> tuple[str, int, dict[str, str]]:
    """Address, port, and the environment that says so."""
    address, port = split_host(case.policy.host) or ("127.0.0.1", 11434)
    text = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if case.policy.host == DEFAULT_HOST:
        case.decide(
            HOST, text, POLICY, "this host alone reaches the API, since no Ollama release checks a key on requests"
        )
    elif case.index:
        case.decide(HOST, text, POLICY, f"the first instance's port plus {case.index}")
    else:
        case.decide(HOST, text, OPERATOR, f"ollama_host is {case.policy.host}")
    if not _loopback(address):
        case.warn(
            "exposed-without-authentication",
            f"the API listens on {text}, and no Ollama release checks a key on requests",
            "listen on 127.0.0.1 behind a reverse proxy that authenticates, or allow only trusted networks in the"
            " firewall",
        )
    if case.policy.api_key:
        case.warn(
            "api-key-protects-nothing",
            "OLLAMA_API_KEY is the key of a client for the vendor's cloud; the server checks no key on requests",
            "keep ollama_api_key only if commands on this host use it; protect the API by a reverse proxy",
        )
    return address, port, {HOST: text}


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def store(case: Case) -> dict[str, str]:
    """Where models lie, and how they are brought into memory."""
    environment = {}
    path = case.policy.models_path
    if path is None:
        case.decide(MODELS, None, POLICY, "not set: the service user's own store, ~/.ollama/models")
    else:
        environment[MODELS] = str(case.decide(MODELS, path, OPERATOR, f"ollama_models_path is {path}"))
    mode = case.policy.load_mode
    if mode is None:
        case.decide(LOAD_MODE, None, POLICY, "not set: the server chooses by device and free memory")
    elif not case.acts(LOAD_MODE):
        case.withhold(LOAD_MODE)
        case.warn(
            "load-mode-not-settable",
            f"{case.release_text} does not read {LOAD_MODE}",
            "leave ollama_load_mode on auto before 0.32.6",
        )
    else:
        environment[LOAD_MODE] = str(case.decide(LOAD_MODE, mode, OPERATOR, f"ollama_load_mode is {mode}"))
        if not case.gpus:
            case.warn(
                "load-mode-overridden",
                f"on a host without GPU {case.release_text} passes --load-mode to the model process itself, which"
                f" overrides {mode}",
                "leave ollama_load_mode on auto on this host, or say PARAMETER use_mmap true in the Modelfiles: then it"
                " passes none",
            )
    return environment


def limits(case: Case) -> dict[str, Any]:
    """Limit*=, OOMScoreAdjust= and EnvironmentFile= of the unit."""
    service: dict[str, Any] = {}
    locks = case.policy.load_mode in ("mlock", "mmap+mlock")
    service["LimitMEMLOCK"] = case.decide(
        "LimitMEMLOCK",
        "infinity",
        POLICY,
        f"ollama_load_mode {case.policy.load_mode} locks a model's memory, which this allows"
        if locks
        else "a model may lock its memory; from 0.30 on the limit alone locks nothing, a load mode with mlock does",
    )
    nofile = case.policy.limit_nofile
    service["LimitNOFILE"] = case.decide(
        "LimitNOFILE",
        nofile or 65535,
        OPERATOR if nofile else POLICY,
        (
            f"ollama_limit_nofile is {nofile}"
            if nofile
            else "a connection, a model file and a GPU handle are a file each; systemd's soft default is 1024"
        ),
    )
    adjust = _oom_score(case)
    if adjust is not None:
        service["OOMScoreAdjust"] = adjust
    if case.policy.api_key:
        reason = (
            "holds OLLAMA_API_KEY; a file that root alone can read, since any user can read Environment= by systemctl"
            " show"
        )
        service["EnvironmentFile"] = case.decide("EnvironmentFile", case.policy.secrets_path, OPERATOR, reason)
    return service


def _oom_score(case: Case) -> int | None:
    wish, memory = case.policy.oom_score_adjust, case.machine.memory_bytes
    if wish is not None:
        case.decide("OOMScoreAdjust", wish, OPERATOR, f"ollama_oom_score_adjust is {wish}")
        return int(wish)
    if any(gpu.display_active for gpu in case.machine.gpus):
        case.decide(
            "OOMScoreAdjust",
            None,
            POLICY,
            "not set: a display is in use, and its programs are not to be killed in the server's place",
        )
        return None
    if memory is None or memory < DEDICATED_BYTES:
        case.decide(
            "OOMScoreAdjust",
            None,
            POLICY,
            f"not set: with {gib(memory)} of memory the server is the likely cause of a shortage",
        )
        return None
    case.decide(
        "OOMScoreAdjust",
        -500,
        POLICY,
        "the kernel looks for another process first: loading a model again takes longer than most restarts",
    )
    return -500


def command(case: Case, placement: Placement) -> dict[str, Any]:
    """ExecStart= where it must differ from the installed unit's, and CPUAffinity=."""
    wish, found = case.policy.binary_path, case.machine.ollama.get("binary")
    binary = wish or found or DEFAULT_BINARY
    service: dict[str, Any] = {}
    if placement.bind == "affinity":
        whose = f"node {placement.node.id}'s usable" if placement.node and case.count == 1 else "the instance's own"
        reason = f"binds the service to {whose} CPUs"
        service["CPUAffinity"] = case.decide("CPUAffinity", str(placement.cpus), POLICY, reason)
    else:
        case.decide("CPUAffinity", None, POLICY, "not set: nothing is bound by it")
    if placement.bind == "numactl" and placement.node:
        argv = [str(case.machine.numactl), f"--cpunodebind={placement.node.id}", binary, "serve"]
        reason = f"the server and all it starts run on node {placement.node.id}"
    elif wish is not None and wish != found:
        argv, reason = [binary, "serve"], f"ollama_binary_path is {wish}"
    else:
        case.decide("ExecStart", None, POLICY, "not set: the installed unit's own command stands")
        return service
    service["ExecStart"] = argv
    case.decide("ExecStart", " ".join(argv), OPERATOR if wish else POLICY, reason)
    if not (wish or found):
        case.warn(
            "binary-not-found",
            f"no Ollama binary was found on the host; the plan names {DEFAULT_BINARY}",
            "set ollama_binary_path if it will be installed elsewhere",
        )
    return service


def template(case: Case) -> dict[str, Any]:
    """The unit that several instances are made of: ``{unit, binary, user, group}``, as the installed service has them.

    User and group that install.sh makes stand where there is no installed service to ask.
    """
    found = case.machine.ollama.get("unit") or {}
    others = [path for path in found.get("dropins") or [] if path.rsplit("/", 1)[-1] != case.policy.dropin_name]
    if others:
        case.warn(
            "dropins-left-behind",
            f"{', '.join(others)} belong to {SINGLE} alone, and no instance of {TEMPLATE} reads them",
            "move what they set into ollama_environment",
        )
    return {
        "unit": TEMPLATE,
        "binary": case.policy.binary_path or case.machine.ollama.get("binary") or DEFAULT_BINARY,
        "user": found.get("user") or ("root" if found else "ollama"),
        "group": found.get("group") or found.get("user") or ("root" if found else "ollama"),
    }


__all__ = ("DEFAULT_BINARY", "command", "limits", "listen", "store", "template")
