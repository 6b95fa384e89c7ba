# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directives of a unit take away what a server of models needs: GPUs, executable memory, the network, threads.

Source: systemd.exec(5) and systemd.resource-control(5); rule S9 of docs/policy.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._systemd.numbers import integer, size
from ansible_collections.inference.ollama.plugins.module_utils._systemd.words import YES
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_finding import UnitFinding, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import Service
    from ansible_collections.inference.ollama.plugins.module_utils._systemd.unit_text import Setting

# Whoever hides all cards has no use of device files.
_CARDS = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")
# The device files of GPUs in DeviceAllow=, whoever made them; the whole of them is more than one vendor needs.
_DEVICE = re.compile(r"/dev/(?:nvidia|kfd|dri|nvhost|nvmap|dxg|accel)|char-(?:nvidia|kfd|drm|accel|\*)|char-\*")
# Paths without which a driver does not work.
_HIDDEN = re.compile(r"/dev(?:/(?:dri|kfd|nvidia.*))?|/proc(?:/driver.*)?|/sys(?:/(?:class|bus|devices|module).*)?")
_GPU = "the server finds no GPU and computes on CPUs"
# A runner takes some hundred threads and processes, and maps a model of any size.
_FEW_TASKS = 128
_CALLS = frozenset(
    {"mmap", "mprotect", "ioctl", "clone", "clone3", "futex", "mbind", "mlock", "sched_setaffinity"}
    | {"@network-io", "@file-system", "@process", "@basic-io", "@io-event", "@ipc", "@memlock"}
)


def hardening(service: Service) -> Iterator[UnitFinding]:
    """A finding for each directive that takes away something that a server of models, or most of them, needs."""
    yield from _devices(service)
    yield from _memory(service)
    yield from _network(service)
    yield from _processes(service)


def _last(service: Service, directive: str) -> Setting | None:
    return next(iter(service.values(directive)[-1:]), None)


def _on(service: Service, directive: str) -> Setting | None:
    setting = _last(service, directive)
    return setting if setting is not None and setting.value.lower() in YES else None


def _advice(setting: Setting, code: str, message: str, remedy: str) -> UnitFinding:
    return at(setting, "advice", code, message, remedy)


def _devices(service: Service) -> Iterator[UnitFinding]:
    environment = service.environment
    hidden = [name for name in _CARDS if name in environment and environment[name].value == "-1"]
    if "CUDA_VISIBLE_DEVICES" in hidden and len(hidden) > 1:
        # A server on CPUs by choice.
        return
    private = _on(service, "PrivateDevices")
    if private is not None:
        message = f"it hides /dev/nvidia*, /dev/kfd and /dev/dri, so {_GPU}"
        yield _advice(private, "hides-gpu", message, "leave it out on a host with a GPU")
    yield from _denied(service)
    for directive in ("InaccessiblePaths", "InaccessibleDirectories", "TemporaryFileSystem"):
        for setting in service.values(directive):
            paths = {word.lstrip("-+").partition(":")[0].rstrip("/") for word in setting.value.split()}
            if any(_HIDDEN.fullmatch(path) for path in paths):
                message = f"it hides device files or what the driver reads of them, so {_GPU}"
                yield _advice(setting, "hides-gpu", message, "take that path out")
    subset = _last(service, "ProcSubset")
    if subset is not None and subset.value == "pid":
        message = (
            "it hides /proc/meminfo, /proc/cpuinfo and /proc/driver, by which server and drivers learn of the host"
        )
        yield _advice(subset, "hides-files", message, "leave it out")
    users = _last(service, "PrivateUsers")
    if users is not None and users.value.lower() in YES | {"self"}:
        message = (
            "other users and groups are nobody's for the service, so device files of the groups video and render"
            " and a store of another user are closed to it"
        )
        yield _advice(users, "hides-gpu", message, "leave it out")


def _denied(service: Service) -> Iterator[UnitFinding]:
    """Device files that exist and cannot be opened."""
    others = service.values("DeviceAllow")
    if any(_DEVICE.search(setting.value) for setting in others):
        return
    policy, clock = _last(service, "DevicePolicy"), _on(service, "ProtectClock")
    if policy is not None and policy.value in ("closed", "strict"):
        message = f"without DeviceAllow= it denies /dev/nvidia*, /dev/kfd and /dev/dri, so {_GPU}"
        remedy = (
            "leave it out, or name the device files of the GPU by DeviceAllow=, such as char-nvidia* rw or char-drm rw"
        )
        yield _advice(policy, "hides-gpu", message, remedy)
    elif others:
        message = f"it denies every device that no DeviceAllow= names, those of GPUs among them, so {_GPU}"
        yield _advice(others[-1], "hides-gpu", message, "name the device files of the GPU too, or leave it out")
    if clock is not None:
        message = f"it implies DeviceAllow=char-rtc r, which denies the device files of GPUs, so {_GPU}"
        yield _advice(clock, "hides-gpu", message, "leave it out, or name the device files of the GPU by DeviceAllow=")


def _memory(service: Service) -> Iterator[UnitFinding]:
    setting = _on(service, "MemoryDenyWriteExecute")
    if setting is not None:
        message = (
            "CUDA and ROCm compile kernels into memory that they then execute, which this forbids, so runners fail"
        )
        yield _advice(setting, "stops-runner", message, "leave it out on a host with a GPU")
    for limit in (_last(service, "LimitAS"), _last(service, "LimitDATA")):
        if limit is not None and size(limit.value.partition(":")[0]) is not None:
            message = "CUDA reserves addresses of all memory and more, and a model is mapped as a whole: runners fail"
            yield _advice(limit, "stops-runner", message, "leave it out, and bound memory by MemoryMax= if at all")
    cap = _last(service, "MemoryMax")
    bytes_ = size(cap.value) if cap is not None else None
    if cap is not None and bytes_ is not None and bytes_ < 1 << 30:
        message = f"{bytes_} bytes hold no model, and the kernel ends the service where it takes more"
        yield _advice(cap, "stops-runner", message, "write what models and caches take, or leave it out")


def _network(service: Service) -> Iterator[UnitFinding]:
    private = _on(service, "PrivateNetwork")
    if private is not None:
        message = "the server has a network of its own, so no client reaches its port, and it pulls no models"
        yield at(private, "fatal", "no-network", message, "leave it out")
    denied = [each for each in service.values("IPAddressDeny") if {"any", "0.0.0.0/0"} & set(each.value.split())]
    if denied:
        allowed = " ".join(each.value for each in service.values("IPAddressAllow")).split()
        if not allowed:
            message = "every packet is dropped, those from this host too, so no client reaches the server"
            remedy = "write IPAddressAllow=localhost and the networks of clients beside it, or leave it out"
            yield at(denied[-1], "fatal", "no-network", message, remedy)
    families = service.values("RestrictAddressFamilies")
    if families:
        yield from _families(families)
    bind = service.values("SocketBindDeny")
    if bind and any(each.value == "any" for each in bind) and not service.values("SocketBindAllow"):
        yield at(
            bind[-1], "fatal", "no-network", "the server cannot listen at its port", "allow it by SocketBindAllow="
        )
    interfaces = service.values("RestrictNetworkInterfaces")
    if interfaces and interfaces[-1].value in ("~lo", "~ lo"):
        yield at(interfaces[-1], "advice", "no-network", "clients on this host do not reach the server", "leave it out")


def _families(families: list[Setting]) -> Iterator[UnitFinding]:
    inverted = families[0].value.startswith("~")
    names = {word.upper() for each in families for word in each.value.lstrip("~").split()}

    def lacks(name: str) -> bool:
        return (name in names) if inverted else (name not in names)

    setting = families[-1]
    if lacks("AF_INET") and lacks("AF_INET6"):
        message = "the server can open no TCP socket, and does not start"
        yield at(setting, "fatal", "no-network", message, "add AF_INET AF_INET6, or leave it out")
    elif lacks("AF_INET"):
        message = "the server and its runners talk to each other at 127.0.0.1, so no model loads"
        yield at(setting, "fatal", "no-network", message, "add AF_INET")
    elif lacks("AF_UNIX") or lacks("AF_NETLINK"):
        lost = " and ".join(name for name in ("AF_UNIX", "AF_NETLINK") if lacks(name))
        message = f"without {lost} names are not resolved and GPUs not found by every driver"
        yield _advice(setting, "no-network", message, f"add {lost.replace(' and', '')}")


def _processes(service: Service) -> Iterator[UnitFinding]:
    tasks = _last(service, "TasksMax")
    count = integer(tasks.value) if tasks is not None else None
    if tasks is not None and count is not None and count < _FEW_TASKS:
        message = (
            f"the server and each runner take tens of threads, more than {count} together, so runners fail to start"
        )
        yield _advice(tasks, "stops-runner", message, "leave it out, or write 4096")
    limit = _last(service, "LimitNPROC")
    processes = integer(limit.value.partition(":")[0]) if limit is not None else None
    if limit is not None and processes is not None and processes < _FEW_TASKS:
        message = f"all threads of the service's user together may be {processes}, so runners fail to start"
        yield _advice(limit, "stops-runner", message, "leave it out, or write 4096")
    files = _last(service, "LimitNOFILE")
    number = integer(files.value.partition(":")[0]) if files is not None else None
    if files is not None and number is not None and number < 1024:
        message = f"{number} open files are few for connections, models and devices together"
        yield _advice(files, "stops-runner", message, "write LimitNOFILE=65535")
    calls = service.values("SystemCallFilter")
    if calls and not calls[0].value.startswith("~"):
        names = {
            word.partition(":")[0] for each in calls if not each.value.startswith("~") for word in each.value.split()
        }
        if not names & {"@system-service", "@known", "@default"} or (names <= {"@default"}):
            message = "only the system calls that it names are allowed, and GPU drivers and runners need many more"
            yield _advice(calls[-1], "stops-runner", message, "write SystemCallFilter=@system-service, or leave it out")
    denied = {
        word.partition(":")[0]
        for each in calls
        if each.value.startswith("~")
        for word in each.value.lstrip("~").split()
    }
    lost = sorted(denied & _CALLS)
    if lost:
        message = f"it denies {', '.join(lost)}, which the server and its runners need"
        yield _advice(calls[-1], "stops-runner", message, "take that out")
