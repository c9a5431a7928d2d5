import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.cocoeval import Params

from densefit.metrics.coco.oks import COCO_SIGMAS, oks


def one_pair(found, truth, box, area, sigmas):
    """The formula, keypoint by keypoint."""
    visible = [k for k in range(len(sigmas)) if truth[k, 2] > 0]
    x, y, w, h = box
    terms = []
    for k in visible or range(len(sigmas)):
        dx, dy = found[k] - truth[k, :2]
        if not visible:
            dx = max(x - w - found[k, 0], 0) + max(found[k, 0] - (x + 2 * w), 0)
            dy = max(y - h - found[k, 1], 0) + max(found[k, 1] - (y + 2 * h), 0)
        terms.append(np.exp(-(dx**2 + dy**2) / (2 * sigmas[k]) ** 2 / (area + np.spacing(1)) / 2))
    return sum(terms) / len(terms)


def test_sigmas_are_those_of_pycocotools():
    assert (Params("keypoints").kpt_oks_sigmas == COCO_SIGMAS).all()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), st.integers(1, 20))
def test_equals_the_formula(seed, count):
    r = np.random.default_rng(seed)
    truth = r.random((30, count, 3)) * 50
    truth[:, :, 2] = r.integers(0, 3, (30, count)) * (r.random((30, 1)) < 0.7)
    found = truth[:, :, :2] + r.normal(0, 3, (30, count, 2))
    boxes, areas = r.random((30, 4)) * 20, r.random(30) * 900
    sigmas = r.random(count) / 5 + 0.01
    expected = [one_pair(*row, sigmas) for row in zip(found, truth, boxes, areas)]
    np.testing.assert_allclose(oks(found, truth, boxes, areas, sigmas), expected, rtol=1e-12)


def test_exact_values():
    truth = np.array([[[10.0, 10, 2], [50, 50, 1], [0, 0, 0]]])
    sigmas, box, area = np.array([0.05, 0.1, 0.1]), np.zeros((1, 4)), np.array([100.0])
    assert oks(truth[:, :, :2], truth, box, area, sigmas).tolist() == [1.0]
    moved = truth[:, :, :2] + [[1.0, 0.0], [0.0, 0.0], [77.0, 0.0]]  # the last is not visible
    expected = (np.exp(-1 / (2 * 100 * 0.1**2)) + 1) / 2
    assert oks(moved, truth, box, area, sigmas)[0] == pytest.approx(expected)


def test_no_pairs():
    nothing = oks(
        np.zeros((0, 3, 2)), np.zeros((0, 3, 3)), np.zeros((0, 4)), np.zeros(0), np.ones(3)
    )
    assert nothing.shape == (0,)
