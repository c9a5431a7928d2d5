import pytest

from densefit.data.loader.loader import Loader
from densefit.data.sampler import order_of
from densefit.data.shard import Part, epoch_shard
from densefit.datasets import Shapes, Shards
from densefit.tools.formats.packed_shards import pack_shards


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    pack_shards(Shapes(length=101, size=(24, 24)), folder / "train.rec", 12_000)
    return folder


def batches(root, part, start=0, number=3, **settings):
    data = Shards(root, buffer=6)
    with Loader(data, batch_size=4, shuffle=True, seed=2, workers=0, **settings) as loader:
        loader.shard(*part)
        loader.set_epoch(number, skip=start)
        return [(batch.ids, batch.position) for batch in loader]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("last", ["keep", "drop"])
def test_ranks_visit_the_dataset_once_in_equal_batches(root, size, last):
    ranks = [batches(root, (rank, size), last=last) for rank in range(size)]
    ids = [key for rank in ranks for keys, _ in rank for key in keys]
    together = 4 * size
    expected = 101 if last == "keep" else 101 // together * together
    assert (len(ids), len(set(ids))) == (expected, expected)
    positions = {tuple(position for _, position in rank) for rank in ranks}
    assert len(positions) == 1  # as many batches, at the same positions
    for rank in ranks:
        assert all(len(keys) == 4 for keys, _ in rank[:-1])


@pytest.mark.parametrize("size", [2, 3])
def test_each_rank_resumes_in_the_middle_of_an_epoch(root, size):
    for rank in range(size):
        whole = batches(root, (rank, size))
        for done in (1, 4, len(whole) - 1, len(whole)):
            assert batches(root, (rank, size), done) == whole[done:]


def test_ranks_read_shards_of_their_own(root):
    data = Shards(root, buffer=6)
    order = order_of(data, True, 12, skips=False)
    shards = []
    for rank in range(3):
        visits, rows = epoch_shard(order, 2, 1, 4, Part(rank, 3), 0, 9)
        assert sum(rows) == len(visits)
        shards.append({data._find(visit)[0] for visit in visits})
        assert epoch_shard(order, 2, 1, 4, Part(rank, 3), 101, 9)[1] == []
    assert sum(map(len, shards)) <= len(data._list.shards) + 2


def test_ranks_score_runs_of_the_dataset(root):
    data = Shards(root)
    ids = []
    for rank in range(3):
        with Loader(data, batch_size=8, workers=0) as loader:
            loader.shard(rank, 3, is_for_scoring=True)
            ids += [key for batch in loader for key in batch.ids]
    assert ids == [data.id_of(index) for index in range(101)]


def test_the_identity_names_the_number_of_ranks(root):
    with Loader(Shards(root), batch_size=4, shuffle=True, workers=0) as loader:
        alone = loader.identity()
        loader.shard(0, 2)
        assert "of 2 ranks" in loader.identity()
        loader.shard()
        assert loader.identity() == alone
