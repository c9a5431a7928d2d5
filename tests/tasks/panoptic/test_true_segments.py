"""The true segments of an image."""

import numpy as np

from densefit.data.geometry.instance_map import UNKNOWN
from densefit.datasets import Shapes
from densefit.tasks.panoptic.segments import true_segments

THINGS = [1, 3]


def described(truth):
    """(class, crowd, pixels) of each segment."""
    assert set(np.unique(truth["map"])) - {0} == set(truth["ids"])
    return sorted(
        (int(kind), bool(crowd), int((truth["map"] == one).sum()))
        for one, kind, crowd in zip(truth["ids"], truth["classes"], truth["crowd"])
    )


def test_instances_stuff_crowds_and_void():
    mask = np.zeros((10, 20), np.uint8)
    mask[:, 15:] = 2  # stuff, as 0 is
    instances = np.zeros((10, 20), np.uint16)
    instances[0:3, 0:3], instances[4:6, 0:5], instances[0:2, 10:14] = 300, 7, 9
    instances[8:, 0:2] = 55  # a box of it was dropped
    instances[3, 0:3] = UNKNOWN
    mask[instances > 0] = 1
    mask[8:, 4:8] = 3  # a thing without an instance
    mask[0, 19] = 255
    targets = {
        "instances": instances,
        "instance_ids": np.array([7, 300, 0, 9, 88]),  # one not known, one without pixels
        "classes": np.array([1, 0, 0, 0, 1]),
        "crowd": np.array([False, False, False, True, False]),
    }
    truth = true_segments(mask, targets, THINGS)
    void = 4 + 3 + 8 + 1
    ground = 200 - 50 - 9 - 10 - 8 - void + 1
    assert described(truth) == [
        (0, False, ground),
        (1, False, 9),
        (1, True, 8),
        (2, False, 49),
        (3, False, 10),
    ]
    assert (truth["map"] == 0).sum() == void


def test_every_shape_is_a_segment():
    data = Shapes(10, size=(64, 64))
    things = [data.mask_classes.index(name) for name in data.classes]
    for sample in (data[i] for i in range(10)):
        targets = sample.targets
        truth = true_segments(targets["mask"], targets, things)
        kinds = np.append(0, targets["classes"] + 1)
        assert sorted(truth["classes"]) == sorted(kinds)
        for one, kind in zip(truth["ids"], truth["classes"]):
            assert (targets["mask"][truth["map"] == one] == kind).all()
