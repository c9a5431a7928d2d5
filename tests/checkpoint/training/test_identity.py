"""What is said, and what is refused, when a resume finds another training."""

import logging
import re

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.training.identity import check_order, check_same_heads, differences
from densefit.checkpoint.training.restore import logger
from densefit.errors import CheckpointError


def test_what_is_not_told_is_not_compared():
    assert differences({}, {"seed": 1, "heads": {"a": "x"}}) == {}
    assert differences({"seed": 0}, {"seed": 0, "schedule": None}) == {}
    assert differences({"seed": 0}, {"seed": 0}) == {}


def test_what_is_added_or_taken_away_differs():
    assert differences({"schedule": None}, {"schedule": "Cosine"}) == {"schedule": (None, "Cosine")}
    assert differences({"schedule": "Cosine"}, {"schedule": None}) == {"schedule": ("Cosine", None)}
    assert set(differences({"data": None}, {"data": {"samples": 1, "sha256": "0"}})) == {"data"}


def test_what_an_earlier_version_told_otherwise_is_no_difference():
    saved = {"loader": "X{a}", "seed": 0, "heads": {"a": "A", "b": "B"}}
    own = {"loader": "X(b){a}", "seed": 0, "heads": {"a": "A{1}", "b": "B"}}
    earlier = {**saved, "heads": {"a": "A", "b": "B"}}
    assert differences(saved, own, lambda: earlier) == {}
    assert set(differences({**saved, "loader": "X{c}"}, own, lambda: earlier)) == {"loader"}
    assert set(differences({**saved, "heads": {"a": "C", "b": "B"}}, own, lambda: earlier)) == {
        "head a"
    }
    assert set(differences(saved, own)) == {"loader", "head a"}


def test_of_long_texts_the_part_that_differs_is_shown():
    before, now = (f"{'x' * 500} {end}" for end in ("old", "new"))
    with pytest.raises(CheckpointError, match=r"expected: loader \.\.\.x+ old\n.* \.\.\.x+ new\n"):
        check_order({"loader": (before, now)}, "there")


def test_heads_are_compared_by_name():
    saved, own = {"heads": {"a": "1", "b": "1"}}, {"heads": {"b": "2", "c": "1"}}
    assert differences(saved, own) == {
        "head a": ("1", None), "head b": ("1", "2"), "head c": (None, "1"),
    }  # fmt: skip
    with pytest.raises(CheckpointError, match=r"new: c; missing: a(?s:.*)df.surgery.transfer"):
        check_same_heads(saved, own, "there")
    check_same_heads({"heads": {"a": "1"}}, {"heads": {"a": "2"}}, "there")
    check_same_heads({}, own, "there")


def test_only_what_makes_the_order_is_refused_in_mid_epoch():
    check_order({"schedule": ("a", "b"), "head a": ("1", "2")}, "there")
    with pytest.raises(CheckpointError, match="another seed(?s:.*)expected: seed 0(?s:.*)seed 1"):
        check_order({"seed": (0, 1)}, "there")


def fit(tiny, tmp_path, length=8, batch_size=4, **settings):
    network = tiny.network()
    data = tiny.loader(network, length, batch_size, workers=0)
    settings = {"checkpoint": tmp_path, "resume": "auto", **settings}
    return df.fit(network, data, **settings)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"length": 12}, "another data"),
        ({"batch_size": 2}, "another batch_size"),
        ({"seed": 5}, "another seed"),
        ({"accumulate": 2}, "another accumulate"),
    ],
)
def test_other_data_go_on_from_an_epoch_s_end_and_not_from_its_middle(
    tiny, tmp_path, caplog, changes, told
):
    fit(tiny, tmp_path / "end", epochs=1)
    fit(tiny, tmp_path / "middle", updates=3)
    with caplog.at_level(logging.WARNING, logger=logger.name):
        history = fit(tiny, tmp_path / "end", epochs=2, **changes)
    assert len(history.epochs) == 2
    assert told in caplog.text
    with pytest.raises(CheckpointError, match=f"(?s)middle of an epoch with {told}.*epoch's end"):
        fit(tiny, tmp_path / "middle", epochs=2, **changes)


def test_what_does_not_differ_is_not_told(tiny, tmp_path, caplog):
    fit(tiny, tmp_path, epochs=1)
    with caplog.at_level(logging.WARNING, logger=logger.name):
        fit(tiny, tmp_path, epochs=2)
    assert not caplog.records


def test_another_schedule_is_told(tiny, tmp_path, caplog):
    fit(tiny, tmp_path, updates=3, schedule=df.Cosine(0.1))
    with caplog.at_level(logging.WARNING, logger=logger.name):
        fit(tiny, tmp_path, updates=5, schedule=df.Cosine(0.2))
    assert "another schedule: Cosine(lr=0.2" in caplog.text
    assert "before Cosine(lr=0.1" in caplog.text


class Many:
    """A dataset whose settings, which do not change, are a long text."""

    classes = ()

    def __init__(self, pictures):
        self.pictures, self.rare = pictures, list(range(300))

    def __len__(self):
        return len(self.pictures)

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        return self.pictures[index]


@pytest.mark.parametrize(
    ("first", "then", "now", "before"),
    [
        ({}, {"transform": df.transform("random_flip")}, "transform: .*[Ff]lip", "transform: None"),
        ({"shuffle": True}, {}, "shuffle: False", "shuffle: True"),
        (
            {"temperature": 1},
            {"temperature": 2},
            "dataset.shares.a: 0.58578[0-9]*; dataset.shares.b: 0.41421[0-9]*",
            "dataset.shares.a: 0.66666[0-9]*; dataset.shares.b: 0.33333[0-9]*",
        ),
        ({"batches": "in_turn"}, {}, ".*dataset.batches: 'mixed'", ".*dataset.batches: 'in_turn'"),
    ],
)
def test_what_differs_in_a_loader_is_named(tiny, tmp_path, caplog, first, then, now, before):
    def train(settings, **others):
        network = tiny.network()
        own = {key: settings[key] for key in settings if key in ("temperature", "batches")}
        data = df.Mixture({"a": Many(tiny.Pictures(8)), "b": Many(tiny.Pictures(4))}, **own)
        rest = {key: settings[key] for key in settings if key not in own}
        loader = df.Loader(data, batch_size=4, heads=network.heads, workers=0, **rest)
        return df.fit(network, loader, checkpoint=tmp_path, resume="auto", **others)

    train(first, updates=2)
    with pytest.raises(CheckpointError, match=f"(?s)expected: loader {before}.*loader {now}"):
        train(then, epochs=1)
    train(first, epochs=1)
    train(then, epochs=2)
    assert re.search(f"another loader: {now}.*, before {before}", caplog.text)


def test_a_checkpoint_that_no_training_wrote(tiny, tmp_path):
    from densefit.checkpoint.storage import store

    store.write(tmp_path, "update-00000001", {"model": {"arg:a": np.zeros(1)}}, {"update": 1})
    with pytest.raises(CheckpointError, match="does not hold what a training needs"):
        fit(tiny, tmp_path, epochs=1)
