# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU sets: both notations of the kernel, and set algebra."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._cpuset import LIMIT, CpuSet
from ansible_collections.inference.ollama.tests.unit.support.machine import mask

numbers = st.frozensets(st.integers(0, 600), max_size=80)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("0", [0]),
        ("0-3,8", [0, 1, 2, 3, 8]),
        (" 0-1,28-29\n", [0, 1, 28, 29]),
        ("8,0-1", [0, 1, 8]),
        ("0-7:2/4", [0, 1, 4, 5]),
        ("3-3", [3]),
    ],
)
def test_lists_as_the_kernel_prints_them(text, expected):
    """Single CPUs, ranges and strides in any order."""
    assert list(CpuSet.parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["x", "1-", "-1", "3-1", "0,,1", "0-3:0/4", "0-3:5/4", "0-3:1/0", "1 2", "0-99999999999", "70000", "0x3"],
)
def test_a_damaged_list_is_refused_with_its_text(text):
    """Nothing is made of a text that the kernel would not print."""
    with pytest.raises(ValueError, match="in "):
        CpuSet.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", []),
        ("f", [0, 1, 2, 3]),
        ("00000001,00000000", [32]),
        ("0000,00000003", [0, 1]),
        ("0f0", [4, 5, 6, 7]),
    ],
)
def test_masks_as_the_kernel_prints_them(text, expected):
    """The highest word comes first, and short masks have short words."""
    assert list(CpuSet.parse_mask(text)) == expected


@pytest.mark.parametrize("text", ["", "g", "0x1", "1,", "123456789", ",".join(["0"] * 3000)])
def test_a_damaged_mask_is_refused(text):
    """Neither other digits nor words longer than 32 bits, nor more words than CPUs can exist."""
    with pytest.raises(ValueError, match="mask"):
        CpuSet.parse_mask(text)


@pytest.mark.parametrize("number", [-1, LIMIT])
def test_numbers_out_of_range_are_refused(number):
    """A set holds only numbers that a kernel could give to a CPU."""
    with pytest.raises(ValueError, match="is not in 0-"):
        CpuSet([number])


@given(numbers)
def test_what_is_printed_reads_back(ids):
    """List format there and back is the same set, and the shortest text."""
    cpus = CpuSet(ids)
    assert CpuSet.parse(str(cpus)) == cpus
    assert str(CpuSet.parse(str(cpus))) == str(cpus)
    assert len(cpus) == len(ids)


@given(numbers)
def test_mask_and_list_say_the_same(ids):
    """Both notations of one set give the same set."""
    assert CpuSet.parse_mask(mask(ids)) == CpuSet(ids) == CpuSet.parse(str(CpuSet(ids)))


@given(numbers, numbers)
def test_algebra_is_that_of_sets(one, other):
    """Union, intersection, difference and inclusion agree with Python's sets."""
    a, b = CpuSet(one), CpuSet(other)
    assert a | b == CpuSet(one | other)
    assert a & b == CpuSet(one & other)
    assert a - b == CpuSet(one - other)
    assert (a <= b) == (one <= other)
    assert (a == b) == (one == other)
    assert all((number in a) == (number in one) for number in range(700))


def test_sets_are_values():
    """Equal sets are one key, order is by number, and other types are not equal."""
    assert len({CpuSet([1, 2]), CpuSet([2, 1])}) == 1
    assert CpuSet([9, 3]).first() == 3
    assert repr(CpuSet([1, 2])) == "CpuSet('1-2')"
    assert CpuSet([1]) != {1}


def test_the_empty_set_has_no_first():
    """There is no lowest number in an empty set."""
    with pytest.raises(ValueError, match="empty"):
        CpuSet().first()
