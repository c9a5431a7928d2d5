import numpy as np
import pytest

from densefit.datasets import Shapes
from densefit.errors import DataError
from densefit.tasks.keypoints.checks import check_sample
from densefit.tasks.keypoints.skeleton import Skeleton

FACE = Skeleton(Shapes.keypoint_names, None, Shapes.flip_pairs)


def sample(**changes):
    made = Shapes(1, size=(48, 48), empty=0.0, keypoints=True)[0]
    made.targets.update({name: change(made.targets[name]) for name, change in changes.items()})
    return made


def test_a_sample_with_the_keypoints_of_the_head():
    check_sample(sample(), FACE, "here")
    unsaid = Skeleton(len(Shapes.keypoint_names))
    check_sample(sample(keypoint_flip=np.sort), unsaid, "here")


def test_sides_that_do_not_change_places_are_an_error_until_it_is_said():
    mirrored = sample(keypoint_flip=np.sort)
    with pytest.raises(DataError, match=r"are swapped in a flipped[\s\S]*flip_pairs"):
        check_sample(mirrored, Skeleton(Shapes.keypoint_names), "here")
    check_sample(mirrored, Skeleton(Shapes.keypoint_names, flip_pairs=[]), "here")


@pytest.mark.parametrize(
    "changes",
    [
        {"keypoints": lambda points: points[:, :2]},
        {"keypoints": lambda points: points[:0]},
        {"boxes": lambda boxes: boxes[:0]},
        {"classes": lambda labels: labels[:0]},
    ],
)
def test_other_keypoints_or_other_counts(changes):
    with pytest.raises(DataError, match=r"do not fit[\s\S]*\(n, 3, 3\)[\s\S]*sample 'a'"):
        check_sample(sample(**changes), FACE, "sample 'a'")


@pytest.mark.parametrize("missing", ["boxes", "classes"])
def test_keypoints_without_boxes_or_classes(missing):
    made = sample()
    del made.targets[missing]
    with pytest.raises(DataError, match="do not fit"):
        check_sample(made, FACE, "here")


def test_another_order_in_the_mirror():
    with pytest.raises(DataError, match=r"disagree[\s\S]*\[0, 2, 1\][\s\S]*\[0, 1, 2\]"):
        check_sample(sample(keypoint_flip=np.sort), FACE, "sample 'a'")
