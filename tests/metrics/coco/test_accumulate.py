import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.metrics.coco.accumulate import RECALL_THRESHOLDS, accumulate, right_needed
from densefit.metrics.coco.match import Matches


def random_matches(r, images, classes, detections, true):
    labels = np.sort(r.integers(0, classes, detections))
    touching = np.flatnonzero(r.random(detections) < 0.6)
    verdict = r.integers(0, 3, (2, 3, len(touching))).astype(np.int8)
    counted = r.random((2, true)) < 0.8
    return Matches(
        images=r.integers(0, images, detections),
        scores=np.zeros(detections),
        starts=np.searchsorted(labels, np.arange(classes + 1)),
        inside=r.random((2, detections)) < 0.7,
        touching=touching,
        rank=r.integers(0, 4, len(touching)),
        verdict=verdict,
        true_images=r.integers(0, images, true),
        true_labels=r.integers(0, classes, true),
        counted=counted,
    )


def loops(matches, area, step, label, limit, weights):
    """Precision at the recall thresholds, and recall; each image as often as it counts."""
    positives = sum(
        int(weights[image])
        for image, own, counted in zip(
            matches.true_images, matches.true_labels, matches.counted[area]
        )
        if own == label and counted
    )
    if not positives:
        return None
    right = wrong = within = 0
    recalls, precisions = [], []
    places = {int(row): i for i, row in enumerate(matches.touching)}
    for row in range(matches.starts[label], matches.starts[label + 1]):
        place = places.get(row)
        verdict = 0 if place is None else matches.verdict[area, step, place]
        for _ in range(weights[matches.images[row]]):
            if verdict == 1:
                right += 1
                within += matches.rank[place] < limit
            elif verdict == 0 and matches.inside[area, row]:
                wrong += 1
            recalls.append(right / positives)
            precisions.append(right / (wrong + right + np.spacing(1)))
    line = []
    for threshold in RECALL_THRESHOLDS:
        reached = [i for i, recall in enumerate(recalls) if recall >= threshold]
        line.append(max(precisions[reached[0] :]) if reached else 0.0)
    return line, within / positives


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 1 << 32), st.booleans(), st.sampled_from([(0, 5), (30, 0), (40, 25)]))
def test_equals_the_loops(seed, weighted, sizes):
    r = np.random.default_rng(seed)
    matches = random_matches(r, 6, 3, *sizes)
    weights = r.integers(0, 4, 6) if weighted else np.ones(6, int)
    result = accumulate(matches, [2, 9], weights if weighted else None)
    assert result.precision.shape == (2, 3, len(result.labels), 101)
    for label in range(3):
        for area in range(2):
            for step in range(3):
                expected = [loops(matches, area, step, label, n, weights) for n in (2, 9)]
                if label not in result.labels:
                    assert expected == [None, None]
                    continue
                place = result.labels.tolist().index(label)
                precision = result.precision[area, step, place]
                recall = result.recall[area, :, step, place]
                if expected[0] is None:
                    assert np.isnan([*precision, *recall]).all()
                else:
                    assert precision.tolist() == expected[0][0]
                    assert recall.tolist() == [expected[0][1], expected[1][1]]


def test_recall_is_compared_as_it_is_computed():
    positives = np.array([1, 3, 7, 10, 49, 100, 36_781, 1 << 25])
    needed = right_needed(positives)
    for count, line in zip(positives, needed):
        assert ((line / count >= RECALL_THRESHOLDS) & (line >= 1)).all()
        below = np.maximum(line - 1, 0)
        assert ((below / count < RECALL_THRESHOLDS) | (below == 0)).all()
