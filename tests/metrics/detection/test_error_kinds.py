import numpy as np

from densefit.metrics.detection.error_kinds import (
    BACKGROUND,
    DUPLICATE,
    MISPLACED,
    MISSED,
    RIGHT,
    WRONG_CLASS,
    error_kinds,
    image_f1,
)
from densefit.metrics.detection.pairing import pair
from tests.metrics.detection.test_pairing import objects


def test_every_kind_of_outcome():
    truth = objects(
        [[0, 0, 10, 10], [50, 0, 60, 10], [100, 0, 110, 10], [0, 0, 5, 5]],
        classes=[0, 1, 2, 0],
        images=[0, 0, 0, 2],
    )
    detections = objects(
        [[0, 0, 10, 10], [0, 0, 10, 9], [50, 0, 60, 10], [105, 0, 115, 10], [0, 90, 10, 99]],
        classes=[0, 0, 2, 2, 1],
    )
    kinds = error_kinds(pair(detections, truth), detections, truth)
    assert kinds == {
        0: {
            (0, RIGHT): 1,
            (0, DUPLICATE): 1,
            (1, WRONG_CLASS): 1,
            (2, WRONG_CLASS): 1,
            (2, MISSED): 1,
            (2, MISPLACED): 1,
            (1, BACKGROUND): 1,
        },
        2: {(0, MISSED): 1},
    }
    # 1 true positive, 4 false positives (one of them of a wrong class), 2 misses
    np.testing.assert_allclose(image_f1(kinds[0]), 2 / (2 + 4 + 2))
    assert image_f1(kinds[2]) == 0.0
    assert image_f1({}) == 1.0
