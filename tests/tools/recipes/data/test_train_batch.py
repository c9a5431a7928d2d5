"""train_batch.png: what training is shown."""

import logging

import cv2
import numpy as np

import densefit as df
from densefit.callbacks import Control, TrainState
from densefit.data.transforms import Compose, RandomFlip, RandomScaleCrop
from densefit.datasets import Shapes
from densefit.tools.recipes.data.train_batch import TrainBatch, drawn_samples

HEADS = [df.head("detection", classes=Shapes(1).classes, strides=(8, 16))]


def loader(heads=HEADS, **settings):
    transform = Compose([RandomScaleCrop(64, 64), RandomFlip()])
    data = Shapes(12, size=(48, 60), empty=0.0)
    return df.Loader(data, batch_size=4, transform=transform, heads=heads, shuffle=True, **settings)


def test_the_samples_are_those_of_the_first_batches():
    with loader() as data:
        seen = [row for batch in data for row in batch.data["data"]]
        data.set_epoch(0)
        first = data.first_samples(6)
        assert len(first) == 6
        for sample, row in zip(first, seen):
            assert np.array_equal(sample.image.transpose(2, 0, 1), row)
        assert len({sample.id for sample in data.first_samples(100)}) == 12


def test_boxes_and_masks_are_drawn_where_the_network_sees_them():
    with loader() as data:
        sample = next(s for s in data.first_samples(12) if len(s.targets["boxes"]))
    bare = drawn_samples([sample], [])
    seen = drawn_samples([sample], HEADS)
    assert bare.shape == seen.shape
    assert (bare != seen).any()
    factor = 320 // 64
    large = sample.image.repeat(factor, 0).repeat(factor, 1)
    truth = {**HEADS[0].ground_truth(sample.targets)}
    truth["boxes"] = truth["boxes"] * factor
    expected = HEADS[0].draw_truth(large, truth)
    assert np.array_equal(seen[8 : 8 + expected.shape[0], 8 : 8 + expected.shape[1]], expected)


def test_the_picture_lies_there_at_the_end_of_a_training(tmp_path):
    heads = [*HEADS, df.head("segmentation", classes=4), df.head("depth")]
    path = tmp_path / "run" / "train_batch.png"
    with loader(HEADS) as data:
        data.heads = tuple(heads)  # of depth nothing is known
        callback = TrainBatch(path, data)
        callback.fit_started(TrainState(None), Control())
        callback.fit_ended(TrainState(None), None)
    picture = cv2.imread(str(path))
    assert picture.shape[1] > 3 * 192  # three heads side by side


def test_a_picture_that_cannot_be_drawn_ends_no_training(tmp_path, caplog, monkeypatch):
    with loader() as data:
        monkeypatch.setattr(data, "first_samples", lambda count: 1 / 0)
        callback = TrainBatch(tmp_path / "train_batch.png", data)
        with caplog.at_level(logging.WARNING):
            callback.fit_started(TrainState(None), Control())
            callback.fit_ended(TrainState(None), None)
    assert "train_batch.png is not drawn: ZeroDivisionError" in caplog.text
