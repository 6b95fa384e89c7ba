# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who computes where several programs want the same CPUs: the servers' slice below the root, and its weight.

Sources: docs/policy.md, rule C5; systemd.slice(5), systemd.resource-control(5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.policy import NONE
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import DIRECTIVE, SLICE
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.share import Share

DEFAULT_SLICE = "ollama.slice"
# The kernel divides a slice's weight among the CPUs that it runs on, and on each of them a busy program of another
# slice has up to the whole of that slice's, 100 by default. All threads wait for the one that is held up, so that with
# T of them the share W / (W + 100 T) of the speed stays, whether one program is busy or one on each CPU. Measured with
# 4 to 32 threads it was 0.02 less to 0.19 more where that gives 0.7 or more, and nothing to rely on below
# (docs/performance.md). 900 for each thread gives 0.9.
OTHERS, WEIGHT_PER_THREAD = 100, 900
HEAVIEST = 10000
# The oldest systemd that this is known to work with.
KNOWN_SINCE = 249


class Protection(NamedTuple):
    """The slice of the servers. ``written`` is what their units are to say, None where they say it or have none.

    ``weighed`` is whether the slice's weight is the role's to set.
    """

    slice: Optional[str]
    written: Optional[str]
    weighed: bool
    source: str
    reason: str


def weight(threads: int) -> int:
    """The CPU weight of a slice with that many compute threads."""
    return min(HEAVIEST, WEIGHT_PER_THREAD * max(1, threads))


def choose(host: Planning, shares: Sequence[Share]) -> Protection:
    """Decide which slice the servers run in."""
    option = host.policy.slice
    if option == NONE:
        if isinstance(host.policy.cpu_weight, int):
            host.error(
                f"ollama_cpu_weight: {host.policy.cpu_weight} contradicts ollama_slice: none, since there is no slice"
                " to give it to; set only one of them"
            )
        return Protection(None, None, weighed=False, source=OPERATOR, reason="not set: ollama_slice is none")
    if option is not None:
        found = Protection(option, option, weighed=True, source=OPERATOR, reason=f"ollama_slice is {option}")
    else:
        found = _chosen(host, shares)
    if found.weighed:
        _check_host(host)
        if host.machine.slice_limits:
            _warn_of_limits(host, str(found.slice))
    return found


def _chosen(host: Planning, shares: Sequence[Share]) -> Protection:
    files = _of_files(host)
    weighable = host.machine.cgroup_cpu is not False
    asked = weighable and isinstance(host.policy.cpu_weight, int)
    wanted = weighable and (asked or _computes_on_cpus(shares))
    if files is not None:
        name, path = files
        reason = f"{path} says {name}, and that stays"
        if asked and not _below_root(host, name):
            host.error(
                f"ollama_cpu_weight: {host.policy.cpu_weight} would not count, since {path} puts the server into"
                f" {name}; name a slice below the root in ollama_slice, such as {DEFAULT_SLICE}"
            )
        elif wanted and not asked:
            _warn_of_files(host, name, path)
        # Instances of the role's template do not read the files of ollama.service.
        written = name if len(shares) > 1 and "%" not in name else None
        return Protection(name, written, weighed=asked, source=POLICY, reason=reason)
    if host.policy.cpu_weight == NONE:
        reason = "not set: ollama_cpu_weight is none, and a slice protects by its weight"
        return Protection(None, None, weighed=False, source=OPERATOR, reason=reason)
    if not weighable and (_computes_on_cpus(shares) or host.policy.cpu_weight is not None):
        _warn_of_controller(host)
    if not wanted:
        reason = (
            "models run on GPUs, which busy programs on the CPUs leave their speed"
            if weighable
            else "control groups here have no cpu controller, so nothing has a weight"
        )
        return Protection(None, None, weighed=False, source=POLICY, reason=f"not set: {reason}")
    if host.machine.slice_limits and not asked:
        _warn_of_limits(host, DEFAULT_SLICE)
        reason = (
            f"not set: system.slice limits what runs in it ({_limits(host)}), and a server in another slice escapes"
            " that"
        )
        return Protection(None, None, weighed=False, source=POLICY, reason=reason)
    # The weight is not in the reason: a new one would change the unit's file, and with it restart the server.
    reason = (
        "logins, containers and virtual machines have slices of their own below the root, and against them only the"
        f" weight of another one there counts: {_whom(shares)}{_age(host)}"
    )
    return Protection(DEFAULT_SLICE, DEFAULT_SLICE, weighed=True, source=POLICY, reason=reason)


def _computes_on_cpus(shares: Sequence[Share]) -> bool:
    """Whether a server has no GPU, so that its models are computed by CPUs."""
    return any(not share.gpus for share in shares)


def _of_files(host: Planning) -> tuple[str, str] | None:
    """The slice that files of ollama.service name which are not the role's, and the file."""
    found = (host.machine.ollama.get("unit") or {}).get("slice") or {}
    return None if found.get("name") in (None, DEFAULT_SLICE) else (str(found["name"]), str(found["path"]))


def _below_root(host: Planning, name: str) -> bool:
    """Whether a slice is one that ollama_slice may name: directly below the root and nobody else's."""
    return check_value(host.contract.options["slice"], name) is None


def _whom(shares: Sequence[Share]) -> str:
    return f"all {len(shares)} servers run in this one" if len(shares) > 1 else "the server runs in this one"


def _age(host: Planning) -> str:
    systemd = host.machine.systemd
    old = systemd is not None and systemd < KNOWN_SINCE
    return f"; systemd {systemd} is older than {KNOWN_SINCE}, the oldest that this was tried on" if old else ""


def _check_host(host: Planning) -> None:
    """Warn where a slice that the role gives a weight does not protect, or not from everything."""
    if host.machine.cgroup_cpu is False:
        _warn_of_controller(host)
    elif host.machine.container:
        host.warn(
            "weight-inside-container",
            "the host is a container: the weight of a slice in it counts against programs of this container alone",
            f"where other programs of the machine want the same CPUs, {_CONTAINER}",
        )


_CONTAINER = "give the container a greater share there: --cpu-shares of docker and podman, or CPUWeight= of its unit"


def _warn_of_controller(host: Planning) -> None:
    where = "container" if host.machine.container else "host"
    host.warn(
        "cpus-not-protected",
        f"control groups of this {where} have no cpu controller, so no weight protects the server from busy programs:"
        " one on a CPU of its compute threads holds all of them up",
        f"on the machine that runs the container, {_CONTAINER}"
        if host.machine.container
        else "mount control groups with the controller cpu, or keep busy programs off these CPUs",
    )


def _warn_of_files(host: Planning, name: str, path: str) -> None:
    what = (
        "whose weight is left to whoever made it"
        if _below_root(host, name)
        else "where no weight counts against logins, containers and virtual machines"
    )
    host.warn(
        "slice-of-others",
        f"{path} puts the server into {name}, {what}",
        f"set ollama_slice: {DEFAULT_SLICE} to let the role protect the server's CPUs, or see to the weight of {name}"
        " yourself",
    )


def _limits(host: Planning) -> str:
    return ", ".join(host.machine.slice_limits)


def _warn_of_limits(host: Planning, name: str) -> None:
    host.warn(
        "limits-of-system-slice",
        f"system.slice limits what runs in it ({_limits(host)}), and a slice of its own takes the server out of that",
        f"set the same limits for {name}, as in /etc/systemd/system/{name}.d/limits.conf, and name it in ollama_slice",
    )


def place(planning: Planning, protection: Protection) -> None:
    """Decide on Slice= of one server's unit."""
    planning.record(DIRECTIVE, "Slice", protection.written, protection.source, protection.reason)


def weigh(host: Planning, protection: Protection, threads: int) -> str | None:
    """Decide on CPUWeight= of the slice; return the slice where there is something to write for it."""
    option, value, source = host.policy.cpu_weight, None, POLICY
    if protection.slice is None:
        source, reason = protection.source, "not set: the servers have no slice of their own"
    elif host.machine.cgroup_cpu is False:
        reason = "not set: control groups have no cpu controller here"
    elif option is not None:
        value, source = option if isinstance(option, int) else None, OPERATOR
        reason = f"ollama_cpu_weight is {option}, for {protection.slice}"
    elif not protection.weighed:
        reason = f"not set: {protection.slice} is not the role's"
    else:
        value = weight(threads)
        kept = value / (value + OTHERS * max(1, threads))
        reason = (
            f"{WEIGHT_PER_THREAD} for each of {max(1, threads)} compute threads in {protection.slice}, at most"
            f" {HEAVIEST}, keeps about {kept:.0%} of their speed beside busy programs of another slice: it is divided"
            f" among the CPUs that they run on, and the other slice has {OTHERS} on each of its own"
        )
    host.record(SLICE, "CPUWeight", value, source, reason)
    return protection.slice if value is not None else None
