from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.data.mixture.sampler import MixtureOrder, drawn, evenly

SIZES = {"a": 10, "b": 25, "c": 4}


def made(counts, batches="mixed", batch_size=4, shuffle=True, sizes=SIZES):
    names = list(sizes)
    settings = (sum(counts), batches, batch_size, shuffle)
    return MixtureOrder(names, list(sizes.values()), counts, *settings)


def by_name(visits, sizes=SIZES):
    """name -> places in that dataset, in order."""
    places = np.asarray(visits) % sum(sizes.values())
    found, start = {}, 0
    for name, size in sizes.items():
        inside = (places >= start) & (places < start + size)
        found[name] = (places[inside] - start).tolist()
        start += size
    return found


@pytest.mark.parametrize("batches", ["mixed", "in_turn", "at_random"])
def test_every_epoch_has_its_counts_and_over_epochs_samples_come_equally_often(batches):
    order = made([8, 12, 16], batches)
    seen = {name: Counter() for name in SIZES}
    for epoch in range(7):
        visits = order.indices(5, epoch)
        assert len(visits) == len(order) == 36
        assert len(set(visits.tolist())) == 36  # no two visits are transformed alike
        for (name, places), count in zip(by_name(visits).items(), (8, 12, 16)):
            assert len(places) == count
            seen[name].update(places)
            times = [seen[name][place] for place in range(SIZES[name])]
            assert max(times) - min(times) <= 1


def test_a_dataset_that_is_exhausted_comes_again_in_another_order():
    places = by_name(made([0, 0, 16]).indices(0, 0))["c"]
    passes = [tuple(places[start : start + 4]) for start in range(0, 16, 4)]
    assert all(sorted(one) == [0, 1, 2, 3] for one in passes)
    assert len(set(passes)) > 1


def test_epochs_seeds_and_datasets_differ_and_nothing_else_matters():
    order = made([10, 25, 4])
    first = order.indices(0, 3).tolist()
    assert made([10, 25, 4]).indices(0, 3).tolist() == first
    assert order.indices(0, 4).tolist() != first
    assert order.indices(1, 3).tolist() != first
    alike = {"a": 20, "b": 20}
    places = by_name(made([20, 20], sizes=alike).indices(0, 0), alike)
    assert places["a"] != places["b"]


def test_another_dataset_beside_it_does_not_change_a_dataset_s_own_order():
    alone = by_name(made([10], sizes={"b": 25}).indices(0, 2), {"b": 25})
    beside = by_name(made([5, 10, 3]).indices(0, 2))
    assert alone["b"] == beside["b"]


def test_natural_counts_are_exact():
    order = made([10, 25, 4])
    assert order.exact
    assert sorted(order.indices(0, 5).tolist()) == list(range(39))
    assert not made([10, 25, 8]).exact


@pytest.mark.parametrize("batches", ["in_turn", "at_random"])
def test_each_batch_is_of_one_dataset(batches):
    order = made([8, 24, 4], batches)
    assert order.grouped
    sequences = []
    for epoch in range(4):
        groups = order.indices(0, epoch).reshape(9, 4)
        which = [[name for name, own in by_name(group).items() if own] for group in groups]
        assert all(len(names) == 1 for names in which)
        sequences.append([names[0] for names in which])
        assert Counter(sequences[-1]) == {"a": 2, "b": 6, "c": 1}
    assert (sequences[0] == sequences[1] == sequences[2]) == (batches == "in_turn")


def test_each_mixed_batch_has_the_ratio():
    order = made([40, 20, 20], batch_size=8)
    assert not order.grouped
    for batch in order.indices(0, 1).reshape(10, 8):
        assert [len(own) for own in by_name(batch).values()] == [4, 2, 2]


def test_without_shuffling_the_datasets_come_in_their_own_order():
    order = made([6, 6, 6], "at_random", batch_size=3, shuffle=False)
    for epoch in range(3):
        for name, places in by_name(order.indices(9, epoch)).items():
            expected = [(6 * epoch + k) % SIZES[name] for k in range(6)]
            assert places == expected


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 30), st.integers(0, 5))
def test_what_is_drawn_is_a_piece_of_one_endless_stream(size, start, count, seed):
    whole = drawn(size, 0, start + count, (seed, 1))
    np.testing.assert_array_equal(drawn(size, start, count, (seed, 1)), whole[start:])
    for first in range(0, start + count - size + 1, size):
        assert sorted(whole[first : first + size].tolist()) == list(range(size))


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=5).filter(sum))
def test_any_first_turns_have_their_shares_rounded_up_or_down(counts):
    turns = evenly(counts)
    assert np.bincount(turns, minlength=len(counts)).tolist() == counts
    for number, count in enumerate(counts):
        for end in range(len(turns) + 1):
            own = int((turns[:end] == number).sum())
            assert abs(own - end * count / len(turns)) < 1
