"""VOC average precision against a plain transcription of its rules, and against hand-made cases."""

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.metrics import VOCAveragePrecision
from densefit.metrics.voc_ap import average_precision


def plain_iou(a, b, one):
    width = min(a[2], b[2]) - max(a[0], b[0]) + one
    height = min(a[3], b[3]) - max(a[1], b[1]) + one
    if width <= 0 or height <= 0:
        return 0.0
    size = [(c[2] - c[0] + one) * (c[3] - c[1] + one) for c in (a, b)]
    return width * height / (sum(size) - width * height)


def plain_ap(found, truth, label, threshold, eleven, one):
    """One class, as the rules are told: a list of detections, one after the other."""
    positives, boxes = 0, {}
    for image, t in enumerate(truth):
        boxes[image] = [
            {"box": b.astype(float), "skip": bool(d), "taken": False}
            for b, c, d in zip(t["boxes"], t["classes"], t["difficult"])
            if c == label
        ]
        positives += sum(not box["skip"] for box in boxes[image])
    if not positives:
        return np.nan
    detections = [
        (float(s), image, b.astype(float))
        for image, f in enumerate(found)
        for b, s, c in zip(f["boxes"], f["scores"], f["classes"])
        if c == label
    ]
    detections.sort(key=lambda d: -d[0])  # stable
    right, wrong, curve = 0, 0, []
    for _, image, box in detections:
        best, largest = None, -1.0
        for candidate in boxes[image]:
            overlap = plain_iou(box, candidate["box"], one)
            if overlap > largest:
                best, largest = candidate, overlap
        if best is not None and largest >= threshold:
            if not best["skip"]:
                right, wrong = right + (not best["taken"]), wrong + best["taken"]
                best["taken"] = True
        else:
            wrong += 1
        curve.append((right / positives, right / max(right + wrong, 1)))
    if eleven:
        return (
            sum(max([p for r, p in curve if r >= t], default=0.0) for t in np.arange(0.0, 1.1, 0.1))
            / 11
        )
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(curve):
        area += (recall - before) * max(p for _, p in curve[place:])
        before = recall
    return area


def random_case(seed, images=12, classes=4):
    r = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(images):
        n = r.integers(0, 6)
        boxes = r.integers(0, 60, (n, 4)).astype(np.float32)
        boxes[:, 2:] = boxes[:, :2] + r.integers(4, 40, (n, 2))
        labels = r.integers(0, classes - 1, n)  # the last class has no truth
        truth.append({"boxes": boxes, "classes": labels, "difficult": r.random(n) < 0.25})
        pick = r.integers(0, n, 8) if n else np.zeros(0, int)
        near = boxes[pick] + r.integers(-3, 4, (len(pick), 4))
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2])
        guess = np.where(r.random(len(pick)) < 0.8, labels[pick], r.integers(0, classes, len(pick)))
        found.append(
            {"boxes": near, "classes": guess, "scores": r.integers(0, 9, len(pick)) / np.float32(8)}
        )
    return found, truth


def names(n):
    return [f"{i:03d}" for i in range(n)]


@pytest.mark.parametrize("convention", ["area", "11point"])
@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("threshold", [0.5, 0.75])
def test_equals_a_plain_transcription(convention, offset, threshold):
    for seed in range(8):
        found, truth = random_case(seed)
        metric = VOCAveragePrecision(4, threshold, convention, offset)
        metric.update(found, truth, names(len(found)))
        numbers = metric.compute()
        expected = [
            plain_ap(found, truth, label, threshold, convention == "11point", int(offset))
            for label in range(4)
        ]
        np.testing.assert_allclose([numbers[f"AP/{i}"] for i in range(4)], expected, atol=1e-12)
        assert numbers["mAP"] == pytest.approx(np.nanmean(expected))
        assert np.isnan(numbers["AP/3"])


def one_class(found, truth, difficult=(), **settings):
    metric = VOCAveragePrecision(["cat"], **settings)
    boxes, scores = zip(*found) if found else ((), ())
    metric.update(
        [
            {
                "boxes": np.float32(boxes),
                "scores": np.float32(scores),
                "classes": np.zeros(len(boxes)),
            }
        ],
        [
            {
                "boxes": np.float32(truth),
                "classes": np.zeros(len(truth)),
                "difficult": np.isin(np.arange(len(truth)), difficult),
            }
        ],
        ["1"],
    )
    return metric.compute()["AP/cat"]


A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def test_a_duplicate_is_wrong():
    assert one_class([(A, 0.9), (A, 0.8), (B, 0.7)], [A, B]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_a_taken_box_does_not_give_way_to_the_second_best():
    # Both detections overlap the first box most; the second box is never found.
    one, two = [0, 0, 10, 10], [0, 4, 10, 14]
    assert one_class([(one, 0.9), ([0, 1, 10, 11], 0.8)], [one, two]) == 0.5


def test_difficult_boxes_are_no_positives_and_swallow():
    assert one_class([(B, 0.9), (B, 0.85), (A, 0.8)], [A, B], difficult=[1]) == 1.0
    assert one_class([(FAR, 0.9), (A, 0.8)], [A, B], difficult=[1]) == 0.5


def test_only_difficult_boxes_is_undefined():
    assert np.isnan(one_class([(A, 0.9)], [A], difficult=[0]))


def test_there_but_never_found_is_zero():
    assert one_class([], [A]) == 0.0


@pytest.mark.parametrize(("box", "expected"), [([0, 0, 10, 5], 1.0), ([0, 0, 10, 4.999], 0.0)])
def test_overlap_of_exactly_the_threshold_is_enough(box, expected):
    assert one_class([(box, 0.9)], [A]) == expected


def test_the_extra_pixel_decides_small_boxes():
    found, truth = [([0, 0, 1, 3], 0.9)], [[0, 0, 3, 3]]
    assert one_class(found, truth, iou=0.4) == 0.0
    assert one_class(found, truth, iou=0.4, pixel_offset=True) == 1.0


def test_eleven_points_of_half_recall():
    assert one_class([(A, 0.9)], [A, B], convention="11point") == pytest.approx(6 / 11)
    assert one_class([(A, 0.9)], [A, B], convention="area") == 0.5


def test_average_precision_of_no_detections():
    empty = np.zeros(0)
    assert average_precision(empty, empty) == average_precision(empty, empty, "11point") == 0.0


def test_equal_scores_keep_the_order_of_images():
    hit = {"boxes": np.float32([A]), "scores": np.float32([0.5]), "classes": np.array([0])}
    miss = {**hit, "boxes": np.float32([FAR])}
    truth = {"boxes": np.float32([A]), "classes": np.array([0])}
    for order in ([0, 1], [1, 0]):
        metric = VOCAveragePrecision(1)
        parts = [(hit, truth, "1"), (miss, {"boxes": [], "classes": []}, "2")]
        for index in order:
            prediction, target, key = parts[index]
            metric.update([prediction], [target], [key])
        assert metric.compute()["mAP"] == 1.0


def test_crowds_count_as_difficult():
    metric = VOCAveragePrecision(1)
    metric.update(
        [{"boxes": np.float32([A]), "scores": [0.5], "classes": [0]}],
        [{"boxes": np.float32([A]), "classes": [0], "crowd": [True]}],
        ["1"],
    )
    assert np.isnan(metric.compute()["mAP"])


def test_keys_can_be_named():
    metric = VOCAveragePrecision(["cat"], iou=0.75, key="mAP75", class_key="AP75")
    assert list(metric.compute()) == ["mAP75", "AP75/cat"]
    assert metric.primary == "mAP75"


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="area or 11point"):
        VOCAveragePrecision(1, convention="2012")
    with pytest.raises(ConfigError, match="0 < iou"):
        VOCAveragePrecision(1, iou=50)
