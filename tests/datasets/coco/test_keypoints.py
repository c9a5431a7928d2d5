import json

import numpy as np
import pytest
from PIL import Image

from densefit.data.geometry.image_ops import flip
from densefit.datasets import COCO
from densefit.datasets.coco.keypoints import read_points, read_skeleton
from densefit.errors import DataError

NAMES = ["nose", "left_eye", "right_eye", "tail"]
DOG = {"id": 7, "name": "dog", "keypoints": NAMES, "skeleton": [[1, 2], [1, 3], [4, 1]]}


def build(root, categories, annotations):
    for folder in ("annotations", "images/val"):
        (root / folder).mkdir(parents=True)
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(root / "images/val/a.png")
    images = [{"id": 5, "file_name": "a.png", "height": 20, "width": 30}]
    content = {"images": images, "categories": categories, "annotations": annotations}
    (root / "annotations/person_keypoints_val.json").write_text(json.dumps(content))
    return {"root": root, "split": "val", "keypoints": True}


def annotation(points, category=7, box=(2, 2, 10, 10), **more):
    one = {"id": 1, "image_id": 5, "category_id": category, "bbox": list(box), "area": 90.0}
    return one if points is None else {**one, "keypoints": points, **more}


def test_points_are_the_middles_of_the_pixels_that_the_file_names(tmp_path):
    flat = [3, 4, 2, 5, 6, 1, 9, 9, 0, 0, 0, 0]
    data = COCO(**build(tmp_path, [DOG], [annotation(flat), annotation(None), annotation([])]))
    points = data[0].targets["keypoints"]
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points[0], [[3.5, 4.5, 2], [5.5, 6.5, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(points[1:], np.zeros((2, 4, 3)))
    assert data.keypoint_names == NAMES
    assert data.limbs == [["nose", "left_eye"], ["nose", "right_eye"], ["tail", "nose"]]
    assert data.flip_pairs == [["left_eye", "right_eye"]]
    np.testing.assert_array_equal(data[0].targets["keypoint_flip"], [0, 2, 1, 3])
    mirrored = flip(data[0]).targets["keypoints"][0]
    np.testing.assert_array_equal(mirrored[:3], [[26.5, 4.5, 2], [0, 0, 0], [24.5, 6.5, 1]])


def test_no_objects_and_no_keypoints_wanted(tmp_path):
    settings = build(tmp_path, [DOG], [])
    assert COCO(**settings)[0].targets["keypoints"].shape == (0, 4, 3)
    (tmp_path / "annotations/person_keypoints_val.json").rename(
        tmp_path / "annotations/instances_val.json"
    )
    plain = COCO(root=tmp_path, split="val")[0].targets
    assert not {"keypoints", "keypoint_flip"} & set(plain)
    with pytest.raises(DataError, match=r"no split 'val'[\s\S]*person_keypoints_val"):
        COCO(**settings)


def test_a_dropped_box_takes_its_points_along(tmp_path):
    boxes = [annotation([1, 1, 2] * 4, box=(5, 5, 0, 3)), annotation([2, 2, 2] * 4)]
    data = COCO(**build(tmp_path, [DOG], boxes))
    assert data.dropped == 1
    np.testing.assert_array_equal(data[0].targets["keypoints"], np.full((1, 4, 3), [2.5, 2.5, 2]))


def test_objects_of_other_categories_have_none_labelled(tmp_path):
    categories = [DOG, {"id": 3, "name": "car"}]
    both = [annotation([1, 1, 2] * 4), annotation(None, category=3)]
    settings = build(tmp_path, categories, both)
    points = COCO(**settings)[0].targets["keypoints"]
    np.testing.assert_array_equal(points[..., 2], [[2] * 4, [0] * 4])
    with pytest.raises(DataError, match=r"No category has keypoints[\s\S]*person_keypoints_\*"):
        COCO(**settings, classes=["car"])
    assert COCO(**settings, classes=["dog"]).keypoint_names == NAMES


def test_the_kept_categories_share_one_list():
    cat = {**DOG, "id": 9, "name": "cat", "keypoints": ["nose"]}
    with pytest.raises(DataError, match=r"different keypoints[\s\S]*`classes`"):
        read_skeleton([DOG, cat], None, "f.json")
    assert read_skeleton([DOG, {**cat, "keypoints": NAMES}], None, "f.json").names == NAMES


def test_flip_pairs_by_name_or_as_said():
    lopsided = {**DOG, "keypoints": ["left_eye", "right_eye", "left_paw"], "skeleton": []}
    with pytest.raises(DataError, match=r"no counterpart[\s\S]*left_paw[\s\S]*flip_pairs"):
        read_skeleton([lopsided], None, "f.json")
    other = {**DOG, "keypoints": ["right_paw", "nose"], "skeleton": None}
    with pytest.raises(DataError, match="no counterpart"):
        read_skeleton([other], None, "f.json")
    said = read_skeleton([lopsided], [("right_eye", "left_paw")], "f.json")
    np.testing.assert_array_equal(said.flip, [0, 2, 1])
    assert (said.flip.dtype, said.limbs) == (np.int64, [])
    np.testing.assert_array_equal(read_skeleton([lopsided], [], "f.json").flip, [0, 1, 2])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([["left_eye", "right_eyes"]], r"'right_eyes'[\s\S]*did you mean 'right_eye'"),
        ([["left_eye"]], "pairs of keypoints"),
        ([["left_eye", "nose"], ["nose", "tail"]], "pairs of keypoints"),
    ],
)
def test_wrong_flip_pairs(pairs, message):
    with pytest.raises(DataError, match=message):
        read_skeleton([DOG], pairs, "f.json")


@pytest.mark.parametrize("pair", [[0, 1], [1, 5], [1], ["1", 2]])
def test_wrong_limbs(pair):
    with pytest.raises(DataError, match=r"does not join[\s\S]*1 to 4"):
        read_skeleton([{**DOG, "skeleton": [pair]}], None, "f.json")


def test_names_must_differ():
    with pytest.raises(DataError, match="same name"):
        read_skeleton([{**DOG, "keypoints": ["a", "a"], "skeleton": []}], None, "f.json")


@pytest.mark.parametrize(
    "given", [[1, 2, 2], [1, 2, 3] * 2, [1, None, 2] * 2, [1, float("inf"), 2] * 2, "abc", [[1], 2]]
)
def test_wrong_points_name_the_annotation(given):
    with pytest.raises(DataError, match=r"6 numbers[\s\S]*annotation 1"):
        read_points({"keypoints": given}, 2, (10, 10), "annotation 1")


def test_what_is_outside_of_the_picture_is_not_labelled():
    found = read_points({"keypoints": [10, 4, 2, 10.2, 4, 2, -0.1, 4, 1]}, 3, (8, 10), "a")
    np.testing.assert_array_equal(found, [[10, 4.5, 2], [0, 0, 0], [0, 0, 0]])


def test_a_broken_annotation_raises_when_its_picture_is_read(tmp_path):
    data = COCO(**build(tmp_path, [DOG], [annotation([1, 2])]))
    with pytest.raises(DataError, match="keypoints of an annotation are not usable"):
        data[0]


@pytest.mark.parametrize("form", ["eye_left eye_right", "LeftEye RightEye", "l_eye r_eye"])
def test_left_and_right_in_other_forms_change_places(tmp_path, form, caplog):
    left, right = form.split()
    dog = {**DOG, "keypoints": ["nose", left, right, "tail"]}
    data = COCO(**build(tmp_path, [dog], [annotation([3, 4, 2, 5, 6, 1, 9, 9, 2, 0, 0, 0])]))
    assert data.flip_pairs == [[left, right]]
    points = data[0].targets["keypoints"][0]
    mirrored = flip(data[0]).targets["keypoints"][0]
    np.testing.assert_array_equal(mirrored[1], [30 - points[2, 0], points[2, 1], 2])
    said = COCO(**build(tmp_path / "said", [dog], []), flip_pairs=[])
    assert said.flip_pairs == []


@pytest.mark.parametrize(
    "change",
    [{"keypoints": 5}, {"keypoints": "nose"}, {"keypoints": [["a"]]}, {"skeleton": 7}]
    + [{"skeleton": [5]}, {"skeleton": {"a": 1}}, {"keypoints": [None]}, {"keypoints": {"a": 1}}],
)
def test_lists_that_are_none(change):
    with pytest.raises(DataError, match=r"of a category are not usable[\s\S]*category 'dog'"):
        read_skeleton([{**DOG, **change}], None, "f.json")


def test_points_of_endless_digits():
    with pytest.raises(DataError, match="6 numbers"):
        read_points({"keypoints": [10**400, 1, 2] * 2}, 2, (10, 10), "annotation 1")
