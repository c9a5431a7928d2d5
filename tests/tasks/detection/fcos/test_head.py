"""The FCOS head beside the comparison with torchvision: settings, partial labels, no labels."""

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import head
from densefit.symbol import sym
from densefit.tasks.detection import FCOS
from tests.executor import compute

SIZE = (64, 96)


def sample(boxes, classes, **more):
    targets = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "classes": np.array(classes, np.int64),
        **more,
    }
    return Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def losses(made, encoded, distances=1.0):
    """Loss terms of one sample with logits of 0 and equal distances."""
    variables = {name: sym.Variable(name) for name in encoded}
    names = ("logits", "distances", "center")
    terms = made.losses(*map(sym.Variable, names), variables)
    points = len(encoded["class"])
    arrays = {name: array[None] for name, array in encoded.items()}
    arrays["logits"] = np.zeros((1, points, len(made.classes)))
    arrays["distances"] = np.full((1, points, 4), distances)
    arrays["center"] = np.zeros((1, points, 1))
    values = compute(sym.Group(list(terms.values())), arrays)
    return {name: float(value[0]) for name, value in zip(terms, values)}


def test_made_by_name():
    made = head("fcos", classes=["a", "b"])
    assert isinstance(made, FCOS)
    assert (made.name, made.output_stride) == ("fcos", 32)
    assert made.class_rows() == {f"fcos_class_{k}": ["a", "b"] for k in ("weight", "bias")}


def test_perfect_distances_and_a_point_in_the_centre():
    made = FCOS(1)
    encoded = made.encode(sample([[16, 16, 48, 48]], [0]))
    center = encoded["box"].min(axis=1) == 2
    assert encoded["box"][center].tolist() == [[2, 2, 2, 2]]
    assert encoded["centerness"][center].tolist() == [1]
    assert made.positives(encoded) == 9
    value = losses(made, encoded, encoded["box"])
    assert value["box_loss"] == pytest.approx(0, abs=1e-5)
    # Binary cross-entropy of 0.5 is ln 2 for every target.
    assert value["centerness_loss"] == pytest.approx(np.log(2), rel=1e-5)
    thrice = losses(FCOS(1, box_weight=3.0), encoded)["box_loss"]
    assert thrice == pytest.approx(3 * losses(made, encoded)["box_loss"], rel=1e-5)


def test_classes_that_are_not_annotated_cost_nothing():
    made, empty = FCOS(3), sample([], [])
    points, background = len(made.points(SIZE).centers), 0.75 * np.log(2) / 4
    value = losses(made, made.encode(empty))
    assert value["class_loss"] == pytest.approx(3 * points * background, rel=1e-4)
    assert value["box_loss"] == value["centerness_loss"] == 0
    empty.targets["known_classes"] = np.array([True, False, False])
    value = losses(made, made.encode(empty))
    assert value["class_loss"] == pytest.approx(points * background, rel=1e-4)


def test_a_sample_without_boxes_trains_nothing():
    encoded = FCOS(2).encode(Sample("a", np.zeros((*SIZE, 3), np.uint8), {}))
    assert (encoded["class"] == -1).all()
    assert set(losses(FCOS(2), encoded).values()) == {0.0}


def test_difficult_boxes_are_learned_or_ignored():
    given = sample([[10, 10, 40, 40]], [1], difficult=np.array([True]))
    assert set(FCOS(2).encode(given)["class"]) == {0, 2}
    assert set(FCOS(2, train_difficult=False).encode(given)["class"]) == {0, -1}


def test_an_unknown_class_names_the_sample():
    with pytest.raises(DataError, match="sample 'a'"):
        FCOS(2).encode(sample([[1, 1, 9, 9]], [2]))


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": []},
        {"strides": (8, 32)},
        {"center_radius": 0},
        {"max_detections": 2000},
        {"metric": "map"},
        {"box_loss": "l1"},
        {"box_weight": -1},
        {"gamma": 0.5},
        {"prior": 1},
        {"channels": 0},
    ],
)
def test_contradicting_settings_are_errors(settings):
    with pytest.raises(ConfigError, match="head 'fcos'"):
        FCOS(**{"classes": 2, **settings})
