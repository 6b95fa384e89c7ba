# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free memory of an AMD GPU, where two files of the kernel must agree on how much there is."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.amd_kfd import read_kfd
from ansible_collections.inference.ollama.tests.unit.support.tooled import kfd
from ansible_collections.inference.ollama.tests.unit.support.trees import plant

TOTAL = "/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total"


@pytest.mark.parametrize(("vram", "free_gib"), [(24 << 30, 23), (4 << 30, None), (0, None)])
def test_free_memory_is_known_where_both_say_the_same(tmp_path, vram, free_gib):
    """A pool of another size is not what KFD offers, so what is free of that is unknown, and named."""
    root = Root(plant(tmp_path, {**kfd(), TOTAL: str(vram)}))
    free = read_kfd(root)[0]["free_bytes"]
    assert free == (None if free_gib is None else free_gib << 30)
    assert any("what is free is unknown" in problem for problem in root.problems) == (free_gib is None)
