"""Counts of objects, through the loader and its workers."""

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.object_counts import format_counts, sum_counts
from densefit.data.transforms import Compose, Mosaic, RandomCrop
from densefit.datasets import Shapes

SIZE = (64, 64)


def batches(transform=None, heads=None, **settings):
    data = Shapes(6, size=SIZE, empty=0.0, keypoints=True)
    heads = [df.head("detection", classes=3, strides=(8, 16))] if heads is None else heads
    with df.Loader(data, batch_size=4, transform=transform, heads=heads, **settings) as loader:
        return data, list(loader)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_objects_and_positive_anchors_are_counted(kind):
    data, found = batches(worker_kind=kind)
    boxes = [len(data[i].targets["boxes"]) for i in range(6)]
    head = df.head("detection", classes=3, strides=(8, 16))
    positive = [int((head.encode(data[i])["class"] > 0).sum()) for i in range(6)]
    for batch, rows in zip(found, (range(4), range(4, 6))):
        count = sum(boxes[i] for i in rows)
        assert batch.counts == {
            "annotated": count,
            "left": count,
            "crowds": 0,
            "objects/detection": count,
            "positives/detection": sum(positive[i] for i in rows),
        }


def test_what_a_crop_loses_is_counted():
    _, found = batches(RandomCrop(8, 8))
    total = sum_counts([batch.counts for batch in found])
    assert 0 <= total["left"] < total["annotated"]


def test_a_mosaic_counts_the_samples_that_it_draws():
    data, found = batches(Compose([Mosaic(64, 64, p=1.0, drop=["label"])]))
    total = sum_counts([batch.counts for batch in found])
    alone = sum(len(data[i].targets["boxes"]) for i in range(6))
    assert total["annotated"] > 2 * alone
    assert total["left"] <= total["annotated"]


class Two:
    """Boxes of two classes, of which the second has keypoints, in even samples."""

    classes = ["ball", "square"]
    keypoint_names = ["middle"]

    def __len__(self):
        return 4

    def __getitem__(self, index):
        targets = {
            "boxes": np.float32([[0, 0, 20, 20], [20, 20, 40, 40], [40, 40, 60, 60]]),
            "classes": np.array([0, 1, 1]),
            "crowd": np.array([False, False, True]),
            "difficult": np.array([True, False, False]),
        }
        if index % 2 == 0:
            targets["keypoints"] = np.float32([[9, 9, 2], [30, 30, 2], [50, 50, 2]])[:, None]
        return df.Sample(str(index), np.zeros((*SIZE, 3), np.uint8), targets)


def test_a_head_counts_the_objects_that_it_could_learn():
    heads = [
        df.head("detection", classes=Two.classes, strides=(8, 16), train_difficult=False),
        df.head("detection", name="all", classes=Two.classes, strides=(8, 16)),
        df.head("keypoints", classes=["square"], among=Two.classes, keypoints=["middle"]),
    ]
    with df.Loader(Two(), batch_size=4, heads=heads) as loader:
        (batch,) = loader
    assert batch.counts["left"] == 4 * 2
    assert batch.counts["objects/detection"] == 4 * 1
    assert batch.counts["objects/all"] == 4 * 2
    assert batch.counts["objects/keypoints"] == batch.counts["positives/keypoints"] == 2 * 1


class Masks(Shapes):
    """Shapes whose boxes nobody has drawn."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        for name in ("boxes", "classes", "area", "instances", "instance_ids"):
            del sample.targets[name]
        return sample


def test_a_head_that_learns_masks_alone_counts_no_objects():
    names = Shapes(1).classes
    head = df.head("panoptic", classes=["background", *names], things=names)
    both = df.Mixture({"masks": Masks(2, size=SIZE), "all": Shapes(2, size=SIZE, empty=0.0)})
    with df.Loader(both, batch_size=4, heads=[head]) as loader:
        (batch,) = loader
    assert batch.labelled["panoptic"].all()
    assert batch.counts["objects/panoptic"] == batch.counts["left"] > 0


def test_heads_of_pixels_count_nothing():
    _, found = batches(heads=[df.head("segmentation", classes=4)])
    assert [batch.counts for batch in found] == [{}, {}]


@pytest.mark.parametrize(
    ("task", "settings", "key"),
    [
        ("instance", {"classes": 3}, "class"),
        ("keypoints", {"classes": 3}, "cell"),
        ("panoptic", {}, "instance_class"),
    ],
)
def test_every_head_of_objects_tells_its_positives(task, settings, key):
    if task == "keypoints":
        settings = {**settings, "keypoints": Shapes.keypoint_names}
        settings["flip_pairs"] = Shapes.flip_pairs
    if task == "panoptic":
        names = Shapes(1).classes
        settings = {"classes": ["background", *names], "things": names}
    head = df.head(task, **settings)
    data, found = batches(heads=[head])
    wanted = 0
    for index in range(6):
        labels = head.encode(data[index])
        (name,) = [name for name in labels if name.endswith(key)][:1]
        wanted += np.count_nonzero(labels[name] >= (0 if key == "cell" else 1))
    total = sum_counts([batch.counts for batch in found])
    assert total[f"positives/{task}"] == wanted > 0


def test_counts_as_people_read_them():
    assert format_counts({}) == ""
    assert format_counts({"annotated": 0, "left": 0, "crowds": 2}) == "objects 0 of 0"
