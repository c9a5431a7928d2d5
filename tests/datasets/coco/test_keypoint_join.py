"""Boxes of all classes out of one file, keypoints of persons out of another."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import coco

from densefit.datasets import COCO
from densefit.datasets.coco.keypoint_join import keypoints_by_id
from densefit.errors import DataError

NAMES = ["nose", "left_ear", "right_ear"]
PERSON = {"id": 1, "name": "person"}
POSED = {**PERSON, "keypoints": NAMES, "skeleton": [[1, 2], [1, 3]]}
OTHERS = [{"id": 44, "name": "bottle"}, {"id": 3, "name": "car"}]
IMAGES = [
    {"id": key, "file_name": f"{key}.png", "height": 20, "width": 30} for key in (7, 8, 9, 10)
]


def annotation(key, image, category, **more):
    x = key % 20
    box = [x, 2, 8, 10]
    polygon = [[x, 2, x + 8, 2, x + 8, 12, x, 12]]
    one = {"id": key, "image_id": image, "category_id": category, "bbox": box, "area": 80.0}
    return {**one, "iscrowd": 0, "segmentation": polygon, **more}


def contents():
    """Persons and others in 7, a person that has no pose in 8, a car in 9, nothing in 10."""
    persons = [annotation(101, 7, 1), annotation(103, 7, 1)]
    others = [annotation(102, 7, 3), annotation(5, 9, 44), annotation(110, 8, 1)]
    whole = {
        "images": IMAGES,
        "categories": [PERSON, *OTHERS],
        "annotations": [persons[0], *others, persons[1]],
    }
    posed = [
        {**one, "keypoints": [3 + place, 4, 2, 9, 9, 1, 0, 0, 0]}
        for place, one in enumerate(reversed(persons))
    ]
    return whole, {"images": IMAGES, "categories": [POSED], "annotations": posed}


@pytest.fixture
def write(tmp_path):
    def to_disk(whole, posed):
        for folder in ("annotations", "images/val"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for one in IMAGES:
            Image.fromarray(np.zeros((20, 30), np.uint8)).save(
                tmp_path / "images/val" / one["file_name"]
            )
        for kind, content in (("instances", whole), ("person_keypoints", posed)):
            (tmp_path / f"annotations/{kind}_val.json").write_text(json.dumps(content))
        return {"root": tmp_path, "split": "val", "keypoints": True}

    return to_disk


def test_every_object_has_the_keypoints_that_pycocotools_finds_by_its_id(write, tmp_path):
    settings = write(*contents())
    data = COCO(**settings, instances=True, labels=True)
    assert data.classes == ["person", "car", "bottle"]
    assert data.category_ids == [1, 3, 44]
    assert data.keypoint_classes == ["person"]
    assert data.keypoint_names == NAMES
    assert data.flip_pairs == [["left_ear", "right_ear"]]
    assert data.limbs == [["nose", "left_ear"], ["nose", "right_ear"]]
    whole = coco.COCO(tmp_path / "annotations/instances_val.json")
    posed = coco.COCO(tmp_path / "annotations/person_keypoints_val.json")
    seen = 0
    for place, image in enumerate(IMAGES):
        own = whole.loadAnns(whole.getAnnIds(image["id"]))
        targets = data[place].targets
        assert targets["keypoints"].shape == (len(own), 3, 3)
        assert len(targets["boxes"]) == len(targets["instance_masks"]) == len(own)
        for row, one in zip(targets["keypoints"], own):
            flat = posed.anns.get(one["id"], {"keypoints": [0] * 9})["keypoints"]
            points = np.array(flat, np.float32).reshape(3, 3)
            points[:, :2] += 0.5 * (points[:, 2:] > 0)
            np.testing.assert_array_equal(row, points)
            seen += points.any()
        np.testing.assert_array_equal(targets["keypoint_flip"], [0, 2, 1])
    assert seen == 2
    np.testing.assert_array_equal(
        [data[place].targets["labels"] for place in range(4)],
        [[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]],
    )


def test_one_class_needs_the_keypoints_file_only(write, tmp_path):
    settings = write(*contents())
    data = COCO(**settings, classes=["person"])
    assert data.json_path.name == "person_keypoints_val.json"
    assert [len(data[place].targets["boxes"]) for place in range(4)] == [2, 0, 0, 0]
    some = COCO(**settings, classes=["car", "person"])
    np.testing.assert_array_equal(some[0].targets["classes"], [1, 0, 1])
    np.testing.assert_array_equal(some[0].targets["keypoints"][:, 0, 0], [4.5, 0, 3.5])
    with pytest.raises(DataError, match="No category has keypoints"):
        COCO(**settings, classes=["car"])
    (tmp_path / "annotations/instances_val.json").unlink()
    assert COCO(**settings).classes == ["person"]


def test_both_files_by_name(write, tmp_path):
    write(*contents())
    folder, images = tmp_path / "annotations", tmp_path / "images/val"
    files = [folder / f"{kind}_val.json" for kind in ("instances", "person_keypoints")]
    joined = COCO(files[0], images, keypoints=True, keypoints_path=files[1])
    assert joined.classes == ["person", "car", "bottle"]
    assert joined[0].targets["keypoints"].any(axis=(1, 2)).tolist() == [True, False, True]
    with pytest.raises(DataError, match="No category has keypoints"):
        COCO(files[0], images, keypoints=True)


def test_broken_keypoints_name_their_file_and_spoil_their_own_picture(write):
    whole, posed = contents()
    posed["annotations"][0]["keypoints"] = [1, 2]
    data = COCO(**write(whole, posed))
    with pytest.raises(DataError, match=r"not usable[\s\S]*person_keypoints_val.*annotation 103"):
        data[0]
    assert len(data[1].targets["boxes"]) == 1


def test_pictures_that_only_one_file_knows():
    whole, posed = contents()
    posed["images"] = IMAGES[:1]
    assert len(keypoints_by_id(whole, "a", posed, "b")) == 2
    posed["images"] = [*IMAGES, {"id": 99, "file_name": "c"}]
    posed["annotations"].append(annotation(500, 99, 1, keypoints=[1, 1, 2] * 3))
    assert set(keypoints_by_id(whole, "a", posed, "b")) == {101, 103}


DISAGREE = r"annotation that is not that of the other file"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w, p: p["annotations"][1].update(id=999), rf"{DISAGREE}[\s\S]*none[\s\S]*999"),
        (
            lambda w, p: p["annotations"][1].update(image_id=9),
            rf"{DISAGREE}[\s\S]*image 7, category 1, as a\.json[\s\S]*image 9[\s\S]*annotation 101",
        ),
        (
            lambda w, p: w["annotations"][0].update(category_id=3),
            rf"{DISAGREE}[\s\S]*category 3, as a\.json[\s\S]*category 1\s[\s\S]*b\.json",
        ),
        (
            lambda w, p: w["categories"].__setitem__(0, {"id": 1, "name": "human"}),
            r"another category[\s\S]*'human', as a\.json[\s\S]*'person'[\s\S]*b\.json, category 1",
        ),
        (lambda w, p: w["categories"].pop(0), r"another category[\s\S]*None"),
        (lambda w, p: p["annotations"][1].update(id=103), r"103, once more[\s\S]*b\.json"),
        (lambda w, p: w["annotations"][2].update(id=102), r"102, once more[\s\S]*a\.json"),
        (
            lambda w, p: p["annotations"][0].pop("id"),
            r"not usable[\s\S]*None[\s\S]*b\.json, annotations\[0\]",
        ),
        (
            lambda w, p: p["annotations"][0].update(id=[1]),
            r"not usable[\s\S]*\[1\][\s\S]*b\.json, annotations\[0\]",
        ),
    ],
)
def test_files_that_disagree(change, message):
    whole, posed = contents()
    change(whole, posed)
    with pytest.raises(DataError, match=message):
        keypoints_by_id(whole, "a.json", posed, "b.json")
