# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NVIDIA GPUs as nvidia-smi prints them, where NVIDIA's library does not answer.

The same entries as nvidia_ml.py gives, with sizes in whole MiB. Source: nvidia-smi(1) and
``nvidia-smi --help-query-gpu``. CUDA_VISIBLE_DEVICES hides nothing from it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import CpuSet
from ansible_collections.inference.ollama.plugins.module_utils._process import CUT, SAID
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import printable
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_values import (
    ADDRESS,
    CAPABILITY,
    LINK,
    UUID,
    VERSION,
    Values,
)
from ansible_collections.inference.ollama.plugins.module_utils._topology.nvidia_xml import parse_xml
from ansible_collections.inference.ollama.plugins.module_utils._topology.pci import (
    fill,
    gpu_entry,
    sysfs_address,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._process import Outcome, Runner

# More than a host has; each costs three questions.
_MOST_CARDS = 64

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
# One card is lost, and nvidia-smi ends there; the others answer where they are asked each by its address.
_LOST = re.compile(r"Unable to determine the device handle for (?:GPU|gpu)[^\n]{0,40}?: [^\n]*")
_NO_DEVICES = re.compile(r"^No devices (?:were )?found", re.MULTILINE)
# What a card that is lost, or must be reset first, has in place of its memory.
_LOST_WORDS = ("GPU is lost", "GPU requires reset", "Unknown Error", "Unknown error", "ERR!")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LISTED_GPU = re.compile(r"GPU ([0-9]{1,4}): ")
_LISTED_MIG = re.compile(r"\s+MIG ([0-9A-Za-z.+-]+)\s+Device\s+[0-9]+: \(UUID: (MIG-[0-9A-Za-z/-]+)\)")
_GPU = re.compile(r"GPU([0-9]{1,4})")
# No GPU is cut into more than seven.
_MOST_INSTANCES = 64
_MOST_GPUS = 256

# Values that the CSV query has too are reported there.
_ONLY_IN_XML = ("MIG", "XML", "cuda_version", "product_architecture")

Answer = tuple[list[dict[str, Any]], dict[str, Any], list[str]]


def read_smi(run: Runner, addresses: Sequence[str] = ()) -> tuple[Answer | None, str | None]:
    """Ask nvidia-smi: ``(answer, None)`` or ``(None, why not)``; an answer is entries, drivers and problems.

    Where the first question fails the others are not asked, since each would wait for the same driver. A card that
    is lost makes it fail for all, so then those at the PCI ``addresses`` are asked one by one.
    """
    outcome, fields = _query(run)
    lost = _LOST.search(outcome.problem or "")
    if lost is not None or _rows(outcome, fields):
        return _read_each(run, addresses, lost[0].partition(CUT)[0] if lost else outcome.problem or "")
    if outcome.out is None:
        # With an exit status other than 0 from drivers of the last years.
        none = _NO_DEVICES.search((outcome.problem or "").partition(SAID)[2])
        return (None, outcome.problem) if none is None else (([], {"driver": None, "cuda": None}, []), None)
    if not outcome.out.strip():
        return None, "nvidia-smi --query-gpu: read nothing, expected a line for each GPU"
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


def _rows(outcome: Outcome, fields: tuple[str, ...]) -> str:
    """The rows in what a question said that failed: with a corrupted infoROM its status is 14, and all is answered."""
    said = (outcome.problem or "").partition(SAID)[2].replace(CUT, "\n")
    return "\n".join(line for line in said.splitlines() if line.count(",") == len(fields) - 1)


def _read_each(run: Runner, addresses: Sequence[str], why: str) -> tuple[Answer | None, str | None]:
    """The same of the cards that answer by themselves; no links, which only a question on all cards gives."""
    gpus: list[dict[str, Any]] = []
    drivers: dict[str, Any] = {"driver": None, "cuda": None}
    problems = [why if why.startswith("nvidia-smi") else f"nvidia-smi: {why}"]
    for address in addresses[:_MOST_CARDS]:
        which = (f"--id={address}",)
        outcome, fields = _query(run, which)
        rows = outcome.out or _rows(outcome, fields)
        if not rows:
            if outcome.out is None and _LOST.search(outcome.problem or "") is None:
                # A driver that hangs or fails for another reason does so for each.
                return None, outcome.problem
            continue
        found, driver, wrong = parse_csv(rows, fields)
        cuda = _add_xml(found, run(["nvidia-smi", "-q", "-x", *which]), wrong) if found else None
        if any(gpu["mig"] and gpu["mig"]["enabled"] for gpu in found):
            _add_mig_names(found, run(["nvidia-smi", "-L", *which]), wrong)
        gpus += [gpu for gpu in found if gpu["pci_bus_id"] not in [other["pci_bus_id"] for other in gpus]]
        drivers = {"driver": drivers["driver"] or driver, "cuda": drivers["cuda"] or cuda}
        problems += wrong
    return (gpus, drivers, problems), None


def _query(run: Runner, which: tuple[str, ...] = ()) -> tuple[Outcome, tuple[str, ...]]:
    """The CSV query, again without each field that an old driver does not know."""
    fields: tuple[str, ...] = FIELDS
    while True:
        outcome = run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", *which])
        unknown = _UNKNOWN_FIELD.search(outcome.problem or "")
        if unknown is None or unknown[1] not in fields:
            return outcome, fields
        fields = tuple(field for field in fields if field != unknown[1])


def parse_csv(text: str, fields: tuple[str, ...] = FIELDS) -> tuple[list[dict[str, Any]], str | None, list[str]]:
    """Entries, the driver's version, and what went wrong in words; one line a GPU, sizes in MiB, no units."""
    values = Values()
    gpus, driver = [], None
    lines = text.strip().splitlines()
    different = list(dict.fromkeys(lines))
    if len(different) < len(lines) or len(different) > _MOST_GPUS:
        values.problems.append(
            f"nvidia-smi: read {len(lines)} lines, {len(different)} of them different, expected one a GPU; the first "
            f"{min(len(different), _MOST_GPUS)} are taken"
        )
    for line in different[:_MOST_GPUS]:
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(fields):
            if _LOST.fullmatch(line.strip()):
                values.problems.append(f"nvidia-smi: {line.strip()}")
            # With exit status 0 from old drivers.
            elif line.strip() and not _NO_DEVICES.match(line.strip()):
                values.problems.append(f"nvidia-smi: read {line[:80]!r}, expected {len(fields)} values")
            continue
        row = dict(zip(fields, cells))
        gpus.append(_entry(values, row))
        driver = driver or values.text(row.get("driver_version"), "driver_version", VERSION)
    return gpus, driver, values.problems


def _entry(values: Values, row: dict[str, str]) -> dict[str, Any]:
    where = f"GPU {row.get('index', '?')[:20]}"
    enabled = values.flag(row.get("mig.mode.current"), f"{where} mig.mode.current")
    lost = row.get("memory.total", "").strip("[] ") in _LOST_WORDS
    return gpu_entry(
        "nvidia",
        index=values.number(row.get("index"), "index"),
        name=values.text(row.get("name"), f"{where} name"),
        uuid=values.text(row.get("uuid"), f"{where} uuid", UUID),
        pci_bus_id=sysfs_address(values.text(row.get("pci.bus_id"), f"{where} pci.bus_id", ADDRESS)),
        answers=not lost,
        memory_bytes=values.mebibytes(row.get("memory.total"), f"{where} memory.total"),
        free_bytes=values.mebibytes(row.get("memory.free"), f"{where} memory.free"),
        compute_capability=values.text(row.get("compute_cap"), f"{where} compute_cap", CAPABILITY),
        persistence_mode=values.flag(row.get("persistence_mode"), f"{where} persistence_mode"),
        display_active=values.flag(row.get("display_active"), f"{where} display_active"),
        # Instances are in other answers.
        mig=None if enabled is None else {"enabled": enabled, "instances": None if enabled else []},
    )


def _add_xml(gpus: list[dict[str, Any]], outcome: Outcome, problems: list[str]) -> str | None:
    """Fill gaps and the memory of MIG instances; the CUDA version."""
    if outcome.out is None:
        problems.append(outcome.problem or "")
        return None
    others, drivers, wrong = parse_xml(outcome.out)
    # Problems that the CSV query has reported already are left out.
    problems.extend(problem for problem in wrong if any(word in problem for word in _ONLY_IN_XML))
    by_address = {other["pci_bus_id"]: other for other in others if other["pci_bus_id"] is not None}
    for gpu in gpus:
        other = by_address.get(gpu["pci_bus_id"])
        if gpu["mig"] and gpu["mig"]["enabled"]:
            if other and other["mig"]:
                gpu["mig"]["instances"] = other["mig"]["instances"]
            else:
                problems.append(f"nvidia-smi -q -x: expected the MIG devices of {gpu['pci_bus_id']}, found none")
        if other:
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
            known = gpu["mig"]["instances"] or []
            if len(listed.get(gpu["index"], [])) < len(known):
                problems.append(
                    f"nvidia-smi -L: read {outcome.out[:80]!r}, expected {len(known)} lines such as "
                    f"'MIG 1g.10gb Device 0: (UUID: MIG-…)' below GPU {gpu['index']}"
                )
                continue
            if gpu["mig"]["instances"] is None and gpu["index"] not in listed:
                continue
            # Both list the instances by device number; where they differ a change came between the two calls.
            names = listed.get(gpu["index"], [])
            if len(known) != len(names):
                problems.append(
                    f"nvidia-smi -L: lists {len(names)} MIG devices of GPU {gpu['index']}, of which nvidia-smi -q -x "
                    f"has {len(known)}; their memory is unknown"
                )
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
        elif instance and len(instances) < _MOST_INSTANCES and instance[2] not in {each["uuid"] for each in instances}:
            instances.append({"name": instance[1], "uuid": instance[2]})
    return found


def _add_topology(gpus: list[dict[str, Any]], outcome: Outcome, problems: list[str]) -> None:
    if outcome.out is None:
        problems.append(outcome.problem or "")
        return
    rows = parse_topology(outcome.out)
    if "CPU Affinity" not in map(str.strip, re.split(r"[\t\n]", _COLOUR.sub("", outcome.out))):
        problems.append(f"nvidia-smi topo -m: read {outcome.out[:80]!r}, expected a column CPU Affinity")
    for gpu in gpus:
        cpus, gpu["links"] = rows.get(gpu["index"], (None, None))
        try:
            gpu["cpus"] = None if cpus is None else str(CpuSet.parse(cpus))
        except ValueError as error:
            problems.append(f"nvidia-smi topo -m: CPU Affinity of GPU {gpu['index']}: {error}")
        if gpu["links"] is None or len(gpu["links"]) != len(gpus) - 1:
            problems.append(
                f"nvidia-smi topo -m: read {outcome.out[:80]!r}, expected a link such as PHB or NV18 from "
                f"GPU {gpu['index']} to each of the others"
            )
            gpu["links"] = None


def parse_topology(text: str) -> dict[int, tuple[str | None, list[dict[str, Any]]]]:
    """``nvidia-smi topo -m`` by GPU index: CPU affinity in list format, and links to the other GPUs.

    Cells are separated by tabs; network cards have columns and rows of their own, which are left out.
    """
    table = [[cell.strip() for cell in line.split("\t")] for line in _COLOUR.sub("", text).splitlines()]
    header = next((row for row in table if any(_GPU.fullmatch(cell) for cell in row[1:])), [])
    rows: dict[int, tuple[str | None, list[dict[str, Any]]]] = {}
    for row in table:
        number = _GPU.fullmatch(row[0])
        if row is header or number is None:
            continue
        cells = {name: cell for name, cell in zip(header, row) if name}
        # Where a tab is lost the columns are others.
        if cells.get(row[0]) != "X" or not all(map(printable, row)):
            continue
        links = [
            {"to": int(other[1]), "kind": kind}
            for name, kind in cells.items()
            for other in [_GPU.fullmatch(name)]
            if other is not None and other[1] != number[1] and LINK.fullmatch(kind)
        ]
        cpus = cells.get("CPU Affinity", "N/A")
        rows[int(number[1])] = (None if cpus in ("", "N/A") else cpus, links)
    return rows
