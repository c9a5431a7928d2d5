"""A Faster R-CNN head behind given feature maps, and torchvision's with the same parameters."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.model.heads.head import Features
from densefit.symbol import sym
from tests.executor import Executor

SIZE = (96, 128)
CHANNELS = 8
STRIDES = (8, 16, 32, 64)
POOLED = 3
#: Nothing is left to chance: more anchors and boxes may be sampled than there are.
SETTINGS = {
    "classes": 3,
    "name": "own",
    "strides": STRIDES,
    "sizes": (3.0,),
    "channels": CHANNELS,
    "hidden": 16,
    "proposals": 30,
    "proposal_candidates": 60,
    "sampled_anchors": 2000,
    "sampled": 200,
    "max_boxes": 6,
    "canonical_size": 64.0,
    "max_detections": 20,
    "candidates": 200,
    "score_threshold": 0.05,
}
BOXES = [
    np.array([[10, 8, 50, 60], [30, 20, 120, 90], [70, 10, 90, 34]], np.float32),
    np.array([[64, 40, 110, 88]], np.float32),
    np.zeros((0, 4), np.float32),
]
CLASSES = [np.array([2, 0, 1]), np.array([1]), np.zeros(0, np.int64)]


def samples(**more):
    """Samples with several boxes, one and none."""
    rng = np.random.default_rng(5)
    return [
        Sample(
            str(index),
            rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            {"boxes": boxes, "classes": classes, **{key: more[key][index] for key in more}},
        )
        for index, (boxes, classes) in enumerate(zip(BOXES, CLASSES))
    ]


def encoded(head, own):
    """Label -> array of a batch."""
    rows = [head.encode(sample) for sample in own]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def feature_maps(count=3):
    """(count, CHANNELS, h, w) of each level."""
    rng = np.random.default_rng(3)
    sizes = [(-(-SIZE[0] // stride), -(-SIZE[1] // stride)) for stride in STRIDES]
    return [rng.normal(0, 1, (count, CHANNELS, *size)).astype(np.float32) for size in sizes]


class Behind:
    """The graphs of a head whose levels are inputs `level0`, `level1`...

    Args:
        head: the head.
    """

    def __init__(self, head):
        self.head = head
        self.levels = [sym.Variable(f"level{index}") for index in range(len(STRIDES))]
        head.levels = lambda features: self.levels
        maps = dict(zip(STRIDES[:POOLED], self.levels))
        self.features = Features(maps, dict.fromkeys(maps, CHANNELS), SIZE)

    def bind(self, outputs, parameters, maps, labels=None):
        """Executor of Symbols by name."""
        group = sym.Group([sym.identity(value) for value in outputs.values()])
        values = {f"level{index}": data for index, data in enumerate(maps)}
        values.update(parameters)
        values.update(labels or {})
        values = {key: value for key, value in values.items() if key in group.list_arguments()}
        executor = Executor(group, **{key: value.shape for key, value in values.items()})
        for key, value in values.items():
            executor.arg_dict[key][:] = value
        return executor

    def train(self):
        """Loss terms."""
        labels = {label.name: sym.Variable(label.name) for label in self.head.labels(SIZE)}
        return self.head.train(self.features, labels)


@pytest.fixture
def head():
    return df.head("faster_rcnn", **SETTINGS)


@pytest.fixture
def behind(head):
    return Behind(head)


@pytest.fixture
def reference(head):
    from tests.references.torchvision_rcnn import RCNN

    return RCNN(head, SIZE, POOLED).randomize()
