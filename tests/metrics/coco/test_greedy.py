import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.metrics.coco.greedy import IGNORED, MATCHED, greedy

THRESHOLDS = np.array([0.5, 0.75, 1 - 1e-10])


def one_group(ious, ignored, crowd, threshold):
    """The loops of COCOeval.evaluateImg, for one group: ious (detections, true objects)."""
    order = sorted(range(len(ignored)), key=lambda g: ignored[g])
    taken, found = set(), []
    for row in ious:
        best, at = threshold, None
        for g in order:
            if g in taken and not crowd[g]:
                continue
            if at is not None and not ignored[at] and ignored[g]:
                break
            if row[g] < best:
                continue
            best, at = row[g], g
        if at is not None:
            taken.add(at)
        found.append(0 if at is None else IGNORED if ignored[at] else MATCHED)
    return found


def edges(tables):
    """The pairs of several groups that overlap by a half or more."""
    rows, groups, truths, ious = [], [], [], []
    row = first = 0
    for number, table in enumerate(tables):
        for line in table:
            for g, iou in enumerate(line):
                if iou >= 0.5:
                    rows.append(row), groups.append(number)
                    truths.append(first + g), ious.append(iou)
            row += 1
        first += table.shape[1]
    return np.array(rows, int), np.array(groups, int), np.array(truths, int), np.array(ious, float)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 1 << 32), st.integers(1, 6))
def test_equals_the_loops(seed, groups):
    r = np.random.default_rng(seed)
    levels = np.array([0.2, 0.5, 0.6, 0.75, 1.0])  # many are equal, some at a threshold
    tables = [levels[r.integers(0, 5, r.integers(1, [7, 6]))] for _ in range(groups)]
    total = sum(table.shape[1] for table in tables)
    crowd = r.random(total) < 0.2
    ignored = (r.random((total, 2)) < 0.3) | crowd[:, None]
    rows, numbers, truths, ious = edges(tables)
    own, verdict = greedy(rows, numbers, truths, ious, ignored, crowd, THRESHOLDS)
    assert sorted(own) == sorted(set(rows))
    found = np.zeros((sum(map(len, tables)), 2, 3), int)
    found[own] = verdict
    expected, first = [], 0
    for table in tables:
        mine = slice(first, first + table.shape[1])
        first += table.shape[1]
        cases = [
            [one_group(table, ignored[mine, a], crowd[mine], t) for t in THRESHOLDS]
            for a in range(2)
        ]
        expected += np.array(cases).transpose(2, 0, 1).tolist()
    assert found.tolist() == expected


def test_the_last_of_equals_is_taken():
    """The first detection takes the second true object, so that the other finds nothing."""
    rows, truths = np.array([0, 0, 1]), np.array([0, 1, 1])
    nothing, none = np.zeros((2, 1), bool), np.zeros(2, bool)
    ious = np.array([0.8, 0.8, 0.9])
    _, verdict = greedy(rows, np.zeros(3, int), truths, ious, nothing, none, THRESHOLDS[:1])
    assert verdict.ravel().tolist() == [MATCHED, 0]


def test_more_true_objects_than_half_of_16_bits():
    count = 40_000
    r = np.random.default_rng(0)
    ious = 0.5 + r.random(count) / 2
    ignored, none = np.zeros((count, 1), bool), np.zeros(count, bool)
    ignored[ious.argmax()] = True
    rows = np.repeat([0, 1], count)
    args = (rows, np.zeros(2 * count, int), np.tile(np.arange(count), 2), np.tile(ious, 2))
    _, verdict = greedy(*args, ignored, none, np.array([0.5, np.sort(ious)[-2]]))
    assert verdict[:, 0].tolist() == [[MATCHED, MATCHED], [MATCHED, IGNORED]]
