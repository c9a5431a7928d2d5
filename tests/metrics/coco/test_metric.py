"""What the metrics of the COCO evaluation share; on boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.metrics import COCOAveragePrecision


def case(seed, images=8, classes=3, many=12, ties=False, crowd=0.2):
    r = np.random.default_rng(seed)
    scores = r.permutation(images * many) / (images * many)
    found, truth = [], []
    for image in range(images):
        n = int(r.integers(0, 6))
        boxes = r.random((n, 4)) * [100, 100, 120, 120]
        labels = r.integers(0, classes - 1, n)
        truth.append({"bbox": boxes, "classes": labels, "crowd": r.random(n) < crowd})
        m = int(r.integers(1, many))
        pick = r.integers(0, max(n, 1), m)
        near = boxes[pick] * r.normal(1, 0.15, (m, 4)) if n else r.random((m, 4)) * 50
        own = scores[image * many : image * many + m]
        found.append(
            {
                "bbox": np.abs(near),
                "classes": labels[pick] if n else r.integers(0, classes, m),
                "scores": np.round(own, 1) if ties else own,
            }
        )
    return found, truth


def batch(metric, found, truth, ids):
    metric.update(found, truth, ids)
    return metric


def same(one, other):
    assert list(one) == list(other)
    np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=0, atol=1e-12)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 1 << 32), limit=st.sampled_from([2, 100]))
def test_resampled_is_as_if_images_were_there_several_times(seed, limit):
    found, truth = case(seed)
    counts = np.random.default_rng(seed).integers(0, 4, 8)
    settings = {"classes": 3, "max_detections": limit, "score_threshold": 0.4}
    metric = batch(COCOAveragePrecision(**settings), found, truth, list("abcdefgh"))
    copies = COCOAveragePrecision(**settings)
    for key, count, one, true in zip("abcdefgh", counts, found, truth):
        for copy in range(count):
            other = COCOAveragePrecision(**settings)
            copies.merge(batch(other, [one], [true], [f"{key}/{copy}"]))
    drawn = dict(zip("abcdefgh", counts.tolist()))
    drawn = {key: count for key, count in drawn.items() if count}
    same(metric.resampled({**drawn, "unknown": 5}), copies.compute())


def test_resampled_once_each_is_compute_also_with_equal_scores():
    metric = batch(COCOAveragePrecision(3, score_threshold=0.5), *case(1, ties=True), "abcdefgh")
    assert metric.resampled(dict.fromkeys("abcdefgh", 1)) == pytest.approx(
        metric.compute(), abs=1e-15, nan_ok=True
    )
    assert np.isnan(list(metric.resampled({}).values())).all()


@pytest.mark.parametrize("backend", ["pycocotools", "faster-coco-eval"])
def test_backends_resample_too(backend):
    metric = batch(COCOAveragePrecision(3), *case(1), "abcdefgh")
    other = batch(COCOAveragePrecision(3, backend=backend), *case(1), "abcdefgh")
    counts = {"a": 2, "c": 1, "d": 3, "h": 1}
    same(metric.resampled(counts), other.resampled(counts))


def test_ids_given_out_of_order_are_resampled_by_name():
    found, truth = case(4)
    metric = batch(COCOAveragePrecision(3), found, truth, "hgfedcba")
    alone = batch(COCOAveragePrecision(3), found[1:2], truth[1:2], "g")
    same(metric.resampled({"g": 1}), alone.compute())


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.55, 2.0])
def test_operating_point_equals_the_matches_of_pycocotools(coco_run, threshold):
    found, truth = case(2, images=8, ties=True, crowd=0.3)
    ids = [str(i) for i in range(8)]
    metric = batch(COCOAveragePrecision(3, score_threshold=threshold), found, truth, ids)
    evaluation, _, _ = coco_run("bbox", found, truth, ids, 3, [1, 10, 100])
    right, wrong, positives = np.zeros(3), np.zeros(3), np.zeros(3)
    for image in evaluation.evalImgs:
        if image is None or image["aRng"] != [0, 1e10]:
            continue
        label = image["category_id"] - 7
        counts = (np.array(image["dtScores"]) >= threshold) & ~image["dtIgnore"][0].astype(bool)
        right[label] += np.count_nonzero(counts & (image["dtMatches"][0] > 0))
        wrong[label] += np.count_nonzero(counts & (image["dtMatches"][0] == 0))
        positives[label] += np.count_nonzero(image["gtIgnore"] == 0)
    numbers = metric.compute()
    with np.errstate(invalid="ignore"):
        expected = {
            "precision": right.sum() / (right.sum() + wrong.sum()),
            "recall": right.sum() / positives.sum(),
            "precision/0": right[0] / (right[0] + wrong[0]),
            "recall/1": right[1] / positives[1],
            "F1/1": 2 * right[1] / (right[1] + wrong[1] + positives[1]),
        }
    assert {key: numbers[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    plain = batch(COCOAveragePrecision(3), found, truth, ids).compute()
    same({key: numbers[key] for key in plain}, plain)
    assert "precision" not in plain


def test_curves_are_the_operating_points_of_all_thresholds():
    found, truth = case(3, ties=True)
    metric = batch(COCOAveragePrecision(["a", "b", "c"]), found, truth, "abcdefgh")
    curves = metric.details()["precision_recall"]
    assert (curves.x_label, curves.y_label) == ("recall", "precision")
    assert list(curves.lines) == ["a", "b"]  # "c" has no true box
    for name, curve in curves.lines.items():
        scores = {
            s
            for part in found
            for s, c in zip(part["scores"], part["classes"])
            if c == "ab".index(name)
        }
        assert set(curve.threshold) <= scores
        assert (np.diff(curve.threshold) < 0).all()
        for x, y, threshold in zip(curve.x, curve.y, curve.threshold):
            metric.score_threshold = threshold
            numbers = metric.compute()
            assert (x, y) == (numbers[f"recall/{name}"], numbers[f"precision/{name}"])


def test_curves_of_nothing():
    assert COCOAveragePrecision(2).details()["precision_recall"].lines == {}
    metric = COCOAveragePrecision(1)
    nothing = {"bbox": [], "scores": [], "classes": []}
    metric.update([nothing], [{"bbox": [[0, 0, 1, 1]], "classes": [0]}], ["a"])
    assert len(metric.details()["precision_recall"].lines["0"].x) == 0


def test_what_was_matched_is_kept_until_more_comes():
    found, truth = case(5)
    metric = batch(COCOAveragePrecision(3), found[:4], truth[:4], "abcd")
    before = metric.matches()
    metric.compute(), metric.details(), metric.resampled({"a": 1})
    assert metric.matches() is before
    whole = batch(COCOAveragePrecision(3), found, truth, "abcdefgh")
    metric.merge(batch(COCOAveragePrecision(3), found[4:], truth[4:], "efgh"))
    same(metric.compute(), whole.compute())
    state = whole.state_dict()
    metric.reset()
    assert metric.details()["precision_recall"].lines == {}
    metric.load_state_dict(state)
    assert len(metric.details()["precision_recall"].lines) == 2
