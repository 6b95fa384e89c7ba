# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's container as the text that Quadlet makes a unit of systemd of.

After podman-systemd.unit(5), with the keys that Podman 4.4 has; for the rest there are options of podman-run(1).
Quadlet hands words on to ExecStart= as they are written, so that systemd replaces ``$`` and ``%`` in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._container.form import ALL, IMAGE, MOUNTED, form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import CONTAINER, VARIABLE, decisions_of
from ansible_collections.inference.ollama.plugins.plugin_utils._unit import command_line, quote, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECTION = "Container"
_LABELS = {"shared": "z", "private": "Z"}
# The first is the group's and the second the group of all cards (Documentation/gpu of the kernel).
_AMD = ("/dev/kfd", "/dev/dri")


def entries(plan: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the entries of one instance's container: ``{section, comment: [text, ...], lines: [text, ...]}``.

    Empty where the instance runs in none.
    """
    form = form_of(plan, name)
    if form is None:
        return []
    reasons = {
        (decision["kind"], decision["setting"]): reason_of(decision, decision["source"])
        for decision in decisions_of(plan, name)
    }
    described = {"section": "Unit", "comment": [], "lines": [f"Description=Ollama, server {name}"]}
    found = [
        _entry(reasons.get((CONTAINER, IMAGE)), [f"Image={form['image']}"]),
        _entry(None, [f"ContainerName={form['name']}", f"Exec={command_line(form['command'])}"]),
        _entry(None, [f"Network={form['network']}", "NoNewPrivileges=true"]),
        _entry(reasons.get((CONTAINER, MOUNTED)), [_volume(each) for each in form["mounts"]]),
        *_devices(form["devices"], reasons),
    ]
    for variable, value in form["environment"].items():
        text = quote(f"{variable}={value}").replace("$", "$$")
        found.append(_entry(reasons.get((VARIABLE, variable)), [f"Environment={text}"]))
    found += [_entry(list(comment), [f"PodmanArgs={words}"]) for comment, words in _arguments(form)]
    installed = {"section": "Install", "comment": [], "lines": ["WantedBy=multi-user.target"]}
    return [described, *(entry for entry in found if entry["lines"]), installed]


def _entry(comment: list[str] | None, lines: list[str]) -> dict[str, Any]:
    return {"section": SECTION, "comment": comment or [], "lines": lines}


def _volume(mount: Mapping[str, Any]) -> str:
    options = ["ro"] if mount["read_only"] else []
    options += [_LABELS[mount["label"]]] if mount["label"] else []
    path = f"{mount['source']}:{mount['target']}{':' if options else ''}{','.join(options)}"
    return f"Volume={path.replace('%', '%%').replace('$', '$$')}"


def _devices(devices: Mapping[str, Any], reasons: Mapping[tuple[str, str], list[str]]) -> Iterator[dict[str, Any]]:
    nvidia = devices["nvidia"]
    names = [ALL] if nvidia == ALL else nvidia
    yield _entry(reasons.get((CONTAINER, "nvidia_devices")), [f"AddDevice=nvidia.com/gpu={each}" for each in names])
    amd = [f"AddDevice={path}" for path in _AMD] if devices["amd"] else []
    yield _entry(reasons.get((CONTAINER, "amd_devices")), amd)


def _arguments(form: Mapping[str, Any]) -> Iterator[tuple[list[str], str]]:
    """Yield the options of podman-run(1) that have no key in the oldest Podman, each with a comment."""
    said = "policy: what the server says goes to the journal as its own lines, and the unit's TasksMax= counts threads"
    yield [said], "--log-driver=passthrough --pids-limit=0"
    limits = form["limits"]
    words = [
        f"--ulimit={name}={value}:{value}"
        for name, limit in (("nofile", limits["nofile"]), ("memlock", limits["memlock"]))
        if (value := "-1" if limit == "infinity" else limit) is not None
    ]
    if form["oom_score_adjust"] is not None:
        words.append(f"--oom-score-adj={form['oom_score_adjust']}")
    if words:
        yield ["policy: the limits of the unit, which the engine would set to its own"], " ".join(words)
    if form["memory_nodes"] is not None:
        yield ["policy: memory comes from these nodes alone"], f"--cpuset-mems={form['memory_nodes']}"
    if form["secrets"]:
        words = [f"--env={name}" for name in form["secrets"]]
        yield ["policy: the values stand in the file of EnvironmentFile= alone"], " ".join(words)
