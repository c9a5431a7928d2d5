"""Settings and labels of the Faster R-CNN head."""

import numpy as np
import pytest

import densefit as df
from densefit.data.sample import Sample
from densefit.errors import ConfigError, DataError
from densefit.symbol import sym
from densefit.tasks.detection.faster_rcnn.truth import CROWD, IGNORED, NO_BOX
from tests.tasks.detection.faster_rcnn.conftest import SIZE, Behind, encoded, feature_maps, samples

SMALL = {"strides": (8, 16), "sizes": (3.0,), "channels": 8, "hidden": 16}


def made(**settings):
    return df.head("faster_rcnn", **{"classes": 3, "name": "own", **SMALL, **settings})


def sample(boxes, classes, image=0, **more):
    targets = {"boxes": np.array(boxes, np.float32).reshape(-1, 4), "classes": np.array(classes)}
    picture = np.full((*SIZE, 3), image, np.uint8)
    return Sample("a", picture, {**targets, **more})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": 0}, "needs classes"),
        ({"classes": ["a", "a"]}, "named twice"),
        ({"strides": (8, 32)}, "strides.*twice the previous"),
        ({"sizes": ((3.0,), (3.0, 4.0))}, "as many anchors as the others"),
        ({"ratios": (0,)}, "need an area"),
        ({"sizes_relative_to": "cell"}, "'stride' or 'input'"),
        ({"anchor_iou_negative": 0.8}, "contradict"),
        ({"iou_positive": 0}, "0 < iou_positive"),
        ({"sampled": 0}, "Counts are positive"),
        ({"max_detections": 500}, "max_detections <= candidates"),
        ({"positive_fraction": 0}, "0 < positive_fraction"),
        ({"metric": "f1"}, "Unknown metric"),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises(ConfigError, match=f"(?s){message}.*head 'own'"):
        made(**settings)


def test_sizes_relative_to_the_input():
    head = made(sizes=((0.25,), (0.5,)), sizes_relative_to="input", ratios=(1.0,))
    assert head.shapes((96, 128)) == (((24, 24),), ((48, 48),))


def test_labels_of_boxes():
    boxes = [[10, 8, 50, 60], [60, 40, 61, 40], [30, 20, 120, 90], [0, 0, 40, 40]]
    marks = {"difficult": np.array([0, 0, 1, 1], bool), "crowd": np.array([0, 0, 0, 1], bool)}
    head = made(max_boxes=4, train_difficult=False)
    labels = head.encode(sample(boxes, [2, 1, 0, 1], **marks))
    assert labels["truth"][:, 4].tolist() == [2, IGNORED, CROWD, NO_BOX]
    np.testing.assert_array_equal(labels["truth"][:2, :4], np.array(boxes)[[0, 2]])
    assert labels["known"].tolist() == [1, 1, 1, 1]
    assert head.positives(labels) == (labels["objectness"] == 1).sum() > 0
    assert len(set(labels["priority"])) == len(labels["priority"])
    assert 0 < labels["priority"].min() < labels["priority"].max() < 1
    assert (labels["offset"][labels["objectness"] < 1] == 0).all()


def test_choices_depend_on_the_picture_alone():
    boxes = [[10, 8, 50, 60]]
    head = made(sampled_anchors=8)
    first, again, other = (head.encode(sample(boxes, [0], image)) for image in (0, 0, 1))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert (first["anchor"] != other["anchor"]).any()
    assert (first["priority"] != other["priority"]).any()


def test_too_many_boxes_are_refused():
    boxes = [[10, 8, 50, 60]] * 3
    with pytest.raises(DataError, match="(?s)more boxes.*at most 2.*3.*'a'.*max_boxes=3"):
        made(max_boxes=2).encode(sample(boxes, [0, 0, 0]))


def test_an_image_without_boxes_trains_background_and_no_offsets():
    head = made(proposals=20, max_boxes=3)
    labels = head.encode(sample([], []))
    assert set(labels["objectness"]) == {0}
    assert (labels["truth"][:, 4] == NO_BOX).all()


def test_unannotated_classes_get_no_gradient():
    """From background boxes; the scores of annotated ones do."""
    head = made(strides=(8, 16, 32, 64), proposals=20, max_boxes=6, classes=("a", "b", "c"))
    behind = Behind(head)
    (whole, *_) = samples()
    whole.targets.update(
        boxes=np.zeros((0, 4), np.float32),
        classes=np.zeros(0, np.int64),
        known_classes=np.array([True, False, True]),
    )
    terms = {"class_loss": behind.train()["class_loss"]}
    rng = np.random.default_rng(0)
    maps = feature_maps(1)
    symbol = sym.Group(list(terms.values()))
    shapes = {f"level{index}": data.shape for index, data in enumerate(maps)}
    labels = encoded(head, [whole])
    shapes.update({name: array.shape for name, array in labels.items()})
    names = symbol.list_arguments()
    sizes, _, _ = symbol.infer_shape(**{key: shapes[key] for key in shapes if key in names})
    parameters = {
        name: rng.normal(0, 0.1, size).astype(np.float32)
        for name, size in zip(names, sizes)
        if name.startswith("own_")
    }
    executor = behind.bind(terms, parameters, maps, labels)
    assert executor.forward(is_train=True)[0][0] > 0
    executor.backward()
    gradient = executor.grad_dict["own_class_bias"]
    assert gradient[2] == 0
    assert (np.abs(gradient[[0, 1, 3]]) > 0).all()


def test_rows_of_classes():
    rows = made(classes=["cat", "dog"]).class_rows()
    assert rows["own_class_bias"] == [None, "cat", "dog"]
    assert len(rows["own_box_weight"]) == 12
    assert rows["own_box_weight"][4] != rows["own_box_weight"][8]
    assert made().class_rows() == {}
