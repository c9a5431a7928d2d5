"""Groups of one size, full as far as few may wait."""

import doctest

import numpy as np
import pytest

from densefit.data.loader import buckets as module
from densefit.data.loader.buckets import Buckets, scaled_size

SIZES = [(32, 64), (64, 32), (64, 64), (96, 96)]


def grouped(sizes, most, max_pixels, held):
    buckets = Buckets(most, max_pixels, held)
    found = [(group, buckets._count) for n, s in enumerate(sizes) for group in buckets.add(s, n)]
    return [group for group, _ in found] + list(buckets.rest()), [count for _, count in found]


def test_examples():
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("held", [0, 3, 10, 1000])
@pytest.mark.parametrize("most", [1, 4])
def test_everything_comes_once_in_groups_of_one_size_that_are_not_too_large(held, most):
    rng = np.random.default_rng(held)
    sizes = [SIZES[one] for one in rng.integers(0, 4, 200)]
    groups, waiting = grouped(sizes, most, 3 * 64 * 64, held)
    assert sorted(number for group in groups for number in group) == list(range(200))
    for group in groups:
        assert len({sizes[number] for number in group}) == 1
        height, width = sizes[group[0]]
        assert len(group) <= most
        assert len(group) == 1 or len(group) * height * width <= 3 * 64 * 64
        assert group == sorted(group)
    assert max(waiting) <= held


def test_with_room_for_all_only_the_last_group_of_a_size_is_not_full():
    sizes = [SIZES[n % 4] for n in range(30)]
    groups, _ = grouped(sizes, 4, 10**9, 1000)
    assert sorted(map(len, groups)) == [3, 3] + [4] * 6


def test_the_one_that_waits_longest_goes_first():
    buckets = Buckets(8, 10**9, 2)
    assert list(buckets.add((1, 1), "a")) == []
    assert list(buckets.add((2, 2), "b")) == []
    assert list(buckets.add((2, 2), "c")) == [["a"]]


def test_a_picture_larger_than_the_budget_goes_alone():
    assert list(Buckets(8, 10, 8).add((100, 100), "huge")) == [["huge"]]


def test_scaled_sizes_keep_both_limits():
    rng = np.random.default_rng(0)
    for height, width in rng.integers(1, 900, (100, 2)).tolist():
        found = scaled_size((height, width), 300, 500)
        assert max(found) <= 500
        assert min(found) <= 300
        assert 300 in found or 500 in found
