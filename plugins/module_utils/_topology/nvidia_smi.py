# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs as nvidia-smi prints them, where the target has no nvidia-ml-py.

The same entries as nvidia_ml.py gives, with sizes in whole MiB. Source: nvidia-smi(1) and
``nvidia-smi --help-query-gpu``. CUDA_VISIBLE_DEVICES hides nothing from it.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import Values
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_xml import parse_xml
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import (
    fill,
    gpu_entry,
    sysfs_address,
)

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner

FIELDS = (
    "index",
    "name",
    "uuid",
    "pci.bus_id",
    "memory.total",
    "memory.free",
    "compute_cap",
    "driver_version",
    "persistence_mode",
    "display_active",
    "mig.mode.current",
)

_UNKNOWN_FIELD = re.compile(r'Field "([^"]+)" is not a valid field to query')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LISTED_GPU = re.compile(r"GPU (\d+): ")
_LISTED_MIG = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (\S+)\)")

Answer = tuple[list[dict[str, Any]], dict[str, Any], list[str]]


def read_smi(run: Runner) -> tuple[Answer | None, str | None]:
    """Ask nvidia-smi: ``(answer, None)`` or ``(None, why not)``; an answer is entries, drivers and problems.

    Where the first question fails the others are not asked, since each would wait for the same driver.
    """
    outcome, fields = _query(run)
    if outcome.out is None:
        return None, outcome.problem
    gpus, driver, problems = parse_csv(outcome.out, fields)
    problems = [
        f"nvidia-smi: this driver ({driver or 'of unknown version'}) cannot be asked for {field}"
        for field in FIELDS
        if field not in fields
    ] + problems
    cuda = None
    if gpus:
        cuda = _add_xml(gpus, run(["nvidia-smi", "-q", "-x"]), problems)
        _add_topology(gpus, run(["nvidia-smi", "topo", "-m"]), problems)
        if any(gpu["mig"] and gpu["mig"]["enabled"] for gpu in gpus):
            _add_mig_names(gpus, run(["nvidia-smi", "-L"]), problems)
    return (gpus, {"driver": driver, "cuda": cuda}, problems), None


def _query(run: Runner) -> tuple[Outcome, tuple[str, ...]]:
    """The CSV query, again without each field that an old driver does not know."""
    fields: tuple[str, ...] = FIELDS
    while True:
        outcome = run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"])
        unknown = _UNKNOWN_FIELD.search(outcome.problem or "")
        if unknown is None or unknown[1] not in fields:
            return outcome, fields
        fields = tuple(field for field in fields if field != unknown[1])


def parse_csv(text: str, fields: tuple[str, ...] = FIELDS) -> tuple[list[dict[str, Any]], str | None, list[str]]:
    """Entries, the driver's version, and what went wrong in words; one line a GPU, sizes in MiB, no units."""
    values = Values()
    gpus, driver = [], None
    for line in text.strip().splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(fields):
            # With exit status 0 from old drivers.
            if line.strip() != "No devices were found":
                values.problems.append(f"nvidia-smi: read {line[:80]!r}, expected {len(fields)} values")
            continue
        row = dict(zip(fields, cells))
        gpus.append(_entry(values, row))
        driver = driver or values.text(row.get("driver_version"), "driver_version")
    return gpus, driver, values.problems


def _entry(values: Values, row: dict[str, str]) -> dict[str, Any]:
    where = f"GPU {row.get('index', '?')}"
    enabled = values.flag(row.get("mig.mode.current"), f"{where} mig.mode.current")
    return gpu_entry(
        "nvidia",
        index=values.number(row.get("index"), "index"),
        name=values.text(row.get("name"), f"{where} name"),
        uuid=values.text(row.get("uuid"), f"{where} uuid"),
        pci_bus_id=sysfs_address(values.text(row.get("pci.bus_id"), f"{where} pci.bus_id")),
        memory_bytes=values.mebibytes(row.get("memory.total"), f"{where} memory.total"),
        free_bytes=values.mebibytes(row.get("memory.free"), f"{where} memory.free"),
        compute_capability=values.text(row.get("compute_cap"), f"{where} compute_cap"),
        persistence_mode=values.flag(row.get("persistence_mode"), f"{where} persistence_mode"),
        display_active=values.flag(row.get("display_active"), f"{where} display_active"),
        mig=None if enabled is None else {"enabled": enabled, "instances": []},
    )


def _add_xml(gpus: list[dict[str, Any]], outcome: Outcome, problems: list[str]) -> str | None:
    """Fill gaps and the memory of MIG instances; the CUDA version."""
    if outcome.out is None:
        problems.append(outcome.problem or "")
        return None
    others, drivers, wrong = parse_xml(outcome.out)
    # The CSV query has already said what ails a GPU; only what is new in the XML is worth a line.
    problems.extend(problem for problem in wrong if "MIG" in problem or "XML" in problem)
    for gpu in gpus:
        for other in others:
            if gpu["pci_bus_id"] is not None and other["pci_bus_id"] == gpu["pci_bus_id"]:
                if gpu["mig"] and other["mig"]:
                    gpu["mig"]["instances"] = other["mig"]["instances"]
                fill(gpu, **other)
    cuda: str | None = drivers["cuda"]
    return cuda


def _add_mig_names(gpus: list[dict[str, Any]], outcome: Outcome, problems: list[str]) -> None:
    if outcome.out is None:
        problems.append(outcome.problem or "")
        return
    listed = parse_list(outcome.out)
    for gpu in gpus:
        if gpu["mig"] and gpu["mig"]["enabled"]:
            # Both list the instances by device number; where they differ a change came between the two calls.
            known = gpu["mig"]["instances"]
            names = listed.get(gpu["index"], [])
            gpu["mig"]["instances"] = [
                {**name, "memory_bytes": known[i]["memory_bytes"] if len(known) == len(names) else None}
                for i, name in enumerate(names)
            ]


def parse_list(text: str) -> dict[int, list[dict[str, str]]]:
    """MIG instances of ``nvidia-smi -L`` by GPU index: ``{0: [{name: "3g.40gb", uuid: "MIG-…"}]}``."""
    found: dict[int, list[dict[str, str]]] = {}
    instances: list[dict[str, str]] = []
    for line in text.splitlines():
        gpu, instance = _LISTED_GPU.match(line), _LISTED_MIG.match(line)
        if gpu:
            instances = found.setdefault(int(gpu[1]), [])
        elif instance:
            instances.append({"name": instance[1], "uuid": instance[2]})
    return found


def _add_topology(gpus: list[dict[str, Any]], outcome: Outcome, problems: list[str]) -> None:
    if outcome.out is None:
        problems.append(outcome.problem or "")
        return
    rows = parse_topology(outcome.out)
    for gpu in gpus:
        gpu["cpus"], gpu["links"] = rows.get(gpu["index"], (None, []))


def parse_topology(text: str) -> dict[int, tuple[str | None, list[dict[str, Any]]]]:
    """``nvidia-smi topo -m`` by GPU index: CPU affinity in list format, and links to the other GPUs.

    Cells are separated by tabs; network cards have columns and rows of their own, which are left out.
    """
    table = [[cell.strip() for cell in line.split("\t")] for line in _COLOUR.sub("", text).splitlines()]
    header = next((row for row in table if "GPU0" in row[1:]), [])
    rows: dict[int, tuple[str | None, list[dict[str, Any]]]] = {}
    for row in table:
        if row is header or not re.fullmatch(r"GPU\d+", row[0]):
            continue
        cells = dict(zip(header, row))
        cpus = cells.get("CPU Affinity", "N/A")
        rows[int(row[0][3:])] = (
            None if cpus in ("", "N/A") else cpus,
            [
                {"to": int(name[3:]), "kind": kind}
                for name, kind in cells.items()
                if re.fullmatch(r"GPU\d+", name) and kind not in ("X", "", "N/A")
            ],
        )
    return rows


__all__ = ("FIELDS", "Answer", "parse_csv", "parse_list", "parse_topology", "read_smi")
