import numpy as np

from densefit.metrics.coco.curves import counts_from, precision_recall, right_and_wrong
from densefit.metrics.coco.match import Matches


def matches():
    """Two classes: detections right, ignored, wrong, right (the last two of equal score); wrong."""
    verdict = np.zeros((1, 1, 3), np.int8)
    verdict[0, 0] = [1, 2, 1]
    return Matches(
        images=np.array([0, 0, 1, 1, 1]),
        scores=np.array([0.9, 0.8, 0.5, 0.5, 0.7]),
        starts=np.array([0, 4, 5]),
        inside=np.ones((1, 5), bool),
        touching=np.array([0, 1, 3]),
        rank=np.array([0, 1, 0]),
        verdict=verdict,
        true_images=np.array([0, 0, 1, 1]),
        true_labels=np.zeros(4, int),
        counted=np.array([[True, False, True, True]]),
    )


def test_right_wrong_and_neither():
    right, wrong = right_and_wrong(matches())
    assert right.tolist() == [True, False, False, True, False]
    assert wrong.tolist() == [False, False, True, False, True]


def test_counts_from_a_threshold():
    for threshold, expected in (
        (0.0, ([2, 0], [1, 1], [3, 0])),
        (0.5, ([2, 0], [1, 1], [3, 0])),
        (0.6, ([1, 0], [0, 1], [3, 0])),
        (1.0, ([0, 0], [0, 0], [3, 0])),
    ):
        assert tuple(part.tolist() for part in counts_from(matches(), threshold)) == expected
    weighted = counts_from(matches(), 0.0, np.array([0, 3]))
    assert [part.tolist() for part in weighted] == [[3, 0], [3, 3], [6, 0]]


def test_a_point_for_each_score():
    curves = precision_recall(matches(), ["a", "b"], "title")
    assert curves.title == "title"
    assert list(curves.lines) == ["a"]
    curve = curves.lines["a"]
    assert curve.x.tolist() == [1 / 3, 2 / 3]
    assert curve.y.tolist() == [1.0, 2 / 3]
    assert curve.threshold.tolist() == [0.9, 0.5]
