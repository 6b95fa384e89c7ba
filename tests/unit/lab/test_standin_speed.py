# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The curve of a server of known speed: one height over each setting, a collapse, noise that leans to no side."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin import speed
from standin.speed import Speed

counts = st.integers(1, 64)
shares = st.floats(0.01, 0.99)
curves = st.fixed_dictionaries(
    {
        "cpus": counts,
        "base": st.floats(0.1, 100),
        "thread_knee": counts,
        "slot_gain": st.floats(0, 1),
        "slot_knee": counts,
        "collapse": shares,
        "no_flash": shares,
        "quantised": st.floats(0.5, 1.5),
    }
).map(lambda fields: Speed(**fields))


def is_unimodal(rates: list[float]) -> bool:
    """Whether they never rise again after they have fallen; what floating point makes of equal ones does not count."""
    steps = [after / before - 1 for before, after in pairwise(rates)]
    signs = [1 if step > 0 else -1 for step in steps if abs(step) > 1e-9]
    return signs == sorted(signs, reverse=True)


@given(curve=curves, slots=counts, concurrency=counts)
def test_the_rate_has_one_height_over_the_threads(curve: Speed, slots: int, concurrency: int) -> None:
    rates = [curve.rate({"num_threads": n, "num_parallel": slots}, concurrency) for n in range(1, 130)]
    assert is_unimodal(rates)
    assert rates.index(max(rates)) < min(curve.cpus, curve.thread_knee)


@given(curve=curves, threads=counts, concurrency=counts)
def test_the_rate_has_one_height_over_the_slots(curve: Speed, threads: int, concurrency: int) -> None:
    rates = [curve.rate({"num_threads": threads, "num_parallel": n}, concurrency) for n in range(1, 130)]
    assert is_unimodal(rates)
    assert rates.index(max(rates)) < min(curve.slot_knee, concurrency)


@given(curve=curves, slots=counts, above=counts)
def test_more_threads_than_cpus_leave_no_more_than_the_share_of_a_collapse(
    curve: Speed, slots: int, above: int
) -> None:
    at, over = ({"num_threads": n, "num_parallel": slots} for n in (curve.cpus, curve.cpus + above))
    assert curve.rate(over, slots) <= curve.rate(at, slots) * curve.collapse * (1 + 1e-9)


@given(curve=curves, slots=counts, concurrency=counts)
def test_threads_that_are_left_to_the_server_are_as_many_as_its_cpus(
    curve: Speed, slots: int, concurrency: int
) -> None:
    rates = {
        curve.rate({"num_threads": n, "num_parallel": slots}, concurrency) for n in (curve.cpus, "auto", None, 0, "0")
    }
    assert len(rates) == 1


@given(curve=curves, settings=st.fixed_dictionaries({"num_threads": counts, "num_parallel": counts}))
def test_on_a_flat_server_no_setting_changes_anything(curve: Speed, settings: dict[str, int]) -> None:
    flat = curve._replace(flat=True)
    assert flat.rate(settings, 4) == flat.rate({}, 1)
    assert flat.prompt_rate(settings) == flat.prompt_rate({})


@given(noise=st.floats(0.01, 2), seed=st.integers(0, 1000))
def test_noise_is_cut_alike_on_both_sides(noise: float, seed: int) -> None:
    draw = random.Random(seed)
    factors = [Speed(noise=noise).factor(draw) for _draw in range(50)]
    assert min(factors) >= 0.1
    assert max(factors) <= 1.9


@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_noise_leans_to_no_side(noise: float) -> None:
    draw = random.Random(1)
    factors = [Speed(noise=noise).factor(draw) for _draw in range(20000)]
    error = statistics.stdev(factors) / len(factors) ** 0.5
    assert abs(statistics.mean(factors) - 1) < 4 * error


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    draw = random.Random(1)
    rates = [Speed(noise=0.1).drawn({}, 1, draw) for _draw in range(5000)]
    assert statistics.stdev(rates) / statistics.mean(rates) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("draw", [None, random.Random(1)])
def test_without_noise_a_drawn_rate_is_the_rate(draw: random.Random | None) -> None:
    assert Speed().drawn({"num_threads": 3}, 2, draw) == Speed().rate({"num_threads": 3}, 2)


@pytest.mark.parametrize("value", ["0", "false", "off", False, 0])
def test_without_flash_attention_a_share_is_left_and_a_quantised_cache_does_not_load(value: object) -> None:
    curve, without = Speed(no_flash=0.4), {"flash_attention": value}
    assert curve.rate(without, 1) == pytest.approx(curve.rate({"flash_attention": "auto"}, 1) * 0.4)
    assert curve.loads(without)
    assert not curve.loads({**without, "kv_cache_type": "q8_0"})


@pytest.mark.parametrize("kind", ["auto", "f16", "", None, "F16", "bf16"])
def test_a_cache_that_is_not_quantised_changes_nothing(kind: str | None) -> None:
    assert Speed(quantised=0.5).rate({"kv_cache_type": kind}, 1) == Speed().rate({}, 1)


def test_a_quantised_cache_leaves_its_share() -> None:
    assert Speed(quantised=0.5).rate({"kv_cache_type": "q8_0"}, 1) == pytest.approx(Speed().rate({}, 1) / 2)


def test_a_setting_that_fails_is_compared_as_text() -> None:
    curve = speed.from_json('{"fails": [["num_parallel", 12]]}')
    assert not curve.loads({"num_parallel": "12"})
    assert curve.loads({"num_parallel": 11})
    assert curve.loads({})


@given(curve=curves)
def test_a_file_gives_the_curve_that_was_written_to_it(curve: Speed) -> None:
    text = speed.json.dumps(curve._asdict())
    assert speed.from_json(text) == curve


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"slots": 1}', "no field slots; there are cpus"), ("[]", "no map of fields"), ("{", "Expecting property")],
)
def test_a_file_that_describes_no_curve_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        speed.from_json(text)
