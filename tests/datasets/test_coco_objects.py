import numpy as np
import pytest

from densefit.datasets.boxes import BoxCheck
from densefit.datasets.coco_objects import ObjectReader, Points
from densefit.errors import DataError

IMAGES = [{"id": 1, "height": 20, "width": 30}, {"id": "two", "height": 10, "width": 10}]
CATEGORIES = {7: "dog", 3: "cat", 9: "emu"}


def read(annotations, policy="drop", **settings):
    check = BoxCheck(policy)
    reader = ObjectReader("f.json", CATEGORIES, {"cat": 0, "dog": 1}, check, **settings)
    return (*reader.by_image(IMAGES, annotations), check)


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
    assert "KeyError" in str(broken[1])
    assert len(objects["two"]) == 1


def test_pictures_must_differ_and_be_there():
    reader = ObjectReader("f.json", CATEGORIES, {}, BoxCheck("drop"))
    with pytest.raises(DataError, match="different ids"):
        reader.by_image([IMAGES[0]] * 2, [])
    for image in (5, None, [1]):
        with pytest.raises(DataError, match=r"no picture[\s\S]*annotation 4"):
            reader.by_image(IMAGES, [annotation(image)])
