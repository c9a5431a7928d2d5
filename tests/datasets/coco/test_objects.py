import numpy as np
import pytest

from densefit.datasets.coco.annotation_columns import AnnotationColumns
from densefit.datasets.coco.objects import ObjectReader, Points
from densefit.datasets.files.boxes import BoxCheck
from densefit.errors import DataError

SIZES = {1: (20, 30), "two": (10, 10)}
CATEGORIES = {7: "dog", 3: "cat", 9: "emu"}


def read(annotations, policy="drop", **settings):
    """Objects by image id, errors by image id, and the check."""
    check, errors, rows = BoxCheck(policy), {}, {key: i for i, key in enumerate(SIZES)}
    reader = ObjectReader("f.json", CATEGORIES, {"cat": 0, "dog": 1}, check, **settings)
    collected = AnnotationColumns(reader, rows, np.array(list(SIZES.values())), errors)
    collected.add(annotations)
    columns = collected.columns()
    objects = {key: [] for key in SIZES}
    for key, row in rows.items():
        for i in range(columns["starts"][row], columns["starts"][row + 1]):
            outlines, points = columns["segmentations"], columns["keypoints"]
            objects[key].append(
                {
                    "box": tuple(columns["boxes"][i]),
                    "class": columns["labels"][i],
                    "area": columns["areas"][i],
                    "crowd": bool(columns["crowd"][i]),
                    "segmentation": None if outlines is None else outlines[i],
                    "keypoints": None if points is None else points[i],
                }
            )
    return objects, {key: errors[row] for key, row in rows.items() if row in errors}, check


def annotation(image=1, category=7, box=(2, 3, 4, 5), **more):
    return {"id": 4, "image_id": image, "category_id": category, "bbox": list(box), **more}


def test_objects_have_the_class_of_the_data_set_and_lie_in_their_picture():
    many = [annotation(), annotation("two", 3, (5, 5, 10, 2), iscrowd=1, area=8), annotation(1, 9)]
    objects, broken, check = read(many)
    assert not broken
    assert check.dropped == 0
    (dog,), (cat,) = objects[1], objects["two"]
    assert (dog["box"], dog["class"], dog["area"], dog["crowd"]) == ((2, 3, 6, 8), 1, 20, False)
    assert (cat["box"], cat["class"], cat["area"], cat["crowd"]) == ((5, 5, 10, 7), 0, 8, True)
    assert dog["segmentation"] is dog["keypoints"] is None


def test_segmentations_where_they_are_wanted():
    one = annotation(segmentation=[[0, 0, 1, 1, 2, 2]])
    assert read([one])[0][1][0]["segmentation"] is None
    assert read([one], segmentations=True)[0][1][0]["segmentation"] == one["segmentation"]


def test_keypoints_of_the_annotation_or_of_another_file():
    one = annotation(keypoints=[1, 1, 2])
    own = read([one], points=Points(1, None, "f.json"))[0][1][0]["keypoints"]
    np.testing.assert_array_equal(own, [[1.5, 1.5, 2]])
    other = read([one], points=Points(1, {4: [2, 2, 1]}, "g.json"))[0][1][0]["keypoints"]
    np.testing.assert_array_equal(other, [[2.5, 2.5, 1]])
    none = read([one], points=Points(1, {5: [2, 2, 1]}, "g.json"))[0][1][0]["keypoints"]
    np.testing.assert_array_equal(none, np.zeros((1, 3)))


def test_boxes_without_area_are_dropped_or_raised():
    objects, broken, check = read([annotation(box=(2, 2, 0, 4)), annotation(box=(40, 2, 3, 4))])
    assert (objects[1], broken, check.dropped) == ([], {}, 2)
    _, broken, _ = read([annotation(box=(2, 2, 0, 4))], policy="raise")
    assert "no area" in str(broken[1])


def test_the_first_error_of_a_picture_is_kept():
    many = [annotation(category=5), annotation(box="abcd"), annotation("two")]
    objects, broken, _ = read(many)
    assert list(broken) == [1]
    assert "category_id 5" in str(broken[1])
    assert len(objects["two"]) == 1


@pytest.mark.parametrize("image", [5, None, [1], True, 1.5, "1.0", 10**30])
def test_pictures_must_be_there(image):
    with pytest.raises(DataError, match=r"(no picture|image_id)[\s\S]*annotation 4"):
        read([annotation(image)])


def test_ids_that_mean_the_same_are_the_same():
    objects, broken, _ = read([annotation(1.0), annotation("1", "7"), annotation(1, 3.0)])
    assert not broken
    assert [one["class"] for one in objects[1]] == [1, 1, 0]
    _, broken, _ = read([annotation(1, True), annotation("two", [7])])
    assert "category_id" in str(broken[1])
    assert "category_id" in str(broken["two"])


@pytest.mark.parametrize(
    ("value", "crowd"),
    [(0, False), ("0", False), (None, False), (0.0, False), (False, False)]
    + [(1, True), ("1", True), (True, True), (1.0, True)],
)
def test_a_crowd_is_what_the_number_says(value, crowd):
    objects, broken, _ = read([annotation(iscrowd=value)])
    assert not broken
    assert objects[1][0]["crowd"] is crowd


@pytest.mark.parametrize(
    "change",
    [{"iscrowd": one} for one in (2, "yes", [], float("nan"), -1)]
    + [{"area": one} for one in (float("nan"), float("inf"), -1, 1e300, "big", [3], True, 10**400)]
    + [{"bbox": one} for one in ("1234", None, {}, [1, 2, 3], [1, 2, 3, None], [1, 2, 3, True])],
)
def test_what_is_no_number_is_told(change):
    objects, broken, check = read([{**annotation(), **change}])
    assert objects[1] == []
    assert check.dropped == 0
    assert "not usable" in str(broken[1])
    assert "annotation 4" in str(broken[1])


def test_an_area_that_is_not_stated_is_that_of_the_box():
    assert read([annotation(area=None), annotation(area="7.5")])[0][1][0]["area"] == 20
    assert read([annotation(area=None), annotation(area="7.5")])[0][1][1]["area"] == 7.5


@pytest.mark.parametrize(
    "outline",
    [[], None, [[1, 1, 9, 9]], [[1, 1, 9, 9, 5]], [[1, 1, 9, 9, 5, float("nan")]]]
    + [[[1, 1, 9, 9, 5, None]], [[1, 1, 9, 9, 5, 1e12]], {"size": [20, 30], "counts": [5, 6]}]
    + [{"size": [20, 30], "counts": one} for one in ("52203", "^", "", "\u00e9", [-1, 601], 7)]
    + [{"size": [30, 20], "counts": [600]}, {"counts": [600]}, {"size": 7, "counts": [600]}, 5],
)
def test_an_outline_that_cannot_be_used_is_dropped_and_counted(outline):
    good = annotation(segmentation={"size": [20, 30], "counts": [0, 600]})
    many = [good, annotation(segmentation=outline), good]
    objects, broken, check = read(many, segmentations=True)
    assert (len(objects[1]), broken, check.dropped) == (2, {}, 1)
    assert len(read(many)[0][1]) == 3  # no outlines are wanted
    objects, broken, _ = read(many, policy="raise", segmentations=True)
    assert "annotation 4" in str(broken[1])


def test_boxes_of_a_larger_picture_are_counted():
    objects, _, check = read([annotation(box=(2, 3, 300, 200)), annotation(box=(-1, 3, 6, 5))])
    assert [one["box"] for one in objects[1]] == [(2, 3, 30, 20), (0, 3, 5, 8)]
    assert (check.cut, check.dropped) == (1, 0)
