import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.data.shard import rows_of_rank, scoring_shard, training_shard
from densefit.data.shard_sampler import ShardOrder
from densefit.errors import ConfigError, DataError


class Images:
    """Samples of 8x8 pixels, of which some are broken."""

    def __init__(self, length, broken=()):
        self.length, self.broken = length, set(broken)

    def __len__(self):
        return self.length

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        if index in self.broken:
            raise DataError("broken")
        return Sample(str(index), np.full((8, 8, 3), index, np.uint8), {})


def loader(length=101, batch_size=4, part=None, broken=(), **settings):
    made = Loader(Images(length, broken), batch_size=batch_size, workers=0, **settings)
    if part is not None:
        made.shard(*part)
    return made


def epoch(data, number=0, skip=0, position=None):
    data.set_epoch(number, skip, position)
    return list(data)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rows", [0, 1, 7, 20])
def test_rows_are_divided_evenly(rows, size):
    parts = [rows_of_rank(rows, rank, size) for rank in range(size)]
    assert parts[0][0] == 0
    assert parts[-1][1] == rows
    assert all(before[1] == after[0] for before, after in zip(parts, parts[1:]))
    lengths = [end - begin for begin, end in parts]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("last", ["keep", "drop"])
def test_an_epoch_of_all_ranks_is_that_of_one_process_with_the_global_batch(size, last):
    settings = {"shuffle": True, "seed": 3, "last": last}
    ranks = [epoch(loader(part=(rank, size), **settings), 2) for rank in range(size)]
    alone = epoch(loader(batch_size=4 * size, **settings), 2)
    assert {len(batches) for batches in ranks} == {len(alone)}
    for number, batch in enumerate(alone):
        parts = [batches[number] for batches in ranks]
        assert sum((part.ids for part in parts), []) == batch.ids
        assert {part.position for part in parts} == {min(batch.position, 101)}
    if last == "keep":
        ids = [key for batches in ranks for batch in batches for key in batch.ids]
        assert sorted(ids, key=int) == [str(number) for number in range(101)]


def test_a_rank_without_a_sample_gets_a_row_of_padding():
    ranks = [epoch(loader(9, part=(rank, 2))) for rank in range(2)]
    assert [[batch.real for batch in batches] for batches in ranks] == [[4, 0], [4, 1]]
    empty = ranks[0][1]
    assert (empty.rows, empty.ids, empty.targets) == (1, [], [])


@pytest.mark.parametrize("sizes", [(1, 2), (4, 2), (2, 1), (3, 4)])
def test_an_epoch_continues_with_another_number_of_ranks(sizes):
    before, after = sizes
    together = 12
    first = [loader(batch_size=together // before, part=(r, before)) for r in range(before)]
    done = [[next(data) for _ in range(3)] for data in first]
    position = done[0][-1].position
    rest = [
        epoch(loader(batch_size=together // after, part=(r, after)), 0, 3, position)
        for r in range(after)
    ]
    seen = [key for batches in (*done, *rest) for batch in batches for key in batch.ids]
    assert sorted(seen, key=int) == [str(number) for number in range(101)]
    assert len(rest[0]) == len(epoch(loader(batch_size=together), 0, 3))


def test_skipped_samples_leave_their_batch_smaller():
    settings = {"broken": [1, 6], "on_error": "skip"}
    ranks = [epoch(loader(16, part=(rank, 2), **settings)) for rank in range(2)]
    assert [[batch.ids for batch in batches] for batches in ranks] == [
        [["0", "2", "3"], ["8", "9", "10", "11"]],
        [["4", "5", "7"], ["12", "13", "14", "15"]],
    ]


def test_a_batch_may_lose_all_its_samples():
    settings = {"broken": [0], "on_error": "skip", "batch_size": 1}
    data = loader(4, part=(0, 2), **settings)
    assert [batch.real for batch in epoch(data)] == [0, 1]


class InShards(Images):
    """Samples of shards, whose order divides itself."""

    def order(self, shuffle, batch_size):
        return ShardOrder([10, 30, 21, 40], shuffle, buffer=5)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("last", ["keep", "drop"])
def test_an_order_may_divide_itself(size, last):
    def rank_loader(rank):
        made = Loader(InShards(101), batch_size=4, workers=0, shuffle=True, last=last)
        made.shard(rank, size)
        return made

    ranks = [epoch(rank_loader(rank), 1) for rank in range(size)]
    assert {len(batches) for batches in ranks} == {len(rank_loader(0))}
    seen = [key for batches in ranks for batch in batches for key in batch.ids]
    assert len(set(seen)) == len(seen) == (101 if last == "keep" else 4 * size * len(ranks[0]))
    after = epoch(rank_loader(1), 1, 2, ranks[1][1].position)
    assert [batch.ids for batch in after] == [batch.ids for batch in ranks[1][2:]]
    assert rank_loader(0).identity() != loader(batch_size=4 * size).identity()


@pytest.mark.parametrize("size", [2, 3, 5, 40])
def test_ranks_score_the_batches_of_one_process_in_its_order(size):
    alone = [batch.ids for batch in epoch(loader())]
    ranks = [epoch(loader(part=(rank, size, True))) for rank in range(size)]
    assert [batch.ids for batches in ranks for batch in batches] == alone


def test_scoring_shards_are_runs():
    assert [list(scoring_shard(range(3), 2, rank, 3)) for rank in range(3)] == [
        [],
        [0, 1],
        [2],
    ]


def test_lengths_and_identity_are_those_of_the_global_batch():
    shared, alone = loader(part=(1, 3)), loader(batch_size=12)
    assert (len(shared), shared.global_batch_size) == (len(alone), 12)
    assert shared.identity() == alone.identity()
    assert shared.covering == alone.covering


def test_a_loader_goes_back_to_the_whole():
    data = loader(part=(1, 2))
    next(data)
    data.shard()
    assert [key for batch in data for key in batch.ids] == [str(n) for n in range(101)]


@pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0)])
def test_ranks_out_of_range_are_refused(part):
    with pytest.raises(ConfigError, match="rank"):
        loader(part=part)


def test_shards_depend_on_the_order_alone():
    order = np.random.default_rng(0).permutation(50)
    visits, rows = training_shard(order, 3, 1, 4)
    assert sum(rows) == len(visits)
    again, _ = training_shard(order, 3, 1, 4)
    np.testing.assert_array_equal(visits, again)
