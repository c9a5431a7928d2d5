from dataclasses import replace

import numpy as np
import pytest

from densefit.data.classes.class_map import class_map, mapped, own_classes, union
from densefit.data.geometry.target_kinds import declare_target
from densefit.errors import ConfigError, DataError

COMMON = ["person", "car", "tree"]


class Streets:
    classes = ("car", "pedestrian", "bicycle")
    mask_classes = ("road", "car")


def made(target="classes", renames=None, common=COMMON, unknown="drop"):
    renames = {"pedestrian": "person"} if renames is None else renames
    return class_map(Streets(), target, renames, common, unknown, "streets")


def test_numbers_change_by_name():
    change = made()
    assert change.objects(np.array([1, 0, 2, 1])).tolist() == [0, 1, -1, 0]
    assert [int(change.picture(np.array(n))) for n in (0, 1, 2, -1, 255)] == [1, 0, -1, -1, -1]
    mask = np.array([[0, 1], [255, 1]], np.uint8)
    found = made("mask").pixels(mask)
    assert found.dtype == np.uint8
    assert found.tolist() == [[255, 1], [255, 1]]


def test_names_are_the_target_s_own_or_the_dataset_s():
    assert own_classes(Streets(), "mask") == ["road", "car"]
    assert own_classes(Streets(), "label") == ["car", "pedestrian", "bicycle"]


def test_two_classes_may_become_one_and_none_drops():
    renames = {"pedestrian": "person", "bicycle": "person", "car": None}
    assert made(renames=renames).objects(np.arange(3)).tolist() == [-1, 0, 0]


def test_an_unknown_class_is_told_with_its_dataset_and_the_nearest():
    with pytest.raises(ConfigError) as caught:
        made(renames={"pedestrian": "persom"}, unknown="refuse", common=[*COMMON, "bicycle"])
    for said in ("'persom'", "'streets'", "'pedestrian', renamed", "did you mean 'person'"):
        assert said in str(caught.value)


@pytest.mark.parametrize("wrong", [3, -2, 254])
def test_numbers_of_no_class_name_dataset_and_target(wrong):
    with pytest.raises(DataError, match=r"received: *-?\d+[^|]*'streets', target 'classes'"):
        made().objects(np.array([0, wrong]))
    with pytest.raises(DataError, match="no class"):
        made().picture(np.array(wrong))
    with pytest.raises(DataError, match="'mask'"):
        made("mask").pixels(np.array([[0, wrong % 256]], np.uint8))
    with pytest.raises(DataError, match="uint8"):
        made("mask").pixels(np.array([[0, 1]]))


def test_objects_of_a_dropped_class_go_with_all_that_belongs_to_them():
    declare_target("mixture_track", "per_box")
    targets = {
        "boxes": np.arange(12, dtype=np.float32).reshape(3, 4),
        "classes": np.array([0, 2, 1]),
        "area": np.array([4.0, 5.0, 6.0], np.float32),
        "mixture_track": np.array([[7], [8], [9]]),
        "mask": np.array([[0, 1]], np.uint8),
        "age": np.array(30.0),
    }
    kept = {name: value.copy() for name, value in targets.items()}
    found = mapped(targets, {"classes": made(), "mask": made("mask")})
    assert found["boxes"][:, 0].tolist() == [0, 8]
    assert found["classes"].tolist() == [1, 0]
    assert found["area"].tolist() == [4, 6]
    assert found["mixture_track"].tolist() == [[7], [9]]
    assert found["mask"].tolist() == [[255, 1]]
    assert found["age"] == 30
    for name, value in kept.items():
        np.testing.assert_array_equal(targets[name], value)


def test_objects_are_told_from_the_labels_of_a_picture_by_their_kind():
    """Of as many objects as classes, and in two lists: what either drops is gone from both."""
    declare_target("own_kinds", "per_box")
    targets = {
        "classes": np.array([0, 2, 1]),
        "own_kinds": np.array([2, 1, 0]),
        "labels": np.array([1, 0, 1]),
        "label": np.array(1),
    }
    maps = {name: made(name) for name in targets}
    maps["own_kinds"] = replace(made(), table=np.array([0, 1, -1]))
    found = mapped(targets, maps)
    assert found["classes"].tolist() == [0]
    assert found["own_kinds"].tolist() == [0]
    assert found["labels"].tolist() == [0, 1, -1]
    assert found["label"] == 0


def test_keypoints_go_with_their_objects():
    targets = {
        "boxes": np.arange(12, dtype=np.float32).reshape(3, 4),
        "classes": np.array([0, 2, 1]),
        "keypoints": np.arange(27, dtype=np.float32).reshape(3, 3, 3),
        "keypoint_flip": np.array([0, 2, 1]),
    }
    found = mapped(targets, {"classes": made()})
    assert found["classes"].tolist() == [1, 0]
    np.testing.assert_array_equal(found["keypoints"], targets["keypoints"][[0, 2]])
    np.testing.assert_array_equal(found["keypoint_flip"], targets["keypoint_flip"])


def test_an_array_that_may_belong_to_objects_must_be_declared():
    targets = {"classes": np.array([2, 0]), "undeclared_here": np.zeros(2)}
    with pytest.raises(DataError, match="undeclared_here"):
        mapped(targets, {"classes": made()})


def test_union_keeps_the_order_of_coming():
    assert union([["b", "a"], [None, "a", "c"], []]) == ["b", "a", "c"]
