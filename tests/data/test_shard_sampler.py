import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.data.sampler import covering_of
from densefit.data.shard_sampler import BLOCK, ShardOrder
from densefit.errors import ConfigError

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(sum)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(1, 5), st.integers(0, 80), st.booleans(), st.integers(0, 3))
def test_all_ranks_together_visit_every_sample_once(sizes, world, buffer, shuffle, epoch):
    parts = [ShardOrder(sizes, shuffle, buffer, rank, world) for rank in range(world)]
    visits = [list(part.indices(7, epoch)) for part in parts]
    assert sorted(sum(visits, [])) == list(range(sum(sizes)))
    assert [len(part) for part in parts] == list(map(len, visits))
    assert max(map(len, visits)) - min(map(len, visits)) <= 1
    assert [part.exact for part in parts] == [world == 1] * world


@settings(max_examples=40, deadline=None)
@given(SIZES, st.integers(0, 80), st.data())
def test_a_slice_is_what_comes_there(sizes, buffer, data):
    visits = ShardOrder(sizes, True, buffer).indices(1, 2)
    whole = list(visits)
    first = data.draw(st.integers(0, len(whole)))
    last = data.draw(st.integers(0, len(whole)))
    assert list(visits[first:last]) == whole[first:last]
    assert list(visits[first:][: last - first if last > first else 0]) == whole[first:last]
    assert [visits[k] for k in range(len(whole))] == whole
    assert visits[-1] == whole[-1]


def test_slices_of_many_blocks():
    order = ShardOrder([700] * 60, True, 10_000)
    visits = order.indices(0, 3)
    whole = np.asarray(visits)
    assert sorted(whole) == list(range(42_000))
    for first in (0, 1, BLOCK - 1, BLOCK, 17_003, 41_999, 42_000):
        np.testing.assert_array_equal(np.asarray(visits[first : first + 900]), whole[first:][:900])
    with pytest.raises(IndexError):
        visits[42_000]


def test_a_function_of_seed_and_epoch():
    order = ShardOrder([5, 9, 3, 8], True, 6)
    first = list(order.indices(3, 7))
    assert first == list(ShardOrder([5, 9, 3, 8], True, 6).indices(3, 7))
    assert first != list(order.indices(3, 8))
    assert first != list(order.indices(4, 7))
    assert list(ShardOrder([5, 9, 3, 8], False, 6).indices(3, 7)) == list(range(25))


def test_visits_are_at_most_a_buffer_behind_sequential_reading():
    sizes, buffer = [500] * 20, 1500
    visits = ShardOrder(sizes, True, buffer).indices(0, 0)
    shards = np.asarray(visits) // 500
    reading_order = list(dict.fromkeys(visits._shards.tolist()))
    slots = np.array([reading_order.index(shard) for shard in shards])
    # A visit at position p is of a place between p - buffer and p + buffer.
    places = slots * 500 + np.asarray(visits) % 500
    assert (np.abs(places - np.arange(len(places))) <= buffer).all()
    for start in range(0, 10_000, 100):  # few shards at once
        assert len(set(slots[start : start + 100])) <= buffer // 500 + 2
    # The neighbours of a sample are others in each epoch, and from several shards.
    assert len(set(slots[5000:5064])) >= 3
    positions = np.argsort(places)
    assert np.corrcoef(np.diff(positions[3000:4000]), np.arange(999))[0, 1] < 0.2
    assert (np.diff(positions) != 1).mean() > 0.9


def test_shards_that_come_next_are_announced_in_the_order_of_reading():
    calls = []
    order = ShardOrder(
        [3000] * 8, True, 4000, announce=lambda now, later: calls.append((now, later))
    )
    visits = order.indices(0, 0)
    reading = visits._shards.tolist()
    stream = iter(visits)
    ready = set()
    first_visits = {}
    for _ in range(len(visits)):
        shard = next(stream) // 3000
        first_visits[shard] = True
        ready |= {shard for now, _ in calls for shard in now}
        assert shard in ready
        assert len(ready) == len(first_visits)  # not before it is needed
    for now, later in calls:
        assert now + later == reading[reading.index(now[0]) :][: len(now + later)]
    assert all(later or reading[-1] in now for now, later in calls)
    assert max(len(later) for _, later in calls) == 2
    assert [now for now, _ in calls] == [[shard] for shard in first_visits]
    calls.clear()
    middle = iter(visits[14_000:])
    next(middle)
    assert [len(now) for now, _ in calls] == [1]
    of_part = ShardOrder([5, 0, 0, 5], False, 0, announce=lambda *call: calls.append(call))
    list(of_part.indices(0, 0))
    assert calls[1:] == [([0], [3]), ([3], [])]  # a part of the samples needs no other shards


def test_ranks_share_few_shards():
    orders = [ShardOrder([100] * 40, True, 250, rank, 4) for rank in range(4)]
    shards = [set(np.asarray(order.indices(5, 1)) // 100) for order in orders]
    assert sum(map(len, shards)) <= 40 + 3


def test_dropped_samples_are_random_ones():
    assert covering_of(ShardOrder([50, 50], True), 96) > 1
    assert covering_of(ShardOrder([50, 50], False), 96) == 1


@pytest.mark.parametrize(
    "wrong", [{"rank": 2, "world": 2}, {"world": 0}, {"buffer": -1}, {"rank": -1}]
)
def test_settings_out_of_range(wrong):
    with pytest.raises(ConfigError):
        ShardOrder([4], True, **wrong)


def test_an_array_of_visits_asks_for_no_shard():
    order = ShardOrder([5, 5], True, announce=lambda now, later: pytest.fail("announced"))
    assert np.asarray(order.indices(0, 0)).shape == (10,)
