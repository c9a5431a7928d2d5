"""A dataset whose classes have other names, are fewer, or are left out."""

import pickle

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.renamed_classes import RenamedClasses, with_renames
from densefit.data.geometry.box_members import declare_boxes
from densefit.datasets import Shapes
from densefit.errors import ConfigError

DATA = Shapes(6, size=(48, 48), empty=0.0, keypoints=True)


def test_nothing_else_changes():
    made = RenamedClasses(DATA, {"circle": "disc"})
    assert (made.classes, made.mask_classes) == (
        ["disc", "square", "triangle"],
        ["background", "disc", "square", "triangle"],
    )
    assert made.label_classes == ["disc", "square", "triangle", "nothing"]
    assert len(made) == 6
    assert made.id_of(2) == DATA.id_of(2)
    assert made.limbs == DATA.limbs
    for index in range(6):
        assert made[index].targets.keys() == DATA[index].targets.keys()
        for name, value in DATA[index].targets.items():
            np.testing.assert_array_equal(made[index].targets[name], value, err_msg=name)
    assert repr(pickle.loads(pickle.dumps(made))) == repr(made)
    assert with_renames(DATA, None) is DATA


def test_two_classes_become_one():
    made = RenamedClasses(DATA, {"square": "polygon", "triangle": "polygon"})
    assert made.classes == ["circle", "polygon"]
    for index in range(6):
        before, now = DATA[index].targets, made[index].targets
        np.testing.assert_array_equal(now["classes"], np.minimum(before["classes"], 1))
        np.testing.assert_array_equal(now["mask"], np.minimum(before["mask"], 2))


def test_a_class_is_dropped():
    made = RenamedClasses(DATA, {"circle": None})
    assert made.classes == ["square", "triangle"]
    for index in range(6):
        before, now = DATA[index].targets, made[index].targets
        kept = before["classes"] > 0
        np.testing.assert_array_equal(now["classes"], before["classes"][kept] - 1)
        np.testing.assert_array_equal(now["boxes"], before["boxes"][kept])
        assert ((now["mask"] == 255) == (before["mask"] == 1)).all()
        assert "known_classes" not in now


def test_keypoints_are_renamed():
    made = RenamedClasses(DATA, {"left_eye": "l_eye"})
    assert made.keypoint_names == [{"left_eye": "l_eye"}.get(n, n) for n in DATA.keypoint_names]


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"cirle": "disc"}, "did you mean 'circle'"),
        ({"left_eye": None}, "cannot be dropped"),
        ({name: None for name in DATA.label_classes}, "No class would be left"),
    ],
)
def test_mistakes_are_told(rename, message):
    with pytest.raises(ConfigError, match=message):
        RenamedClasses(DATA, rename)


def test_annotations_are_renamed_where_the_dataset_has_them():
    class Annotated:
        classes = ("cat", "dog", "car")

        def annotations_of(self, index, size=None):
            boxes = np.array([[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]], np.float32)
            return {"classes": np.array([0, 1, 2]), "boxes": boxes}

        def __len__(self):
            return 1

    targets = RenamedClasses(Annotated(), {"dog": None, "car": "cat"}).annotations_of(0)
    assert targets["classes"].tolist() == [0, 0]
    assert targets["boxes"][:, 2].tolist() == [1, 3]
    bare = type("Bare", (), {"classes": ("cat", "dog"), "__len__": lambda self: 1})()
    assert not hasattr(RenamedClasses(bare, {"dog": None}), "annotations_of")


def test_classes_of_further_boxes_are_renamed():
    declare_boxes("sign_boxes")

    class Signs:
        classes = ["car"]
        sign_classes = ["stop", "yield"]

        def __len__(self):
            return 1

        def __getitem__(self, index):
            targets = {
                "boxes": [[0, 0, 4, 4]],
                "classes": [0],
                "sign_boxes": [[1, 1, 3, 3], [2, 2, 4, 4]],
                "sign_classes": [0, 1],
            }
            return df.Sample("0", np.zeros((8, 8, 3), np.uint8), targets)

    made = RenamedClasses(Signs(), {"stop": None, "yield": "give way"})
    assert (made.classes, made.sign_classes) == (["car"], ["give way"])
    assert made[0].targets["sign_boxes"].tolist() == [[2, 2, 4, 4]]
    assert len(made[0].targets["boxes"]) == 1
    assert df.Mixture({"a": Signs(), "b": made}, unknown="drop").sign_classes == [
        *("stop", "yield", "give way"),
    ]
