import numpy as np

from densefit.tasks.keypoints.snap import REACH, snap_to_peaks


def reference(points, boxes, peaks, threshold):
    result = points.copy()
    for m, (x1, y1, x2, y2) in enumerate(boxes):
        reach = REACH * max(x2 - x1, y2 - y1)
        for k in range(points.shape[1]):
            good = []
            for x, y, score in peaks[k]:
                away = np.hypot(x - points[m, k, 0], y - points[m, k, 1])
                inside = x1 <= x <= x2 and y1 <= y <= y2
                if score >= threshold and inside and away <= reach:
                    good.append((away, (x, y, score)))
            if good:
                result[m, k] = min(good)[1]
    return result


def test_the_same_as_looking_at_each_peak_of_each_keypoint_of_each_object():
    rng = np.random.default_rng(0)
    moved = 0
    for _ in range(20):
        low = rng.uniform(0, 30, (4, 2))
        boxes = np.concatenate([low, low + rng.uniform(0, 60, (4, 2))], axis=1)
        points = np.concatenate([rng.uniform(0, 60, (4, 5, 2)), rng.random((4, 5, 1))], axis=2)
        peaks = np.concatenate([rng.uniform(0, 60, (5, 7, 2)), rng.random((5, 7, 1))], axis=2)
        found = snap_to_peaks(points, boxes, peaks, 0.3)
        np.testing.assert_array_equal(found, reference(points, boxes, peaks, 0.3))
        moved += (found != points).any(axis=2).sum()
    assert 20 < moved < 380


def test_a_better_peak_further_away_is_somebody_elses():
    points, boxes = np.array([[[10.0, 10.0, 0.3]]]), np.array([[0.0, 0.0, 40.0, 40.0]])
    peaks = np.array([[[14.0, 10.0, 0.9], [11.0, 10.0, 0.4]]])
    np.testing.assert_array_equal(snap_to_peaks(points, boxes, peaks, 0.1), [[[11, 10, 0.4]]])
    np.testing.assert_array_equal(snap_to_peaks(points, boxes, peaks, 0.5), [[[14, 10, 0.9]]])
    np.testing.assert_array_equal(snap_to_peaks(points, boxes, peaks, 0.95), points)


def test_no_objects():
    peaks = np.zeros((3, 4, 3))
    assert snap_to_peaks(np.zeros((0, 3, 3)), np.zeros((0, 4)), peaks, 0.1).shape == (0, 3, 3)
