"""The panoptic head as a whole."""

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.label_encoder import trained_terms
from densefit.data.sample import Sample
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.tasks.panoptic import Panoptic

SIZE = (64, 64)
CLASSES = ["ground", "circle", "square", "triangle"]
SMALL = {
    "segmentation": {"decoder": "fcn", "channels": 12},
    "instance": {
        "prototypes": 8,
        "channels": 12,
        "mask_positives": 12,
        "detection": {
            "strides": (8, 16),
            "sizes": (2.0, 2.83),
            "channels": 16,
            "max_detections": 8,
        },
    },
}


def made(**settings):
    return df.head("panoptic", classes=CLASSES, things=CLASSES[1:], **{**SMALL, **settings})


def test_is_made_of_two_heads():
    head = made(score_threshold=0.3)
    assert isinstance(head, Panoptic)
    assert head.segmentation.classes == CLASSES
    assert head.instance.classes == CLASSES[1:]
    assert head.instance.detector.score_threshold == 0.3
    assert head.output_stride == 16
    assert set(head.targets) == {"mask", "boxes", "classes", "instances", "instance_ids"}
    assert SMALL["instance"]["detection"].keys() == {
        "strides",
        "sizes",
        "channels",
        "max_detections",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"things": ["circle", "oval"]},
        {"things": []},
        {"things": ["circle", "circle"]},
        {"segmentation": {"name": "other"}},
        {"instance": {"classes": 3}},
        {"segmentation": {"decoders": "fcn"}},
        {"overlap": 0},
        {"min_stuff": 1},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(ConfigError):
        Panoptic(**{"classes": CLASSES, "things": CLASSES[1:], **settings})


def test_a_part_s_weight_counts_for_its_terms(tiny):
    losses = tiny.Recorder("update_ended", lambda state, control: dict(state.train()))
    for weight in (1.0, 3.0):
        head = made(segmentation={**SMALL["segmentation"], "weight": weight})
        network = df.Network("resnet18", [head], settings={"width": 8})
        data = Shapes(1, size=SIZE, empty=0.0)
        renamed = {"background": "ground"}
        loader = df.Loader(data, batch_size=1, heads=[head], rename=renamed, workers=0)
        df.fit(network, loader, updates=1, seed=3, callbacks=[losses], progress=False)
    first, second = losses.seen
    print(first)
    terms = {name: second[name] / first[name] for name in first}
    assert terms["panoptic/segmentation_loss"] == pytest.approx(3)
    assert terms["panoptic/instance_class_loss"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("missing", "learned"),
    [(("mask",), "instance_class"), (("instances", "boxes"), "segmentation_weight")],
)
def test_a_sample_trains_the_part_whose_targets_it_has(missing, learned):
    head = made()
    sample = Shapes(1, size=SIZE, empty=0.0)[0]
    targets = {name: value for name, value in sample.targets.items() if name not in missing}
    encoded = head.encode(Sample("a", sample.image, targets))
    other = {"instance_class": "segmentation_weight", "segmentation_weight": "instance_class"}
    assert (encoded[learned] > 0).any()
    assert not (encoded[other[learned]] > 0).any()
    assert head.ground_truth(targets) is None
    assert head.is_labelled(Sample("a", sample.image, targets))
    terms = trained_terms(head, Sample("a", sample.image, targets), encoded)
    semantic = learned == "segmentation_weight"
    assert terms.pop("segmentation_loss") == semantic
    assert set(terms.values()) == {not semantic}
    assert not head.is_labelled(Sample("a", sample.image, {"label": sample.targets["label"]}))


def test_perfect_outputs_give_the_true_segments():
    """The outputs are at input size, the image is twice as large."""
    head = made(min_stuff=0.0)
    data = Shapes(6, size=SIZE, empty=0.0, seed=4)
    (metric,) = head.metrics()
    for index in range(6):
        targets = data[index].targets
        rows = np.full((1, 8, 6), -1, np.float32)
        masks = np.zeros((1, 8, 16, 16), np.uint8)
        for row, (box, kind, one) in enumerate(
            zip(*(targets[key] for key in ("boxes", "classes", "instance_ids")))
        ):
            rows[0, row] = [kind, 0.9 - row / 10, *box]
            inside = (targets["instances"] == one).reshape(16, 4, 16, 4).mean(axis=(1, 3))
            masks[0, row] = np.rint(inside * 255)
        rows[0, 7] = [0, 0.4, 0, 0, 64, 64]  # below the threshold: it must not show
        masks[0, 7] = 255
        outputs = {
            "segmentation_mask": targets["mask"][None],
            "instance_boxes": rows,
            "instance_masks": masks,
        }
        (found,) = head.decode(outputs, [data[index].geometry])
        metric.update([found], [head.ground_truth(targets)], [str(index)])
    scores = metric.compute()
    assert scores["RQ"] == 1
    assert scores["PQ_stuff"] > 0.97
    assert scores["PQ_things"] > 0.85


def test_segments_of_classes_that_a_sample_does_not_know_change_no_score():
    head = made(segmentation={**SMALL["segmentation"], "background": "ground"})
    (metric,), (other,) = head.metrics(), head.metrics()
    data = Shapes(6, size=SIZE, empty=0.0, seed=4)
    for index in range(6):
        targets = data[index].targets
        kept = targets["classes"] != 2
        hidden = {
            **{key: targets[key][kept] for key in ("boxes", "classes", "instance_ids")},
            "instances": targets["instances"],
            "mask": np.where(targets["mask"] == 3, 0, targets["mask"]).astype(np.uint8),
            "known_classes": np.array([True, True, False]),
            "known_mask_classes": np.array([True, True, True, False]),
        }
        hidden["instances"] = np.where(
            np.isin(targets["instances"], hidden["instance_ids"]), targets["instances"], 0
        )
        perfect, truth = head.ground_truth(targets), head.ground_truth(hidden)
        metric.update([head.filter_prediction(perfect, hidden)], [truth], [str(index)])
        other.update([perfect], [truth], [str(index)])
    assert metric.compute()["PQ/ground"] == 1
    assert other.compute()["PQ/ground"] < 1


def test_stuff_has_its_class_s_colour_and_things_their_own():
    head = made()
    segments = np.zeros((64, 64), np.int32)
    segments[:, :40], segments[10:20, 10:20], segments[30:50, 5:25] = 3, 1, 2
    prediction = {"map": segments, "ids": np.array([1, 2, 3]), "classes": np.array([1, 1, 0])}
    picture = np.full((64, 64, 3), 128, np.uint8)
    drawn = head.draw(picture, prediction)
    assert (picture == 128).all()
    assert (drawn[30:, 45:] == 128).all()  # void is bare
    colours = {tuple(drawn[y, x]) for y, x in ((15, 15), (45, 20), (60, 35))}
    assert len(colours) == 3


def test_overfits_a_few_images():
    data = Shapes(6, size=SIZE, empty=0.0)
    head = df.head("panoptic", classes=data.mask_classes, things=data.classes, **SMALL)
    network = df.Network("resnet18", [head], settings={"width": 8})
    train = df.Loader(data, batch_size=6, heads=network.heads, shuffle=True)
    df.fit(network, train, epochs=60, optimizer="adam", schedule=df.Cosine(lr=0.006), seed=0)
    scores = df.score(network, df.Loader(data, batch_size=4))
    assert scores["panoptic/PQ_things"] > 0.6
    assert scores["panoptic/PQ_stuff"] > 0.9
    loader = df.Loader.views(data, input_size=SIZE, batch_size=4, views=df.Views(flip=True))
    assert df.score(network, loader)["panoptic/PQ"] > 0.6
