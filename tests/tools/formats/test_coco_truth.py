import json

import numpy as np
import pytest

from densefit.errors import DataError
from densefit.tools.formats.coco_truth import read_truth

BOX = [1, 2, 30, 10]
POINTS = [5, 5, 2, 9, 9, 0]


def thing(**changes):
    own = {
        "id": 0,
        "image_id": 7,
        "category_id": 3,
        "bbox": BOX,
        "area": 250.5,
        "iscrowd": 0,
        "segmentation": [[1, 2, 31, 2, 31, 12]],
        "keypoints": POINTS,
        "num_keypoints": 1,
        **changes,
    }
    return {key: value for key, value in own.items() if value != "left out"}


def content(*things, **changes):
    own = {
        "images": [{"id": 9, "height": 40, "width": 50}, {"id": 7, "height": 40, "width": 50}],
        "annotations": list(things),
        "categories": [{"id": 5, "name": "dog"}, {"id": 3, "name": "cat"}],
        **changes,
    }
    return {key: value for key, value in own.items() if value != "left out"}


@pytest.fixture
def read(tmp_path):
    def parse(what, kind="bbox"):
        (tmp_path / "gt.json").write_text(json.dumps(what))
        return read_truth(tmp_path / "gt.json", kind)

    return parse


def test_classes_go_by_category_id_and_objects_by_picture(read):
    truth = read(content(thing(), thing(image_id=9, category_id=5), thing(iscrowd=1, area=4)))
    assert truth.classes == ["cat", "dog"]
    assert [picture.key for picture in truth.pictures] == ["9", "7"]
    assert [one["classes"].tolist() for one in truth.targets] == [[1], [0, 0]]
    assert truth.targets[1]["bbox"].tolist() == [BOX, BOX]
    assert truth.targets[1]["area"].tolist() == [250.5, 4]
    assert truth.targets[1]["crowd"].tolist() == [False, True]
    assert len(truth.notes) == 1  # the ids, all 0
    assert "ids are not unique" in truth.notes[0]


def test_a_file_without_annotations_is_one(read):
    targets = read(content()).targets
    assert [one["bbox"].shape for one in targets] == [(0, 4), (0, 4)]
    assert [one["masks"] for one in read(content(), "segm").targets] == [[], []]


def test_a_missing_area_is_that_of_the_box_or_mask(read):
    for kind, area in (("bbox", 300.0), ("keypoints", 300.0), ("segm", 149.0)):
        truth = read(content(thing(area=None, id=1), thing(id=2)), kind)
        np.testing.assert_allclose(truth.targets[1]["area"], [area, 250.5], atol=8)
        assert "1 of 2 annotations have no area" in truth.notes[0]
    assert truth.targets[1]["area"][0] == truth.targets[1]["area"][0] // 1  # pixels of the mask


def test_masks_and_keypoints(read):
    (mask,) = read(content(thing()), "segm").targets[1]["masks"]
    assert mask["size"] == [40, 50]
    points = read(content(thing()), "keypoints").targets[1]["keypoints"]
    assert points.tolist() == [[[5, 5, 2], [9, 9, 0]]]


def test_names_that_come_twice_have_their_ids(read):
    named = [{"id": 5, "name": "dog"}, {"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}]
    assert read(content(categories=named)).classes == ["cat", "dog (id 3)", "dog (id 5)"]


def test_ids_of_any_kind_stay_exact(read):
    large = [900100581904900101, 900100581904900100]
    truth = read(content(thing(image_id=large[1]), images=[{"id": key} for key in large]))
    assert [len(one["classes"]) for one in truth.targets] == [0, 1]
    texts = [{"id": "10"}, {"id": "9"}, {"id": "b"}]
    truth = read(content(thing(image_id="9"), images=texts))
    assert [len(one["classes"]) for one in truth.targets] == [0, 1, 0]
    # In the COCO evaluation "10" comes before "9"; metrics order whole numbers by value.
    assert [picture.key for picture in truth.pictures] == ["id 10", "id 9", "id b"]
    same = read(content(images=[{"id": "09"}, {"id": "10"}]))
    assert [picture.key for picture in same.pictures] == ["09", "10"]


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"image_id": 8}, "bbox", "image_id is no image"),
        ({"image_id": "7"}, "bbox", "'7' is not 7"),
        ({"image_id": "left out"}, "bbox", "has no image_id"),
        ({"category_id": 4}, "bbox", "category_id is no category"),
        ({"bbox": "left out"}, "bbox", "has no bbox"),
        ({"bbox": [1, 2, -3, 4]}, "bbox", "negative size"),
        ({"bbox": [1, 2, float("nan"), 4]}, "bbox", "bbox is not usable"),
        ({"bbox": [1, 2, 3]}, "keypoints", "4 finite numbers"),
        ({"area": -1}, "bbox", "area is not usable"),
        ({"area": "12"}, "bbox", "area is not usable"),
        ({"iscrowd": "0"}, "bbox", "iscrowd"),
        ({"segmentation": "left out"}, "segm", "has no segmentation"),
        ({"segmentation": {"size": [50, 40], "counts": [2000]}}, "segm", "size"),
        ({"keypoints": "left out"}, "keypoints", "has no keypoints"),
        ({"keypoints": [1, 2, 3]}, "keypoints", "6 finite numbers, x, y, v of 2 keypoints"),
        ({"num_keypoints": 0}, "keypoints", "num_keypoints contradicts"),
        ({"keypoints": [0] * 6, "num_keypoints": 2}, "keypoints", "num_keypoints contradicts"),
    ],
)
def test_a_broken_annotation_is_named(read, changes, kind, said):
    with pytest.raises(DataError, match=said) as caught:
        read(content(thing(), thing(**changes)), kind)
    assert str(caught.value.where).endswith("gt.json, annotations[1]")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ([], "is this the results file"),
        ({"images": [], "annotations": []}, "lists images, annotations, categories"),
        (content(images={}), "not a list"),
        (content(images=[]), "no image"),
        (content(images=[{"id": 1}, {"id": "1"}]), r"same id[\s\S]*images\[1\]"),
        (content(images=[{"id": 1, "height": 3}]), r"no usable size[\s\S]*images\[0\]"),
        (content(images=[{"id": 1, "height": 3, "width": 2.5}]), "no usable size"),
        (content(categories=[]), "no category"),
        (content(categories=[{"id": 1}]), r"no name[\s\S]*categories\[0\]"),
        (content(categories=[{"id": 1, "name": "a"}] * 2), r"same id[\s\S]*categories\[1\]"),
    ],
)
def test_a_broken_file_is_told(read, what, said):
    with pytest.raises(DataError, match=said) as caught:
        read(what)
    assert "gt.json" in str(caught.value)


def test_masks_need_the_size_of_their_picture(read):
    with pytest.raises(DataError, match=r"size of the record's image[\s\S]*annotations\[0\]"):
        read(content(thing(), images=[{"id": 7}]), "segm")


def test_keypoints_must_be_of_one_number(read):
    named = [{"id": 3, "name": "cat", "keypoints": ["nose"]}]
    with pytest.raises(DataError, match="of 1 keypoints"):
        read(content(thing(), categories=named), "keypoints")
    named.append({"id": 4, "name": "dog", "keypoints": ["nose", "tail"]})
    with pytest.raises(DataError, match=r"\[1, 2\] keypoints"):
        read(content(thing(), categories=named), "keypoints")
    with pytest.raises(DataError, match="no keypoints"):
        read(content(), "keypoints")
