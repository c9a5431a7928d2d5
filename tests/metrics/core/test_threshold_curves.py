import numpy as np
from sklearn.metrics import f1_score, precision_score, recall_score

from densefit.metrics import COCOAveragePrecision
from densefit.metrics.core.detail import Curve, Curves
from densefit.metrics.core.threshold_curves import best_thresholds, by_threshold


def one_box_an_image(r, count=60):
    """A metric of images with a box each that is predicted right or far off, and the outcomes."""
    scores, is_right = r.random(count).round(2), r.random(count) < 0.6
    metric = COCOAveragePrecision(["cell"])
    box = np.array([[0.0, 0, 10, 10]])
    for row in range(count):
        predicted = box if is_right[row] else box + 100
        metric.update(
            [{"boxes": predicted, "scores": scores[row : row + 1], "classes": np.zeros(1, int)}],
            [{"boxes": box, "classes": np.zeros(1, int)}],
            [str(row)],
        )
    return metric, scores, is_right


def test_every_point_equals_scikit_learn():
    metric, scores, is_right = one_box_an_image(np.random.default_rng(0))
    curves = by_threshold(metric.details()["precision_recall"])
    thresholds = curves["F1"].lines["cell"].x
    assert (np.diff(thresholds) > 0).all()
    assert set(thresholds) == set(scores)
    # A detection that is wrong leaves its box without one: a miss beside a false detection.
    truth = np.append(is_right, np.ones((~is_right).sum(), bool))
    for row, threshold in enumerate(thresholds):
        predicted = np.append(scores >= threshold, np.zeros((~is_right).sum(), bool))
        for key, score in (
            ("F1", f1_score),
            ("precision", precision_score),
            ("recall", recall_score),
        ):
            np.testing.assert_allclose(
                curves[key].lines["cell"].y[row], score(truth, predicted, zero_division=0)
            )


def test_the_best_threshold_has_the_highest_f1():
    metric, _, _ = one_box_an_image(np.random.default_rng(1))
    curve = metric.details()["precision_recall"]
    best, f1 = best_thresholds(curve)["cell"], by_threshold(curve)["F1"].lines["cell"]
    assert best.F1 == f1.y.max()
    assert best.threshold == f1.x[f1.y == best.F1].max()


def test_classes_without_detections_and_curves_without_scores_are_left_out():
    none = np.zeros(0)
    lines = {"never": Curve(none, none, none), "unscored": Curve(np.ones(1), np.ones(1))}
    curves = Curves("recall", "precision", lines, "")
    assert best_thresholds(curves) == {}
    assert by_threshold(curves)["F1"].lines == {}
