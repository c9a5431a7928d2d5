"""Settings and labels of the Mask R-CNN head, and what void pixels train."""

import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.instance_map import NONE, UNKNOWN
from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.symbol import sym
from densefit.tasks.instance.mask_rcnn.masks import mask_loss, mask_targets
from tests.executor import Executor, compute

SIZE = (64, 96)
SMALL = {"strides": (8, 16), "sizes": (3.0,), "channels": 8, "hidden": 16, "max_boxes": 4}


def made(**settings):
    return df.head("mask_rcnn", **{"classes": 3, "name": "own", "detection": SMALL, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"mask_channels": 0},
        {"metric": "coco"},
        {"detection": {"metric": "voc"}},
        {"detection": {"prototypes": 3}},
        {"mask_weight": -1.0},
    ],
)
def test_settings_that_are_not_usable(settings):
    with pytest.raises(ConfigError, match=r"(?s)own|prototypes"):
        made(**settings)


def sample(**more):
    instances = np.zeros(SIZE, np.int64)
    instances[10:30, 10:40] = 7
    targets = {
        "boxes": np.array([[10, 10, 40, 30], [50, 20, 80, 60]], np.float32),
        "classes": np.array([2, 1]),
        "instances": instances,
        "instance_ids": np.array([7, 9]),  # the second is hidden
        **more,
    }
    targets = {name: value for name, value in targets.items() if value is not None}
    return Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def test_labels():
    head = made()
    labels = head.encode(sample())
    declared = {label.name: label.shape for label in head.labels(SIZE)}
    assert {name: array.shape for name, array in labels.items()} == declared
    assert labels["truth"][:2, 4].tolist() == [2, 1]
    assert labels["truth"][:2, 5].tolist() == [7, NONE]
    assert labels["instances"][15, 15] == 7
    assert head.positives(labels) > 0


@pytest.mark.parametrize("lacking", ["instances", "instance_ids"])
def test_a_sample_without_instances_trains_boxes_alone(lacking):
    head = made()
    lacks, whole = head.encode(sample(**{lacking: None})), head.encode(sample())
    assert (lacks["truth"][:, 5] == NONE).all()
    np.testing.assert_array_equal(lacks["truth"][:, :5], whole["truth"][:, :5])
    assert not lacks["instances"].any()
    assert head.terms["box_loss"].targets == ("boxes", "classes")
    assert head.terms["mask_loss"].targets == head.targets


def test_targets_are_shares_and_void_is_not_known():
    instances = np.zeros((1, *SIZE), np.float32)
    instances[0, :, :24] = 7
    instances[0, :, 50:] = UNKNOWN
    values = {
        "instances": instances,
        "boxes": np.array([[[10, 10, 38, 38], [10, 10, 66, 38]]]),
        "owner": np.array([[7, 7]]),
    }
    parts = mask_targets(*map(sym.Variable, values), SIZE, "here")
    target, known = compute(sym.Group(list(parts)), values)
    assert target.shape == known.shape == (2, 28, 28)
    # A sample lies between the pixels at its sides, as in torchvision: pixel 24 begins at 23.
    np.testing.assert_allclose(target[0, 5, [0, 12, 13, 14]], [1, 1, 0.5, 0])
    assert known[0].all()
    assert known[1, :, :19].all()
    assert not known[1, :, 20:].any()


def test_the_loss_is_the_mean_over_known_cells_and_learned_masks():
    rng = np.random.default_rng(0)
    values = {
        "logits": rng.normal(0, 1, (4, 3, 3)),
        "target": rng.uniform(0, 1, (4, 3, 3)),
        "known": rng.integers(0, 2, (4, 3, 3)),
        "learned": np.array([[1, 0], [0, 0]]),
    }
    executor = Executor(
        mask_loss(*map(sym.Variable, values)), **{k: v.shape for k, v in values.items()}
    )
    (loss,) = executor.forward(is_train=True, **values)
    logits, target, known = (values[name][0] for name in ("logits", "target", "known"))
    entropy = np.log1p(np.exp(logits)) - logits * target
    assert loss == pytest.approx([(entropy * known).sum() / known.sum(), 0], rel=1e-5)
    executor.backward()
    assert not executor.grad_dict["logits"][1:].any()


def test_rows_of_classes():
    rows = made(classes=["cat", "dog"]).class_rows()
    assert rows["own_mask_weight"] == [None, "cat", "dog"]
    assert rows["own_class_bias"] == [None, "cat", "dog"]
