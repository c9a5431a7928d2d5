"""Several ranks score as one process does, to the last bit."""

import json

import pytest

import densefit as df
from densefit.distributed import World
from densefit.errors import DataError
from densefit.evaluation.rank_pass import RankPass
from densefit.evaluation.scoring_pass import ScoringPass
from tests.distributed import ranks

SCORE = """
import json, sys
import densefit as df
data = df.dataset("shapes", length=23, size=(64, 64), split="test", seed=3)
few = df.Loader(df.dataset("shapes", length=5, size=(64, 64)), batch_size=4, workers=0)
network = df.load(sys.argv[1])
loader = df.Loader(data, batch_size=4, workers=0)
scores = df.score(network, loader, nonfinite="warn")
again = df.score(network, {"one": loader, "few": few}, nonfinite="warn")  # 2 batches of few
assert list(loader)[-1].ids[-1] == data.id_of(22)
print(json.dumps([scores, again]))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    data = df.dataset("shapes", length=8, size=(64, 64))
    heads = [
        df.head("detection", classes=data.classes, strides=(8, 16), channels=8),
        df.head("segmentation", classes=data.mask_classes, decoder="fcn", channels=8),
    ]
    network = df.Network("resnet18", heads, settings={"width": 4})
    path = tmp_path_factory.mktemp("scored")
    loader = df.Loader(data, batch_size=8, heads=heads, workers=0)
    df.fit(network, loader, updates=1, lr=1e-3, checkpoint=path, progress=False)
    return path / "last"


@pytest.fixture(scope="module")
def alone(checkpoint):
    (out,) = ranks.run(SCORE, 1, [checkpoint])
    return json.loads(out.splitlines()[-1])


def test_scores_are_equal_to_the_last_bit_though_a_rank_has_no_sample(checkpoint, alone):
    assert alone[0]["detection/AR100"] > 0
    for out in ranks.run(SCORE, 3, [checkpoint]):
        scores = json.loads(out.splitlines()[-1])
        assert json.dumps(scores) == json.dumps(alone)  # nan is not nan


def test_a_broken_sample_of_one_rank_is_an_error_of_all(checkpoint):
    code = SCORE.replace("network =", "broken = data.id_of(20)\nnetwork =").replace(
        "scores =",
        "class Broken(type(data)):\n"
        "    def __getitem__(self, index):\n"
        "        if index == 20: raise ValueError('no such file')\n"
        "        return super().__getitem__(index)\n"
        "loader = df.Loader(Broken(length=23, size=(64, 64)), batch_size=4, workers=0)\n"
        "scores =",
    )
    results = ranks.finish(ranks.start(code, 2, [checkpoint]))
    assert [status for status, _, _ in results] == [1, 1]
    assert "Rank 1 could not score its part" in results[0][2]
    assert "no such file" in results[0][2]
    assert "no such file" in results[1][2]


def test_scores_that_rank_0_cannot_compute_are_an_error_of_all():
    class Rank(World):
        is_shared = True
        sent = None

        def broadcast(self, name, value=None):
            if self.is_first:
                Rank.sent = value
            return Rank.sent

    def scores():
        raise ValueError("a bug of a metric")

    seen = ScoringPass(["a"], "scoring")
    first, second = Rank(), Rank()
    second.rank = 1
    with pytest.raises(ValueError, match="a bug of a metric"):
        RankPass(first, object(), True, "scoring").share(scores, seen)
    with pytest.raises(DataError, match="Rank 0 could not compute the scores") as raised:
        RankPass(second, object(), True, "scoring").share(scores, seen)
    assert "a bug of a metric" in str(raised.value)


def test_one_process_scans_as_it_would():
    data = object()
    rank_pass = RankPass(World(), data, True, "scoring")
    seen = ScoringPass(["a"], "scoring")
    assert rank_pass.scan(lambda: True, {}, seen)
    assert not rank_pass.scan(lambda: False, {}, seen)
    assert rank_pass.share(lambda: {"a": 1.0}, seen) == {"a": 1.0}


def test_passes_are_merged_and_repeated_samples_found():
    first, second = ScoringPass(["a", "b"], "x"), ScoringPass(["a", "b"], "x")
    first.add(["1"], [{"mask": 0}])
    first.unlabelled -= {"a"}
    second.add(["2"], [{"box": 0}])
    second.unlabelled -= {"b"}
    first.merge(second.state_dict())
    assert len(first) == 2
    assert first.unlabelled == set()
    with pytest.raises(DataError, match="'2' came twice"):
        first.merge(second.state_dict())
