"""The instance head as a whole."""

import numpy as np
import pytest
from pycocotools import mask as coco

import densefit as df
from densefit.data.geometry.image_ops import crop, flip
from densefit.data.sample import Geometry, Sample
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError
from densefit.metrics import COCOMaskAveragePrecision
from densefit.tasks.instance import Instance
from tests.executor import Executor, engine_array

SIZE = (64, 64)
SMALL = {
    "prototypes": 8,
    "channels": 12,
    "mask_positives": 12,
    "detection": {"strides": (8, 16), "sizes": (2.0, 2.83), "channels": 16, "max_detections": 8},
}


def test_made_by_name_and_classes_by_number():
    made = df.head("instance", classes=3, name="cells")
    assert isinstance(made, Instance)
    assert (made.classes, made.name, made.output_stride) == (["0", "1", "2"], "cells", 32)
    assert made.detector.name == "cells"


@pytest.mark.parametrize(
    "settings",
    [
        {"prototypes": 0},
        {"mask_stride": 8},
        {"metric": "voc"},
        {"mask_positives": 0},
        {"detection": {"name": "other"}},
        {"detection": {"classes": 4}},
        {"detection": {"stride": (8,)}},
        {"detection": {"strides": (8, 24)}},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(ConfigError):
        Instance(2, **settings)


def losses(network, labels):
    """Each loss term of each sample, with fixed random parameters."""
    shapes = {f"own_{name}": array.shape for name, array in labels.items()}
    graph = network.graph("train", SIZE)
    executor = Executor(graph, data=(1, 3, *SIZE), **shapes)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 0.1, array.shape)
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("_var") else 0.0
    executor.arg_dict["data"][:] = rng.integers(0, 256, (1, 3, *SIZE))
    for name, array in labels.items():
        executor.arg_dict[f"own_{name}"][:] = array
    outputs = executor.forward(is_train=True)
    names = [name[len("own_") : -len("_output")] for name in graph.list_outputs()]
    return {name: float(output[0]) for name, output in zip(names, outputs)}


def test_a_sample_without_instances_trains_boxes_only():
    head = df.head("instance", classes=3, name="own", **SMALL)
    network = df.Network("resnet18", [head], settings={"width": 8})
    sample = Shapes(1, size=SIZE, empty=0.0, seed=3)[0]
    whole = losses(network, {k: v[None] for k, v in head.encode(sample).items()})
    assert set(whole) == {"class_loss", "box_loss", "mask_loss"}
    assert all(value > 0 for value in whole.values())
    for name in ("instances", "instance_ids"):
        targets = {key: value for key, value in sample.targets.items() if key != name}
        encoded = head.encode(Sample("a", sample.image, targets))
        part = losses(network, {key: value[None] for key, value in encoded.items()})
        assert part["mask_loss"] == 0
        assert (part["class_loss"], part["box_loss"]) == (whole["class_loss"], whole["box_loss"])


def test_every_visible_object_is_learned_by_an_anchor_that_overlaps_it():
    head = df.head("instance", classes=3, **SMALL)
    for sample in (Shapes(12, size=SIZE, empty=0.0)[i] for i in range(12)):
        made = head.encode(sample)
        anchors = head.detector.anchors(SIZE)
        rows = made["owner"] > 0
        assert set(made["owner"][rows]) == set(sample.targets["instance_ids"])
        for anchor, owner, window in zip(
            *(made[key][rows] for key in ("anchor", "owner", "window"))
        ):
            kind = sample.targets["classes"][int(owner) - 1]
            assert made["class"][int(anchor)] == kind + 1
            x1, y1, x2, y2 = window.astype(int)
            own = made["instances"] == owner
            assert own[y1:y2, x1:x2].sum() == own.sum() > 0
            box = anchors[int(anchor)]
            assert min(box[2], 4 * x2) > max(box[0], 4 * x1)


def test_boxes_are_learned_as_a_crop_left_their_objects():
    """Half of an L is outside: only its foot is left, and box and mask agree on that."""
    instances = np.zeros((80, 80), np.uint16)
    instances[8:72, 4:12] = instances[60:72, 4:70] = 7
    targets = {
        "boxes": np.array([[4, 8, 70, 72]], np.float32),
        "classes": np.array([1]),
        "instances": instances,
        "instance_ids": np.array([7]),
    }
    sample = crop(Sample("a", np.zeros((80, 80, 3), np.uint8), targets), 14, 10, 64, 64)
    head = df.head("instance", classes=3, **SMALL)
    made = head.encode(sample)
    owned = made["window"][made["owner"] == 7]
    np.testing.assert_array_equal(owned[0], [0, 12, 14, 16])
    tight = {**sample.targets, "boxes": np.array([[0, 49, 56, 62]], np.float32)}
    other = head.detector.encode(Sample("a", sample.image, tight))
    np.testing.assert_allclose(made["box"], other["box"], atol=1)
    np.testing.assert_array_equal(made["class"], other["class"])


def test_a_box_of_no_known_class_is_told():
    sample = Shapes(1, size=SIZE, empty=0.0)[0]
    sample.targets["classes"] += 3
    with pytest.raises(DataError, match="no known class"):
        df.head("instance", classes=3, **SMALL).encode(sample)


def perfect(head, sample):
    """What a network that knows everything would give for one sample."""
    rows = np.full((1, 8, 6), -1, np.float32)
    stride = head.mask_stride
    masks = np.zeros((1, 8, 64 // stride, 64 // stride), np.uint8)
    for row, (box, kind, one) in enumerate(
        zip(*(sample.targets[key] for key in ("boxes", "classes", "instance_ids")))
    ):
        rows[0, 7 - row] = [kind, 0.5 + row / 100, *box]  # not in order
        own = (sample.targets["instances"] == one).astype(np.float32)
        cells = own.reshape(64 // stride, stride, 64 // stride, stride).mean(axis=(1, 3))
        masks[0, 7 - row] = np.rint(255 * cells)
    return {"boxes": rows, "masks": masks}


@pytest.mark.parametrize("mask_stride", [2, 4])
@pytest.mark.parametrize("mirrored", [False, True])
def test_perfect_outputs_give_back_the_true_masks(mask_stride, mirrored):
    """In a network's input that shows the image at another size, and mirrored."""
    head = df.head("instance", classes=3, mask_stride=mask_stride, **SMALL)
    metric = COCOMaskAveragePrecision(3)
    data = Shapes(8, size=SIZE, empty=0.0, seed=2)
    for index in range(8):
        sample = flip(data[index]) if mirrored else data[index]
        (found,) = head.decode(perfect(head, sample), [sample.geometry])
        assert (np.diff(found["scores"]) <= 0).all()
        assert set(found) == {"boxes", "scores", "classes", "masks"}
        metric.update([found], [head.ground_truth(data[index].targets)], [str(index)])
    scores = metric.compute()
    assert scores["AP50"] == 1
    assert scores["AP"] > (0.85 if mask_stride == 2 else 0.7)


def test_masks_are_of_the_original_size():
    head = df.head("instance", classes=3, **SMALL)
    sample = Shapes(1, size=SIZE, empty=0.0, seed=2)[0]
    double = Geometry((128, 128), np.array([[0.5, 0, 0], [0, 0.5, 0]]), SIZE)
    (found,) = head.decode(perfect(head, sample), [double])
    (once,) = head.decode(perfect(head, sample), [sample.geometry])
    for large, small in zip(found["masks"], once["masks"]):
        assert large["size"] == [128, 128]
        shrunk = coco.decode(large)[::2, ::2]
        assert (shrunk == coco.decode(small)).mean() > 0.98


def test_masks_go_with_the_boxes_that_lie_in_the_image():
    head = df.head("instance", classes=3, **SMALL)
    sample = Shapes(1, size=SIZE, empty=0.0, seed=2)[0]
    outputs = perfect(head, sample)
    (whole,) = head.decode(outputs, [sample.geometry])
    outputs["boxes"][0, :2] = [[0, 0.99, 4, -9, 20, 0], [1, 0.1, 4, 64, 20, 80]]
    bordered = Geometry(SIZE, np.eye(2, 3), (SIZE[0] + 16, SIZE[1]))
    (found,) = head.decode(outputs, [bordered])
    np.testing.assert_array_equal(found["boxes"], whole["boxes"])
    assert found["masks"] == whole["masks"]


def test_masks_go_with_the_boxes_that_views_agree_on():
    head = df.head("instance", classes=3, **SMALL)
    sample = Shapes(4, size=SIZE, empty=0.0, seed=5)[1]
    merger = head.view_merger(SIZE)
    for image, view in df.Views(flip=True).of(sample, SIZE):
        del image
        seen = flip(sample) if view.mirrored else sample
        outputs = {name: engine_array(array) for name, array in perfect(head, seen).items()}
        merger.add(outputs, view)
    merged = merger.result()
    (once,) = head.decode(perfect(head, sample), [sample.geometry])
    assert len(merged["masks"]) == len(merged["boxes"]) == len(once["boxes"])
    np.testing.assert_array_equal(np.sort(merged["classes"]), np.sort(once["classes"]))
    for box, mask in zip(merged["boxes"], merged["masks"]):
        x, y, width, height = coco.toBbox(mask)
        np.testing.assert_allclose([x, y, x + width, y + height], box, atol=3)


def test_overfits_a_few_images():
    data = Shapes(6, size=SIZE, empty=0.0)
    head = df.head("instance", classes=data.classes, metric="both", **SMALL)
    network = df.Network("resnet18", [head], settings={"width": 8})
    train = df.Loader(data, batch_size=6, heads=network.heads, shuffle=True)
    df.fit(network, train, epochs=40, optimizer="adam", schedule=df.Cosine(lr=0.008), seed=0)
    scores = df.score(network, df.Loader(data, batch_size=4))
    assert scores["instance/AP50"] > 0.6
    assert scores["instance/box_AP50"] > 0.6
    assert scores["instance/AP"] > 0.3


class Mixed:
    """Images with all targets, without instances, and without boxes."""

    classes = ()
    missing = ((), ("instances", "instance_ids"), ("boxes", "classes"))

    def __len__(self):
        return 3

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        made = Shapes(3, size=SIZE, empty=0.0)[index]
        targets = {k: v for k, v in made.targets.items() if k not in self.missing[index]}
        if index == 2:  # what is left of boxes would not go through a transform
            targets = {"label": targets["label"]}
        return Sample(self.id_of(index), made.image, targets)


def test_a_batch_counts_samples_with_boxes_and_refuses_data_without_any_instances(monkeypatch):
    head = df.head("instance", classes=3, **SMALL)
    batch = next(df.Loader(Mixed(), batch_size=3, heads=[head], workers=0))
    assert batch.labelled["instance"].tolist() == [True, True, False]
    assert batch.labelled["instance/box_loss"].tolist() == [True, True, False]
    assert batch.labelled["instance/mask_loss"].tolist() == [True, False, False]
    owner = batch.labels["instance_owner"]
    assert (owner[0] > 0).any()
    assert not owner[1].any()
    monkeypatch.setattr(Mixed, "missing", (("instances",),) * 3)
    with pytest.raises(DataError, match="learns the target 'instances'"):
        df.Loader(Mixed(), batch_size=3, heads=[head])


class Repeated:
    """`copies` images of which the first `known` have instances, the others boxes only."""

    classes = ()

    def __init__(self, copies, known):
        self.copies, self.known = copies, known

    def __len__(self):
        return self.copies

    def id_of(self, index):
        return f"p{index}"

    def __getitem__(self, index):
        made = Shapes(1, size=SIZE, empty=0.0)[0]
        gone = () if index < self.known else ("instances", "instance_ids")
        return Sample(
            self.id_of(index), made.image, {k: v for k, v in made.targets.items() if k not in gone}
        )


@pytest.mark.parametrize("name", ["instance", "panoptic"])
def test_boxes_without_masks_do_not_dilute_the_mask_loss(name):
    """Of the same image four times, BatchNorm and all losses are those of the image once."""
    found = []
    for copies, known in ((1, 1), (4, 1)):
        settings = {"classes": 3, "name": "own", **SMALL}
        if name == "panoptic":
            classes = ("ground", "circle", "square", "triangle")
            parts = {"instance": SMALL, "segmentation": {"decoder": "fcn", "channels": 8}}
            settings = {"classes": classes, "things": classes[1:], "name": "own", **parts}
        network = df.Network("resnet18", [df.head(name, **settings)], settings={"width": 8})
        loader = df.Loader(
            Repeated(copies, known), batch_size=copies, heads=network.heads, workers=0
        )
        history = df.fit(network, loader, updates=1, schedule=df.Constant(0.01), seed=0)
        found.append((network.parameters, history.epochs[0]["train"]))
    (first, numbers), (second, more) = found
    mask_loss = "own/mask_loss" if name == "instance" else "own/instance_mask_loss"
    assert more[f"{mask_loss}/labelled"] == 1
    assert more[mask_loss] == pytest.approx(numbers[mask_loss], rel=1e-4)
    for key, value in first.items():
        np.testing.assert_allclose(second[key], value, rtol=1e-3, atol=2e-5, err_msg=key)


def test_mask_weight_scales_the_mask_loss_alone():
    values = []
    for weight in (1.0, 3.0):
        head = df.head("instance", classes=3, name="own", mask_weight=weight, **SMALL)
        network = df.Network("resnet18", [head], settings={"width": 8})
        sample = Shapes(1, size=SIZE, empty=0.0, seed=3)[0]
        values.append(losses(network, {k: v[None] for k, v in head.encode(sample).items()}))
    once, thrice = values
    assert once["mask_loss"] > 0
    assert thrice["mask_loss"] == pytest.approx(3 * once["mask_loss"], rel=1e-5)
    for name in ("class_loss", "box_loss"):
        assert thrice[name] == once[name]
