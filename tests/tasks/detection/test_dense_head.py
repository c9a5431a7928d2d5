"""Detections of all levels: the best of each level, clipped, in one suppression."""

import numpy as np

from densefit.symbol import sym
from densefit.tasks.detection import FCOS
from tests.executor import compute

SIZE = (32, 48)
COUNTS = [4 * 6, 2 * 3]  # cells of strides 8 and 16


def detected(scores, distances, **settings):
    """Rows of one image without the unused ones."""
    made = FCOS(2, strides=(8, 16), score_threshold=0.1, **settings)
    values = {}
    for kind, arrays in (("scores", scores), ("distances", distances)):
        values.update({f"{kind}{level}": array[None] for level, array in enumerate(arrays)})
    names = [[f"{kind}{level}" for level in (0, 1)] for kind in ("scores", "distances")]
    rows = made.detect(*([sym.Variable(name) for name in group] for group in names), SIZE)
    (found,) = compute(rows["boxes"], values)
    return found[0][found[0, :, 0] >= 0]


def empty():
    return (
        [np.zeros((count, 2)) for count in COUNTS],
        [np.full((count, 4), 0.4) for count in COUNTS],
    )


def test_boxes_end_at_the_border_of_the_input():
    scores, distances = empty()
    scores[0][0, 1], scores[1][5, 0] = 0.9, 0.8
    distances[0][0], distances[1][5] = (1, 2, 1, 2), (1, 1, 3, 3)
    expected = [[1, 0.9, 0, 0, 8, 16], [0, 0.8, 16, 0, 48, 32]]
    np.testing.assert_allclose(detected(scores, distances), expected, rtol=1e-5)


def test_each_level_has_its_candidates():
    scores, distances = empty()
    scores[0][::2, 0] = np.linspace(0.5, 0.9, 12)
    scores[1][:2, 1] = 0.2, 0.3
    found = detected(scores, distances, candidates=3, max_detections=3)
    np.testing.assert_allclose(found[:, 1], [0.9, 0.9 - 0.4 / 11, 0.9 - 0.8 / 11], rtol=1e-5)
    found = detected(scores, distances, candidates=4, max_detections=4)
    assert len(found) == 4
    assert (found[:, 0] == 0).all()
    found = detected(scores, distances, candidates=1, max_detections=1)
    np.testing.assert_allclose(found[:, 1], [0.9], rtol=1e-5)
