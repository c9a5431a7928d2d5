import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from densefit.data.sampler import (
    PlainOrder,
    epoch_order,
    numbered_visits,
    place_of,
    sample_rng,
)


def test_each_index_once_and_by_seed_and_epoch_alone():
    first = epoch_order(50, True, 3, 7)
    np.testing.assert_array_equal(np.sort(first), np.arange(50))
    np.testing.assert_array_equal(first, epoch_order(50, True, 3, 7))
    assert (first != epoch_order(50, True, 3, 8)).any()
    assert (first != epoch_order(50, True, 4, 7)).any()


def test_without_shuffling_the_order_is_the_datasets():
    np.testing.assert_array_equal(epoch_order(5, False, 3, 7), np.arange(5))


def test_no_two_generators_are_alike():
    # (3, 7) and (3, 7, 0) are the same seed to numpy: order and sample 0 must not share one.
    draws = {tuple(sample_rng(3, 7, i).integers(1 << 30, size=2)) for i in range(50)}
    draws.add(tuple(np.random.default_rng((3, 7, 50)).integers(1 << 30, size=2)))
    draws.add(tuple(sample_rng(3, 8, 0).integers(1 << 30, size=2)))
    assert len(draws) == 52


def test_the_plain_order_is_that_of_an_epoch():
    for shuffle in (False, True):
        order = PlainOrder(9, shuffle)
        assert (len(order), order.exact, order.grouped) == (9, True, False)
        np.testing.assert_array_equal(order.indices(3, 7), epoch_order(9, shuffle, 3, 7))


@given(st.lists(st.integers(0, 6), max_size=40))
def test_visits_tell_the_sample_and_how_often_it_came_before(places):
    visits = numbered_visits(np.array(places, np.int64), 7)
    before = [places[:position].count(place) for position, place in enumerate(places)]
    assert visits.tolist() == [place + 7 * times for place, times in zip(places, before)]
    assert [place_of(int(visit), 7) for visit in visits] == places
