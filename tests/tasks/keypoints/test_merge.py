import numpy as np
import pytest

from densefit.data.loader.views import View, Views
from densefit.data.sample import Sample
from densefit.tasks.keypoints.merge import covered_share, merge_objects

SIGMAS = np.array([0.05, 0.05, 0.05])
WHOLE = View((40, 60), np.eye(2, 3), (40, 60), (40, 60), (0, 0))
SETTINGS = {"sigmas": SIGMAS, "alike": 0.5, "limit": 10}


def found(*objects):
    """Predictions of one view out of (x, y, score, class, offset): a triangle in a box of 12."""
    shape = np.array([[0, -4, 1], [4, 3, 1], [-4, 3, 1]], np.float32)
    points = np.array(
        [shape + np.array([x + off, y, 0]) for x, y, _, _, off in objects], np.float32
    ).reshape(-1, 3, 3)
    centres = np.array([[x, y] for x, y, *_ in objects], np.float32).reshape(-1, 2)
    return {
        "keypoints": points,
        "boxes": np.concatenate([centres - 6, centres + 6], axis=1),
        "scores": np.array([one[2] for one in objects], np.float32),
        "classes": np.array([one[3] for one in objects], np.int64),
    }


def test_one_view_stays_as_it_is():
    one = found((20, 20, 0.5, 0, 0), (20, 20, 0.4, 0, 0))
    merged = merge_objects([one], [WHOLE], **SETTINGS)
    assert {k: v.tolist() for k, v in merged.items()} == {k: v.tolist() for k, v in one.items()}


def test_two_views_of_one_object_become_their_mean():
    first, second = found((20, 20, 0.6, 0, 0.0)), found((20, 20, 0.2, 0, 0.8))
    second["boxes"] += 0.4
    merged = merge_objects([first, second], [WHOLE, WHOLE], **SETTINGS)
    assert merged["scores"].tolist() == pytest.approx([0.6])
    np.testing.assert_allclose(merged["keypoints"][0, :, 0], [20.2, 24.2, 16.2], rtol=1e-5)
    np.testing.assert_allclose(merged["boxes"], first["boxes"] + 0.1, rtol=1e-5)
    assert {name: array.dtype for name, array in merged.items()} == {
        name: array.dtype for name, array in first.items()
    }


def test_a_keypoint_that_a_view_is_unsure_of_counts_less():
    first, second = found((20, 20, 0.5, 0, 0.0)), found((20, 20, 0.5, 0, 1.0))
    second["keypoints"][0, 1, 2] = 0.25
    merged = merge_objects([first, second], [WHOLE, WHOLE], **SETTINGS)["keypoints"][0]
    np.testing.assert_allclose(merged[:, 0], [20.5, 24.2, 16.5], rtol=1e-5)
    np.testing.assert_allclose(merged[:, 2], [1, 0.625, 1])


def test_others_are_kept_by_class_and_by_pose():
    first = found((20, 20, 0.9, 0, 0.0), (45, 20, 0.3, 0, 0.0))
    turned = found((20, 20, 0.8, 0, 0.0))
    turned["keypoints"] = turned["keypoints"][:, [2, 0, 1]]  # the same box, other places
    second = {k: np.concatenate([v, turned[k]]) for k, v in found((20, 20, 0.7, 1, 0.0)).items()}
    merged = merge_objects([first, second], [WHOLE, WHOLE], **SETTINGS)
    np.testing.assert_allclose(merged["scores"], [0.9, 0.8, 0.7, 0.3])
    assert merged["classes"].tolist() == [0, 0, 1, 0]
    merged = merge_objects([first, second], [WHOLE, WHOLE], **{**SETTINGS, "limit": 2})
    np.testing.assert_allclose(merged["scores"], [0.9, 0.8])


def test_nothing_in_any_view():
    merged = merge_objects([found(), found()], [WHOLE, WHOLE], **SETTINGS)
    assert merged["keypoints"].shape == (0, 3, 3)
    assert merged["boxes"].shape == (0, 4)


def windows():
    """Left and right window of an image, overlapping from 25 to 35."""
    sample = Sample("a", np.zeros((40, 60, 3), np.uint8), {})
    looks = Views(fit="original", overlap=0.25).of(sample, (40, 35))
    assert [view.corner for _, view in looks] == [(0, 0), (0, 25)]
    return [view for _, view in looks]


def test_what_is_cut_off_yields_to_the_whole_object_whatever_the_scores():
    part, whole = found((31, 20, 0.9, 0, 0.0)), found((33, 20, 0.3, 0, 0.0))
    part["boxes"][0, 2] = 35.0
    part["keypoints"][0, 1, 0] = 30.0  # guessed, as it is not in the window
    merged = merge_objects([part, whole], windows(), **SETTINGS)
    np.testing.assert_array_equal(merged["keypoints"], whole["keypoints"])
    np.testing.assert_allclose(merged["scores"], [0.3])


def test_what_is_cut_off_stays_if_no_view_shows_more():
    part, other = found((31, 20, 0.9, 0, 0.0)), found((50, 30, 0.3, 0, 0.0))
    part["boxes"][0, 2] = 35.0
    merged = merge_objects([part, other], windows(), **SETTINGS)
    np.testing.assert_allclose(merged["scores"], [0.9, 0.3])


def test_how_much_is_covered():
    boxes = np.array([[0, 0, 10, 10], [5, 5, 9, 9], [20, 0, 30, 10], [3, 3, 3, 3]])
    np.testing.assert_allclose(covered_share(boxes, np.array([5, 0, 15, 10])), [0.5, 1, 0, 0])
