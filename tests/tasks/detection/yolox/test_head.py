"""The YOLOX head beside its reference: settings, labels, partial labels, no labels."""

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.errors import ConfigError, DataError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.detection import YOLOX
from tests.executor import compute

SIZE = (64, 96)
CELLS = 8 * 12 + 4 * 6 + 2 * 3


def sample(boxes, classes, **more):
    targets = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "classes": np.array(classes, np.int64),
        **more,
    }
    return Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def losses(made, encoded, scores=(0.0,)):
    """Loss terms of one sample with equal class logits, objectness of 0 and boxes of the input."""
    variables = {name: sym.Variable(name) for name in encoded}
    terms = made.losses(*map(sym.Variable, ("scores", "boxes", "objectness")), variables, SIZE)
    arrays = {name: array[None] for name, array in encoded.items()}
    arrays["scores"] = np.zeros((1, CELLS, len(made.classes))) + scores
    arrays["boxes"] = np.zeros((1, CELLS, 4)) + (0, 0, 96, 64)
    arrays["objectness"] = np.zeros((1, CELLS))
    values = compute(sym.Group(list(terms.values())), arrays)
    return {name: float(value[0]) for name, value in zip(terms, values)}


def test_made_by_name():
    made = head("yolox", classes=["a", "b"])
    assert isinstance(made, YOLOX)
    assert (made.name, made.output_stride) == ("yolox", 32)
    layers = [f"yolox_level{stride}_class" for stride in (8, 16, 32)]
    assert made.class_rows() == {f"{n}_{k}": ["a", "b"] for n in layers for k in ("weight", "bias")}


def test_boxes_are_padded_rows():
    encoded = YOLOX(2, max_boxes=3).encode(sample([[1, 2, 9, 12], [5, 5, 5, 9]], [1, 0]))
    assert encoded["objects"].tolist() == [[1, 1, 2, 9, 12], [-1, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]
    assert encoded["background"].tolist() == [1] * CELLS
    assert YOLOX(2).positives(encoded) == 1


def test_of_too_many_boxes_the_smallest_are_ignored():
    made = YOLOX(2, max_boxes=2)
    boxes = [[0, 0, 30, 30], [36, 16, 60, 32], [50, 0, 90, 60]]
    encoded = made.encode(sample(boxes, [1, 0, 0]))
    assert encoded["objects"][:, 0].tolist() == [1, 0]
    assert encoded["objects"][:, 1:].tolist() == [boxes[0], boxes[2]]
    assert (encoded["background"] == 0).sum() == 4 + 2  # cells of strides 8 and 16


def test_difficult_boxes_and_crowds_are_no_background():
    box = [[36, 16, 60, 32]]
    difficult, crowd = sample(box, [1], difficult=np.ones(1, bool)), sample(box, [1])
    crowd.targets["crowd"] = np.ones(1, bool)
    assert YOLOX(2).encode(difficult)["objects"][0, 0] == 1
    for made, given in ((YOLOX(2, train_difficult=False), difficult), (YOLOX(2), crowd)):
        encoded = made.encode(given)
        assert (encoded["objects"][:, 0] == -1).all()
        assert (encoded["background"] == 0).sum() == 6
        # Binary cross-entropy of 0.5 is ln 2.
        value = losses(made, encoded)
        assert value["objectness_loss"] == pytest.approx((CELLS - 6) * np.log(2), rel=1e-4)
        assert value["class_loss"] == value["box_loss"] == 0


def test_classes_that_are_not_annotated():
    made, given = YOLOX(2), sample([], [])
    given.targets["known_classes"] = np.array([True, False])
    encoded = made.encode(given)
    annotated, other = (losses(made, encoded, scores) for scores in ((1.0, 0.0), (0.0, 1.0)))
    assert annotated["objectness_loss"] == pytest.approx(CELLS * np.log(2), rel=1e-4)
    assert other["objectness_loss"] == 0
    given = sample([[8, 8, 40, 40]], [0])
    whole = losses(made, made.encode(given))["class_loss"]
    given.targets["known_classes"] = np.array([True, False])
    assert losses(made, made.encode(given))["class_loss"] == pytest.approx(whole / 2, rel=1e-4)


def test_a_sample_without_boxes_trains_nothing():
    encoded = YOLOX(2).encode(Sample("a", np.zeros((*SIZE, 3), np.uint8), {}))
    assert set(losses(YOLOX(2), encoded).values()) == {0.0}


def test_box_weight_scales_the_box_loss_alone():
    encoded = YOLOX(2).encode(sample([[8, 8, 40, 40]], [0]))
    once, thrice = (losses(YOLOX(2, box_weight=w), encoded) for w in (1.0, 3.0))
    assert thrice.pop("box_loss") == pytest.approx(3 * once.pop("box_loss"), rel=1e-5)
    assert thrice == once


def test_an_unknown_class_names_the_sample():
    with pytest.raises(DataError, match="sample 'a'"):
        YOLOX(2).encode(sample([[1, 1, 9, 9]], [2]))


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": []},
        {"strides": (8, 32)},
        {"strides": (16, 32, 64)},
        {"center_radius": 0},
        {"max_detections": 2000},
        {"metric": "map"},
        {"box_weight": -1},
        {"max_boxes": 0},
        {"depth": 0},
        {"channels": 0},
    ],
)
def test_contradicting_settings_are_errors(settings):
    with pytest.raises(ConfigError, match="head 'yolox'"):
        YOLOX(**{"classes": 2, **settings})


def test_a_backbone_without_the_levels_is_an_error():
    maps = {stride: sym.Variable(f"map{stride}") for stride in (4, 8)}
    with pytest.raises(ConfigError, match=r"(?s)lacks feature maps.*4, 8.*head 'yolox'"):
        YOLOX(2).evaluate(Features(maps, dict.fromkeys(maps, 4), SIZE))
