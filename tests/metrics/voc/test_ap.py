"""VOC average precision against a plain transcription of its rules, and against hand-made cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError
from densefit.metrics import VOCAveragePrecision
from densefit.metrics.core.detail import Curve
from densefit.metrics.voc.ap import average_precision


def plain_iou(a, b, one):
    width = min(a[2], b[2]) - max(a[0], b[0]) + one
    height = min(a[3], b[3]) - max(a[1], b[1]) + one
    if width <= 0 or height <= 0:
        return 0.0
    size = [(c[2] - c[0] + one) * (c[3] - c[1] + one) for c in (a, b)]
    return width * height / (sum(size) - width * height)


def plain_verdicts(found, truth, label, threshold, one):
    """One class, as the rules are told: a list of detections, one after the other.

    Returns (positives, [(score, True, False or None for "does not count")]).
    """
    positives, boxes = 0, {}
    for image, t in enumerate(truth):
        boxes[image] = [
            {"box": b, "skip": d, "taken": False}
            for b, c, d in zip(t["boxes"], t["classes"], t["difficult"])
            if c == label
        ]
        positives += sum(not box["skip"] for box in boxes[image])
    detections = [
        (s, image, b)
        for image, f in enumerate(found)
        for b, s, c in zip(f["boxes"], f["scores"], f["classes"])
        if c == label
    ]
    detections.sort(key=lambda d: -d[0])  # stable
    verdicts = []
    for score, image, box in detections:
        best, largest = None, -1.0
        for candidate in boxes[image]:
            overlap = plain_iou(box, candidate["box"], one)
            if overlap > largest:
                best, largest = candidate, overlap
        if best is None or largest < threshold:
            verdicts.append((score, False))
        elif best["skip"]:
            verdicts.append((score, None))
        else:
            verdicts.append((score, not best["taken"]))
            best["taken"] = True
    return positives, verdicts


def plain_ap(positives, verdicts, eleven):
    if not positives:
        return np.nan
    right, wrong, curve = 0, 0, []
    for _, verdict in verdicts:
        right, wrong = right + (verdict is True), wrong + (verdict is False)
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


NAMES = ["a", "b"]
# Few different boxes: most detections match something, many by exactly a half or a third.
BOX = st.sampled_from(
    [[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 2], [0, 2, 4, 4], [2, 0, 6, 4], [0, 0, 0, 0]]
)
LABEL = st.sampled_from([0, 0, 0, 1])
FOUND = st.tuples(BOX, LABEL, st.integers(0, 3))
TRUE = st.tuples(BOX, LABEL, st.sampled_from([False, False, True]))


def columns(rows, *names):
    return dict(zip(names, zip(*rows))) if rows else {name: [] for name in names}


@st.composite
def datasets(draw, ties=True):
    """(found, truth) of some images in the order of their ids; one has no true box."""
    many = draw(st.integers(2, 4))
    found = [draw(st.lists(FOUND, min_size=2, max_size=5)) for _ in range(many)]
    truth = [draw(st.lists(TRUE, min_size=1, max_size=3)) for _ in range(many - 1)] + [[]]
    if not ties:
        ranks = iter(draw(st.permutations(range(sum(map(len, found))))))
        found = [[(box, label, next(ranks) / 4) for box, label, _ in rows] for rows in found]
    return (
        [columns(rows, "boxes", "classes", "scores") for rows in found],
        [columns(rows, "boxes", "classes", "difficult") for rows in truth],
    )


SETTINGS = st.fixed_dictionaries(
    {
        "convention": st.sampled_from(["area", "11point"]),
        "pixel_offset": st.booleans(),
        "iou": st.sampled_from([1 / 3, 0.5, 1.0]),
    }
)
MANY = settings(max_examples=40, deadline=None, derandomize=True)


def ids(n):
    return [f"{i:03d}" for i in range(n)]


def seen(data, order=None, **chosen):
    """A metric that saw some images in some order; all in the order of their ids if not said."""
    metric = VOCAveragePrecision(NAMES, **chosen)
    keys = ids(len(data[0]))
    for index in range(len(keys)) if order is None else order:
        metric.update([data[0][index]], [data[1][index]], [keys[index]])
    return metric


@pytest.mark.parametrize("iou", [1 / 3, 0.5, 1.0])
@pytest.mark.parametrize("pixel_offset", [False, True])
@MANY
@given(data=datasets(), convention=st.sampled_from(["area", "11point"]))
def test_equals_a_plain_transcription(data, convention, iou, pixel_offset):
    metric = VOCAveragePrecision(NAMES, iou, convention, pixel_offset, score_threshold=2)
    metric.update(*data, ids(len(data[0])))
    numbers, lines = metric.compute(), metric.details()["precision_recall"].lines
    expected = []
    for label, name in enumerate(NAMES):
        positives, verdicts = plain_verdicts(*data, label, iou, pixel_offset)
        expected.append(plain_ap(positives, verdicts, convention == "11point"))
        above = [verdict for score, verdict in verdicts if score >= 2]
        right, wrong = above.count(True), above.count(False)
        counts = (right, right + wrong), (right, positives), (2 * right, right + wrong + positives)
        for key, (part, whole) in zip(("precision", "recall", "F1"), counts):
            value = part / whole if whole else np.nan
            np.testing.assert_equal(numbers[f"{key}/{name}"], value)
        assert (name in lines) == bool(positives)
        line = lines[name] if positives else Curve(np.zeros(0), np.zeros(0), np.zeros(0))
        for recall, precision, score in zip(line.x, line.y, line.threshold):
            above = [verdict for s, verdict in verdicts if s >= score]
            right, wrong = above.count(True), above.count(False)
            assert (recall, precision) == (right / positives, right / (right + wrong))
    np.testing.assert_allclose([numbers[f"AP/{n}"] for n in NAMES], expected, atol=1e-12)
    defined = [value for value in expected if value == value]
    mean = np.mean(defined) if defined else np.nan
    np.testing.assert_allclose(numbers["mAP"], mean, atol=1e-12)


@MANY
@given(datasets(), SETTINGS, st.data())
def test_parts_in_any_order_merge_into_the_whole(data, chosen, more):
    chosen = {**chosen, "score_threshold": 1}
    images = range(len(data[0]))
    order = more.draw(st.permutations(images))
    cut = more.draw(st.integers(0, len(order)))
    first, second = seen(data, order[:cut], **chosen), seen(data, order[cut:], **chosen)
    first.compute()  # what it keeps of this must not stay
    first.merge(second)
    np.testing.assert_equal(first.compute(), seen(data, **chosen).compute())


@MANY
@given(datasets(ties=False), SETTINGS, st.data())
def test_resampled_equals_real_copies(data, chosen, more):
    chosen = {**chosen, "score_threshold": 0.5}
    counts = [more.draw(st.integers(0, 3)) for _ in data[0]]
    copies = [index for index, count in enumerate(counts) for _ in range(count)]
    really = seen(tuple([part[index] for index in copies] for part in data), **chosen)
    by_id = {key: count for key, count in zip(ids(len(counts)), counts) if count}
    order = more.draw(st.permutations(range(len(counts))))
    resampled = seen(data, order, **chosen).resampled(by_id)
    assert list(resampled) == list(really.compute())
    np.testing.assert_allclose(
        list(resampled.values()), list(really.compute().values()), rtol=1e-12
    )


def test_what_is_kept_for_the_next_question_is_forgotten_in_time():
    hit = ([{"boxes": [A], "classes": [0], "scores": [0.5]}], [{"boxes": [A], "classes": [0]}])
    miss = ([{"boxes": [], "classes": [], "scores": []}], hit[1])
    metric, other = VOCAveragePrecision(1), VOCAveragePrecision(1)
    other.update(*miss, ["2"])
    metric.update(*hit, ["1"])
    assert metric.compute()["mAP"] == 1.0
    metric.update(*miss, ["2"])
    assert metric.compute()["mAP"] == 0.5
    metric.merge(other)
    assert metric.compute()["mAP"] == pytest.approx(1 / 3)
    assert metric.resampled({"1": 1})["mAP"] == 1.0
    metric.load_state_dict(other.state_dict())
    assert metric.compute()["mAP"] == 0.0
    metric.reset()
    assert np.isnan(metric.compute()["mAP"])


def one_class(found, truth, difficult=(), **settings):
    metric = VOCAveragePrecision(["cat"], **settings)
    boxes, scores = zip(*found) if found else ((), ())
    labels = np.zeros(len(boxes)), np.zeros(len(truth))
    flags = np.isin(np.arange(len(truth)), difficult)
    metric.update(
        [{"boxes": np.float32(boxes), "scores": np.float32(scores), "classes": labels[0]}],
        [{"boxes": np.float32(truth), "classes": labels[1], "difficult": flags}],
        ["1"],
    )
    return metric.compute()["AP/cat"]


A, B, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [50, 50, 60, 60]


def test_a_duplicate_is_wrong():
    assert one_class([(A, 0.9), (A, 0.8), (B, 0.7)], [A, B]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_only_difficult_boxes_is_undefined():
    assert np.isnan(one_class([(A, 0.9)], [A], difficult=[0]))


def test_there_but_never_found_is_zero():
    assert one_class([], [A]) == 0.0


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


def test_keys_can_be_named():
    metric = VOCAveragePrecision(["cat"], iou=0.75, key="mAP75", class_key="AP75")
    assert list(metric.compute()) == ["mAP75", "AP75/cat"]
    assert metric.primary == "mAP75"


def test_settings_are_checked():
    with pytest.raises(ConfigError, match="area or 11point"):
        VOCAveragePrecision(1, convention="2012")
    with pytest.raises(ConfigError, match="0 < iou"):
        VOCAveragePrecision(1, iou=50)
    with pytest.raises(ConfigError, match="score_threshold"):
        VOCAveragePrecision(1, score_threshold=float("nan"))


def test_the_operating_point_leaves_the_average_precision_alone():
    found, truth = [(A, 0.9), (FAR, 0.8), (B, 0.1)], [A, B]
    assert one_class(found, truth, score_threshold=0.8) == one_class(found, truth)


def test_a_curve_has_one_point_for_each_score():
    metric = VOCAveragePrecision(["cat", "dog"])
    metric.update(
        [{"boxes": [A, FAR, B], "classes": [0, 0, 0], "scores": [0.5, 0.5, 0.25]}],
        [{"boxes": [A, B], "classes": [0, 0]}],
        ["1"],
    )
    curves = metric.details()["precision_recall"]
    assert (curves.x_label, curves.y_label, list(curves.lines)) == ("recall", "precision", ["cat"])
    line = curves.lines["cat"]
    assert line.threshold.tolist() == [0.5, 0.25]
    assert line.x.tolist() == [0.5, 1.0]
    assert line.y.tolist() == [0.5, 2 / 3]


def test_a_class_that_is_never_found_has_an_empty_curve():
    metric = VOCAveragePrecision(["cat"])
    metric.update(
        [{"boxes": [], "classes": [], "scores": []}], [{"boxes": [A], "classes": [0]}], "1"
    )
    line = metric.details()["precision_recall"].lines["cat"]
    assert len(line.x) == len(line.y) == len(line.threshold) == 0
