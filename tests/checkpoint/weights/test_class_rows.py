"""Rows of heads are brought from other networks by the names of their classes."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.weights.class_rows import rows_of
from densefit.datasets import Shapes
from densefit.errors import BindError
from densefit.model.backbones import backbones
from densefit.model.heads.head import class_names
from densefit.model.parameters import shapes

CLASSES, POINTS = ["circle", "square", "triangle"], ["left_eye", "right_eye", "mouth"]
OTHER, MOVED = ["triangle", "circle", "square"], ["mouth", "right_eye", "left_eye"]
ANCHORS = {"strides": (8, 16), "channels": 8}
MASKS = {"decoder": "fcn", "channels": 8}


def heads(classes, points):
    ground = [*classes[:1], "background", *classes[1:]]
    instance = {"prototypes": 4, "channels": 8, "detection": ANCHORS}
    own = {
        "detection": {"classes": classes, **ANCHORS},
        "segmentation": {"classes": ground, **MASKS},
        "deep": {"task": "segmentation", "classes": ground, "channels": 8},
        "classification": {"classes": classes},
        "multilabel": {"classes": classes},
        "panoptic": {
            "classes": ground,
            "things": classes,
            "segmentation": MASKS,
            "instance": instance,
        },
        "keypoints": {"classes": classes, "keypoints": points, "channels": 8},
    }
    return [df.head(given.pop("task", name), name=name, **given) for name, given in own.items()]


def network(tiny, *given):
    backbones.register("tiny for rows")(tiny.Backbone)
    return df.Network("tiny for rows", heads(*given))


def filled(made, seed=0):
    rng = np.random.default_rng(seed)
    sizes = shapes(made)
    auxiliary = set(made.peek("train", (64, 64)).list_auxiliary_states())
    values = {name: rng.normal(0.1, 0.3, size).astype(np.float32) for name, size in sizes.items()}
    values.update({n: np.abs(v) + 0.1 for n, v in values.items() if n.endswith("_var")})
    made.set_params(
        {name: value for name, value in values.items() if name not in auxiliary},
        {name: value for name, value in values.items() if name in auxiliary},
    )
    return made


def array(made, name):
    return {**made.parameters, **made.statistics}[name]


def test_the_rows_are_those_of_the_layers_that_name_classes(tiny):
    made = network(tiny, CLASSES, POINTS)
    sizes = shapes(made)
    rows = {name: own for name, own in rows_of(made.heads).items() if name in sizes}
    for name, own in rows.items():
        assert len(own) == sizes[name][0] == len(set(own)), name
    for head, layers in (
        ("detection", 2), ("segmentation", 4), ("deep", 1), ("classification", 1),
        ("multilabel", 1), ("panoptic", 6), ("keypoints", 4),
    ):  # fmt: skip
        assert sum(name.startswith(f"{head}_") for name in rows) == 2 * layers


def test_every_head_says_the_same_under_other_numbers(tiny):
    source = filled(network(tiny, CLASSES, POINTS))
    made = network(tiny, OTHER, MOVED)
    report = df.surgery.transfer(source, made)
    assert report.loaded
    assert (report.mismatched, report.new) == ({}, [])
    data = Shapes(3, size=(64, 64), empty=0.0, keypoints=True)
    loaders = [df.Loader(data, batch_size=3) for _ in range(2)]
    (one, two) = (list(df.predict(own, loader)) for own, loader in zip((source, made), loaders))
    for (_, before), (_, now) in zip(one, two):
        for task in ("classification", "multilabel"):
            order = [CLASSES.index(name) for name in OTHER]
            np.testing.assert_allclose(now[task], before[task][order], rtol=1e-5)
        names = source.heads[1].classes, made.heads[1].classes
        for task in ("segmentation", "deep"):
            seen = [np.array(own)[mask] for own, mask in zip(names, (before[task], now[task]))]
            assert (seen[0] == seen[1]).mean() > 0.99
        for task in ("detection", "keypoints"):
            kinds = [
                {(own[k], round(float(x), 3)) for k, x in zip(found["classes"], found["scores"])}
                for own, found in ((CLASSES, before[task]), (OTHER, now[task]))
            ]
            assert len(kinds[0] & kinds[1]) > 0.9 * len(kinds[0]) > 0
    # The mouth is the last of three in the source, and the first here: dx and dy side by side, or
    # all dx before all dy.
    moved = {"joint": ([0], [2]), "place": ([0, 1], [4, 5]), "rest": ([0, 3], [2, 5])}
    for layer, (here, there) in moved.items():
        name = f"keypoints_{layer}_weight"
        np.testing.assert_array_equal(array(made, name)[here], array(source, name)[there])


def test_some_of_the_classes_are_brought(tiny):
    source = filled(df.Network(tiny.Backbone(), [df.head("classification", classes=CLASSES)]))
    made = df.Network(tiny.Backbone(), [df.head("classification", classes=["triangle", "circle"])])
    df.surgery.transfer(source, made)
    for part in ("weight", "bias"):
        name = f"classification_class_{part}"
        np.testing.assert_array_equal(array(made, name), array(source, name)[[2, 0]])


@pytest.mark.parametrize("classes", [["circle", "square", "star"], ["circle", "star"]])
def test_a_layer_of_another_class_is_no_place_for_weights(tiny, classes):
    source = filled(df.Network(tiny.Backbone(), [df.head("classification", classes=CLASSES)]))
    made = df.Network(tiny.Backbone(), [df.head("classification", classes=classes)])
    with pytest.raises(BindError, match="classes"):
        df.surgery.transfer(source, made)
    report = df.surgery.transfer(source, made, mismatched="skip")
    assert set(report.mismatched) == {"classification_class_weight", "classification_class_bias"}
    assert "tiny_stem_weight" in report.loaded
    if len(classes) == 3:
        assert "classification_class_weight of other classes" in str(report)


@pytest.mark.parametrize("classes", [CLASSES, 3])
def test_a_checkpoint_tells_the_names(tiny, tmp_path, classes):
    backbones.register("tiny for rows")(tiny.Backbone)
    made = df.Network("tiny for rows", [df.head("classification", classes=classes)])
    data = Shapes(4, size=(64, 64))
    data.label_classes = CLASSES
    data.empty = 0.0
    df.fit(made, df.Loader(data, batch_size=4, heads=made.heads), updates=1, checkpoint=tmp_path)
    other = df.Network("tiny for rows", [df.head("classification", classes=OTHER)])
    df.surgery.transfer(tmp_path, other)
    name = "classification_class_weight"
    np.testing.assert_array_equal(array(other, name), array(made, name)[[2, 0, 1]])


def test_numbers_without_names_come_by_place(tiny):
    source = filled(df.Network(tiny.Backbone(), [df.head("classification", classes=3)]))
    made = df.Network(tiny.Backbone(), [df.head("classification", classes=OTHER)])
    df.surgery.transfer(source, made)
    name = "classification_class_weight"
    np.testing.assert_array_equal(array(made, name), array(source, name))


@pytest.mark.parametrize("kind", ["arrays", "numbers in the network"])
def test_without_names_on_both_sides_rows_come_by_place(tiny, kind):
    source = filled(df.Network(tiny.Backbone(), [df.head("classification", classes=CLASSES)]))
    given = {**source.parameters, **source.statistics} if kind == "arrays" else source
    classes = OTHER if kind == "arrays" else 3
    made = df.Network(tiny.Backbone(), [df.head("classification", classes=classes)])
    df.surgery.transfer(given, made)
    name = "classification_class_weight"
    np.testing.assert_array_equal(array(made, name), array(source, name))
    assert made.heads[0].names("label") == (OTHER if kind == "arrays" else CLASSES)


def test_a_head_that_names_no_rows_is_told(tiny, caplog):
    class Own(tiny.Brightness):
        class_target = "label"

        def __init__(self, classes):
            super().__init__()
            self.classes = classes

    source = filled(df.Network(tiny.Backbone(), [Own(["a", "b"])]))
    with caplog.at_level(logging.WARNING):
        df.surgery.transfer(source, df.Network(tiny.Backbone(), [Own(["a", "b"])]))
        assert caplog.text == ""
        df.surgery.transfer(source, df.Network(tiny.Backbone(), [Own(["b", "a"])]))
    assert "brought by place" in caplog.text


def test_names_come_to_the_head_whose_the_weights_are(tiny):
    """And not to another one, with whose name that of the weights begins."""
    source = filled(df.Network(tiny.Backbone(), [Plain(tiny, "a_b", CLASSES)]))
    ours = [Plain(tiny, "a", 3), Plain(tiny, "a_b", 3)]
    made = df.Network(tiny.Backbone(), ours)
    df.surgery.transfer({**source.parameters, **source.statistics}, made)
    theirs = [Plain(tiny, "a", CLASSES), Plain(tiny, "a_b", CLASSES)]
    df.surgery.transfer(filled(df.Network(tiny.Backbone(), theirs)), made, rename={"a_fc_*": None})
    assert ours[0].names("label") == ["0", "1", "2"]
    assert ours[1].names("label") == CLASSES


def Plain(tiny, name, classes):  # noqa: N802
    class Own(tiny.Brightness):
        class_target = "label"

        def __init__(self):
            super().__init__(name)
            self.classes = class_names(classes)

    return Own()
