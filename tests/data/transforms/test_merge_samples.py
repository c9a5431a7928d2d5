import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.copy_paste import CopyPaste
from densefit.data.transforms.extra_samples import draw_from
from densefit.data.transforms.merge_samples import (
    common_targets,
    intersect_known_classes,
    merge_plain,
    renumber_instances,
)
from densefit.data.transforms.mixup import Mixup
from densefit.data.transforms.mosaic import Mosaic
from densefit.datasets import Shapes
from densefit.errors import DataError


def sample(**targets):
    return Sample("s", np.zeros((2, 2, 3), np.uint8), targets)


def test_only_what_all_have_and_nothing_per_box_without_boxes():
    boxes = {"boxes": np.zeros((0, 4), np.float32), "classes": np.zeros(0, np.int64)}
    mask = {"mask": np.zeros((2, 2), np.uint8)}
    assert common_targets([sample(**boxes, **mask), sample(**boxes)], ()) == ["boxes", "classes"]
    assert common_targets([sample(**boxes, **mask), sample(**boxes, **mask)], ["boxes"]) == ["mask"]
    assert common_targets([sample(**mask), sample(**boxes)], ()) == []


def test_a_class_is_shown_if_one_picture_shows_it():
    first, second = (
        sample(labels=np.array([1, 0, -1, 0, 1, -1])),
        sample(labels=np.array([0, 0, 0, 1, -1, -1])),
    )
    found = merge_plain("labels", [first, second], "Mixup", either=True)
    np.testing.assert_array_equal(found, [1, 0, -1, 1, 1, -1])
    with pytest.raises(DataError, match="labels"):
        merge_plain("labels", [first, second], "CopyPaste", either=False)


def test_the_class_of_a_picture_is_refused_even_if_they_are_alike():
    same = sample(label=np.array(3), keypoint_flip=np.arange(3))
    assert (
        merge_plain("keypoint_flip", [same, same], "Mosaic", True) is same.targets["keypoint_flip"]
    )
    with pytest.raises(DataError, match=r"'label'[\s\S]*drop=\['label'\]"):
        merge_plain("label", [same, same], "Mosaic", either=True)
    other = sample(keypoint_flip=np.array([0, 2, 1]))
    with pytest.raises(DataError, match="keypoint_flip"):
        merge_plain("keypoint_flip", [same, other], "Mosaic", either=True)


def test_ids_of_all_are_different_and_stay_with_their_pixels():
    first = sample(
        instances=np.array([[0, 7], [65535, 3]], np.uint16), instance_ids=np.array([3, 7, 0])
    )
    second = sample(instances=np.array([[3, 3], [0, 9]], np.uint16), instance_ids=np.array([9, 3]))
    found = [one.targets for one in renumber_instances([first, second])]
    for before, after in zip((first.targets, second.targets), found):
        assert after["instances"].dtype == np.uint16
        for old, new in zip(before["instance_ids"], after["instance_ids"]):
            np.testing.assert_array_equal(before["instances"] == old, after["instances"] == new)
    ids = np.concatenate([one["instance_ids"] for one in found])
    assert (ids == 0).sum() == 1
    assert len(np.unique(ids)) == 5
    assert found[0]["instances"][1, 0] == 65535
    assert first.targets["instances"][0, 1] == 7


def test_more_objects_than_ids():
    many = sample(instance_ids=np.arange(1, 40001))
    with pytest.raises(DataError, match="80000"):
        renumber_instances([many, many])


@pytest.mark.parametrize("kind", [Mosaic, Mixup, CopyPaste])
@pytest.mark.parametrize("which", ["this", "others", "both"])
def test_a_picture_of_several_knows_the_classes_that_all_know(kind, which):
    some, more = np.array([True, False, True]), np.array([True, True, False])

    class Told:
        """Of one picture, or of the others, some classes are marked."""

        whole = Shapes(8, size=(48, 60), empty=0.0)
        classes = whole.classes

        def __len__(self):
            return 8

        def __getitem__(self, index):
            made = self.whole[index]
            if which in (("this", "both") if index == 0 else ("others", "both")):
                made.targets["known_classes"] = some if index == 0 else more
            return made

    data, rng = Told(), np.random.default_rng(0)
    size = (64, 64) if kind is Mosaic else ()
    drop = ["label", "labels", "known_classes"]
    drop += ["mask", "instances", "instance_ids"] if kind is Mixup else []
    after = kind(*size, p=1.0, drop=drop)(data[0], rng, draw_from(data, 0, rng))
    expected = {"this": some, "others": more, "both": some & more}[which]
    np.testing.assert_array_equal(after.targets["known_classes"], expected)


def test_pictures_of_different_lists_of_classes_are_refused():
    first, second = sample(known_classes=np.ones(3, bool)), sample(known_classes=np.ones(2, bool))
    with pytest.raises(DataError, match=r"different classes[\s\S]*Mixture"):
        intersect_known_classes([first, second])


@pytest.mark.parametrize("kind", [Mixup, CopyPaste])
def test_a_picture_with_another_in_it_cannot_be_scored(kind):
    data, rng = Shapes(4, size=(48, 60), empty=0.0), np.random.default_rng(0)
    drop = ["label", "labels"] + (["mask", "instances", "instance_ids"] if kind is Mixup else [])
    after = kind(p=1.0, drop=drop)(data[0], rng, draw_from(data, 0, rng))
    with pytest.raises(DataError, match="another image"):
        after.geometry.boxes_to_original(np.zeros((1, 4)))
