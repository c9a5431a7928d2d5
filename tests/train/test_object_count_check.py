"""A training that is shown no objects says so, and does not go on."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.data.transforms import RandomScaleCrop
from densefit.datasets import Shapes
from densefit.errors import DataError
from densefit.train.object_count_check import ObjectCheck


def counts(annotated, left, positives, crowds=0):
    return {
        "annotated": annotated,
        "left": left,
        "crowds": crowds,
        "positives/det": positives,
    }


def look(own, total=None):
    ObjectCheck().epoch(own, own if total is None else total, "epoch 1, train data")


def test_no_object_is_left():
    with pytest.raises(DataError, match=r"No object is left[\s\S]*33 objects[\s\S]*relative_to"):
        look(counts(33, 0, 0))
    look(counts(7, 0, 0))  # may be chance
    look(counts(33, 0, 0), counts(66, 5, 9))  # there were some in other epochs


def test_no_anchor_learns():
    with pytest.raises(DataError, match=r"'det' learns an object[\s\S]*20 objects"):
        look(counts(33, 20, 0))
    look(counts(33, 7, 0), counts(33, 7, 0))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (counts(33, 10, 40), "left only 10 of 33 objects"),
        (counts(33, 30, 14), "only 14 anchors or cells learned one of 30"),
        (counts(0, 0, 0, crowds=4), "all 4 objects are crowds"),
        (counts(0, 0, 0), "not one object in an epoch"),
    ],
)
def test_few_are_told_once(own, message, caplog):
    check = ObjectCheck()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            check.epoch(own, own, "train data")
    assert caplog.text.count(message) == 1
    assert len(caplog.records) == 1


def test_what_a_head_does_not_look_at_is_not_missed(caplog):
    own = {**counts(55, 55, 15), "objects/det": 26}
    with caplog.at_level(logging.WARNING):
        look(own)
        look({**counts(55, 55, 0), "objects/det": 0})  # not one of its classes
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        look({**own, "positives/det": 12})
    assert "head 'det': only 12 anchors or cells learned one of 26 objects" in caplog.text
    with pytest.raises(DataError, match="(?s)some of the 26 objects of its classes"):
        look({**own, "positives/det": 0})


def test_enough_are_not_told(caplog):
    with caplog.at_level(logging.WARNING):
        look(counts(33, 12, 40))
        look({})
    assert not caplog.records


class Large(Shapes):
    """Photographs of eight times the resolution."""

    def __getitem__(self, index):
        made = super().__getitem__(index)
        image = np.repeat(np.repeat(made.image, 8, 0), 8, 1)
        targets = {"boxes": made.targets["boxes"] * 8, "classes": made.targets["classes"]}
        return Sample(made.id, image, targets)


def trained(crop, **settings):
    data = Large(8, size=(64, 64), empty=0.0, seed=3)
    heads = [df.head("detection", classes=3, strides=(8, 16), channels=8)]
    network = df.Network(backbone="resnet18", heads=heads, settings={"width": 8})
    # workers=0: the photographs are small
    loader = df.Loader(data, batch_size=4, transform=crop, heads=heads, workers=0)
    return df.fit(network, loader, optimizer="sgd", **settings)


def test_a_training_on_nothing_ends_with_its_first_epoch():
    crop = RandomScaleCrop(32, 32, 2.0, 2.0, relative_to="photograph")
    with pytest.raises(DataError, match="No object is left by the transforms of training"):
        trained(crop, epochs=2)


def test_each_epoch_keeps_its_counts_over_resumes(tmp_path):
    crop = RandomScaleCrop(64, 64, 0.75, 1.5)
    whole = trained(crop, epochs=2, checkpoint=tmp_path / "whole")
    trained(crop, epochs=2, checkpoint=tmp_path / "parts", callbacks=[Stop(3)])
    parts = trained(crop, epochs=2, checkpoint=tmp_path / "parts", resume="auto")
    for own, other in zip(whole.epochs, parts.epochs):
        assert own["objects"] == other["objects"]
        assert own["objects"]["left"] > 0.5 * own["objects"]["annotated"] > 0
        assert own["objects"]["positives/detection"] > 0


class Stop(df.Callback):
    """Ends a training after some updates."""

    def __init__(self, updates):
        self.updates = updates

    def update_ended(self, state, control):
        if state.update == self.updates:
            control.stop("enough")
