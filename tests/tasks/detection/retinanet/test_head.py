"""The RetinaNet head beside the comparison with torchvision: settings, and partial labels."""

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.errors import ConfigError
from densefit.model.heads.head import Features, head
from densefit.symbol import sym
from densefit.tasks.detection import RetinaNet
from tests.executor import compute

SIZE = (64, 96)


def sample(boxes, classes, **more):
    targets = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "classes": np.array(classes, np.int64),
        **more,
    }
    return Sample("a", np.zeros((*SIZE, 3), np.uint8), targets)


def losses(made, encoded, logits=0.0):
    """Loss terms of one sample with equal logits and offsets of 0."""
    variables = {name: sym.Variable(name) for name in encoded}
    terms = made.losses(sym.Variable("logits"), sym.Variable("offsets"), variables, SIZE)
    anchors = len(encoded["class"])
    arrays = {name: array[None] for name, array in encoded.items()}
    arrays["logits"] = np.full((1, anchors, len(made.classes)), logits)
    arrays["offsets"] = np.zeros((1, anchors, 4))
    values = compute(sym.Group(list(terms.values())), arrays)
    return {name: float(value[0]) for name, value in zip(terms, values)}


def test_made_by_name():
    made = head("retinanet", classes=["a", "b"])
    assert isinstance(made, RetinaNet)
    assert (made.name, made.output_stride) == ("retinanet", 32)
    assert made.class_rows()["retinanet_class_bias"][:3] == [(9, 0, "a"), (9, 0, "b"), (9, 1, "a")]
    assert RetinaNet(2).class_rows() == {}


def test_classes_that_are_not_annotated_and_ignored_anchors_cost_nothing():
    """With logits of 0 each anchor and class costs ln 2 / 4 times alpha or 1 - alpha."""
    made = RetinaNet(3)
    background, positive = 0.75 * np.log(2) / 4, 0.25 * np.log(2) / 4
    empty = sample([], [])
    anchors = len(made.anchors(SIZE))
    value = losses(made, made.encode(empty))["class_loss"]
    assert value == pytest.approx(3 * anchors * background, rel=1e-4)
    empty.targets["known_classes"] = np.array([True, False, False])
    value = losses(made, made.encode(empty))["class_loss"]
    assert value == pytest.approx(anchors * background, rel=1e-4)

    encoded = made.encode(sample([[10, 10, 50, 50]], [1]))
    count = made.positives(encoded)
    ignored = (encoded["class"] == -1).sum()
    assert count > 0
    assert ignored > 0
    expected = (3 * (anchors - ignored) - count) * background + count * positive
    value = losses(made, encoded)["class_loss"]
    assert value == pytest.approx(expected / count, rel=1e-4)


def test_difficult_boxes_and_crowds_are_ignored():
    box = [[10, 10, 50, 50]]
    learned = RetinaNet(2).encode(sample(box, [1]))["class"]
    difficult = sample(box, [1], difficult=np.array([True]))
    ignored = RetinaNet(2, train_difficult=False).encode(difficult)["class"]
    crowd = RetinaNet(2).encode(sample(box, [1], crowd=np.array([True])))["class"]
    assert set(learned) == {-1, 0, 2}
    for labels in (ignored, crowd):
        assert set(labels) == {-1, 0}
    assert (ignored[learned == 2] == -1).sum() > 0


def test_box_weight_scales_the_box_loss_alone():
    encoded = RetinaNet(2).encode(sample([[10, 10, 50, 50]], [1]))
    once, thrice = (losses(RetinaNet(2, box_weight=w), encoded) for w in (1.0, 3.0))
    assert thrice["box_loss"] == pytest.approx(3 * once["box_loss"], rel=1e-5)
    assert thrice["class_loss"] == once["class_loss"]


def test_all_levels_share_their_parameters():
    made = RetinaNet(["a"], channels=4, depth=2)
    maps = {stride: sym.Variable(f"map{stride}") for stride in (8, 16, 32)}
    boxes = made.evaluate(Features(maps, dict.fromkeys(maps, 4), SIZE))["boxes"]
    names = boxes.list_arguments()
    assert len(names) == len(set(names))
    weights = {name for name in names if name.endswith("_weight") and "level" not in name}
    kinds = [f"retinanet_{kind}" for kind in ("class", "box")]
    assert weights == {f"{k}{part}_weight" for k in kinds for part in ("", "_tower0", "_tower1")}


@pytest.mark.parametrize(
    "settings",
    [
        {"classes": []},
        {"classes": ["a", "a"]},
        {"strides": (8, 32)},
        {"sizes": [[4.0], [4.0]]},
        {"sizes": [[4.0], [4.0, 5.0]], "strides": (8, 16)},
        {"sizes": [0.01]},
        {"ratios": []},
        {"iou_negative": 0.7},
        {"max_detections": 2000},
        {"metric": "map"},
        {"box_loss": "iou"},
        {"box_weight": -1},
        {"normalization": "batch"},
        {"extra_levels": "p5"},
        {"gamma": 0.5},
        {"alpha": 2},
        {"prior": 0},
        {"depth": -1},
        {"channels": 0},
    ],
)
def test_contradicting_settings_are_errors(settings):
    with pytest.raises(ConfigError, match="head 'retinanet'|Anchor sizes"):
        RetinaNet(**{"classes": 2, **settings})


def test_too_large_an_input_is_an_error():
    made = RetinaNet(400)
    maps = {stride: sym.Variable(f"map{stride}") for stride in (8, 16, 32)}
    with pytest.raises(ConfigError, match="pairs of anchor and class in a level"):
        made.evaluate(Features(maps, dict.fromkeys(maps, 4), (800, 1344)))
