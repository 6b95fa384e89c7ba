# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's nvidia-smi speaks the driver's own formats."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import nvidia_smi


def test_a_query_prints_a_line_for_each_card_without_header_and_units() -> None:
    fields = "index,memory.total,display_active,mig.mode.current"
    text, status = nvidia_smi.answer([f"--query-gpu={fields}", "--format=csv,noheader,nounits"])
    assert (text, status) == ("0, 8192, Disabled, [N/A]\n1, 6144, Enabled, [N/A]\n", 0)


def test_units_stand_beside_the_values_and_in_the_header_unless_they_are_refused() -> None:
    text, _status = nvidia_smi.answer(["--query-gpu=name,memory.total", "--format=csv"])
    assert text.splitlines()[:2] == ["name, memory.total [MiB]", "Quadro P4000, 8192 MiB"]


def test_an_unknown_field_is_refused_in_the_drivers_words() -> None:
    text, status = nvidia_smi.answer(["--query-gpu=index,price", "--format=csv"])
    assert text.startswith('Field "price" is not a valid field to query.')
    assert status == 2


def test_the_xml_names_driver_cuda_and_both_cards() -> None:
    log = ET.fromstring(nvidia_smi.answer(["-q", "-x"])[0])
    assert (log.findtext("driver_version"), log.findtext("cuda_version")) == ("580.65.06", "13.0")
    assert [gpu.get("id") for gpu in log.findall("gpu")] == ["00000000:03:00.0", "00000000:04:00.0"]


def test_the_topology_is_a_table_of_tabs() -> None:
    rows = [line.split("\t") for line in nvidia_smi.answer(["topo", "-m"])[0].splitlines()]
    assert rows[1][:3] == ["GPU0", " X ", "PHB"]
    assert rows[2][:3] == ["GPU1", "PHB", " X "]


def test_the_list_gives_index_name_and_uuid() -> None:
    first = nvidia_smi.answer(["-L"])[0].splitlines()[0]
    assert first == "GPU 0: Quadro P4000 (UUID: GPU-00000000-0000-4000-8000-000000004000)"
