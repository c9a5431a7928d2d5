import numpy as np
import pytest

from densefit.data.geometry.keypoints import is_swap
from densefit.errors import ConfigError
from densefit.tasks.keypoints.skeleton import COCO_LIMBS, COCO_NAMES, Skeleton

# The category of person_keypoints_val2017.json, in the order of the file; indices from 1.
OFFICIAL = [
    [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9],
    [8, 10], [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
]  # fmt: skip


def test_persons_are_those_of_coco():
    person = Skeleton()
    assert len(person) == 17
    assert (person.names[0], person.names[5], person.names[16]) == (
        "nose",
        "left_shoulder",
        "right_ankle",
    )
    assert {tuple(sorted(pair)) for pair in person.limbs.tolist()} == {
        tuple(sorted((a - 1, b - 1))) for a, b in OFFICIAL
    }
    assert len(COCO_LIMBS) == len(OFFICIAL)
    np.testing.assert_array_equal(person.flip_order("x"), [0, *np.arange(1, 17) + [1, -1] * 8])
    np.testing.assert_allclose(person.sigmas[[0, 16]], [0.026, 0.089])
    assert Skeleton(list(COCO_NAMES)).limbs.shape == (19, 2)


def test_own_keypoints_are_taken_at_their_word():
    own = Skeleton(
        ["tip", "left", "right"], [["tip", "left"]], [["right", "left"]], [0.1, 0.2, 0.2]
    )
    np.testing.assert_array_equal(own.limbs, [[0, 1]])
    np.testing.assert_array_equal(own.flip_order("x"), [0, 2, 1])
    assert is_swap(own.flip, 3)
    np.testing.assert_array_equal(Skeleton(4, flip_pairs=[]).flip_order("x"), range(4))


def test_sides_are_in_the_names(caplog):
    own = Skeleton(["LeftEye", "nose", "RightEye"], where="head 'a'")
    np.testing.assert_array_equal(own.flip_order("x"), [2, 1, 0])
    assert "LeftEye - RightEye" in caplog.text
    np.testing.assert_array_equal(
        Skeleton(["left", "right"], flip_pairs=[]).flip_order("x"), [0, 1]
    )
    with pytest.raises(ConfigError, match=r"no counterpart[\s\S]*left_ear[\s\S]*flip_pairs"):
        Skeleton(["left_eye", "right_eye", "left_ear"])


def test_unknown_flip_pairs_are_an_error():
    bare = Skeleton(["eye", "tail"])
    assert bare.limbs.shape == (0, 2)
    np.testing.assert_array_equal(bare.sigmas, [0.05, 0.05])
    with pytest.raises(ConfigError, match=r"are unknown[\s\S]*head 'a'[\s\S]*flip_pairs"):
        bare.flip_order("head 'a'")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keypoints": 0}, "different names"),
        ({"keypoints": ["a", "a"]}, "different names"),
        ({"keypoints": ["a", "b"], "limbs": [["a", "c"]]}, r"limbs[\s\S]*'c'"),
        ({"keypoints": ["a", "b"], "limbs": [["a"]]}, "limbs"),
        ({"keypoints": ["a", "b"], "flip_pairs": [["a", "b", "a"]]}, "flip_pairs"),
        ({"keypoints": 3, "flip_pairs": [["0", "1"], ["1", "2"]]}, "two flip pairs"),
        ({"keypoints": 2, "flip_pairs": [["0", "0"]]}, "two flip pairs"),
        ({"keypoints": 3, "sigmas": [0.1, 0.1]}, "3 numbers"),
        ({"keypoints": 2, "sigmas": [0.1, 0.0]}, "above 0"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        Skeleton(**settings)
