"""Which way is up, of every number that a metric gives."""

import pytest

from densefit.errors import ConfigError
from densefit.metrics import MSE, Accuracy, CalibrationError, ConfusionMatrix, Depth, SurfaceNormals
from densefit.metrics.core.direction import direction_of, directions


def test_numbers_of_one_metric_may_point_both_ways():
    known = directions(
        {"depth": [Depth()], "way": [SurfaceNormals()], "sure": [CalibrationError()]}
    )
    up = {key for key, high in known.items() if high}
    assert up == {
        *("depth/delta1", "depth/delta2", "depth/delta3"),
        *("way/within_11.25", "way/within_22.5", "way/within_30"),
        *("sure/accuracy", "sure/confidence"),
    }
    assert set(known) - up >= {"depth/AbsRel", "way/mean_angle", "sure/ECE"}


def test_all_opposite_keys_exist():
    for metric in (Depth(), SurfaceNormals(), CalibrationError(), ConfusionMatrix(3)):
        assert set(metric.opposite) <= set(metric.compute())


def test_numbers_of_classes_go_with_their_kind():
    known = directions({"seg": [ConfusionMatrix(["sky", "road"])]})
    assert known["seg/IoU/sky"] is True
    assert known["seg/absent_classes"] is False


def test_of_several_heads_and_metrics():
    known = directions({"a": [Accuracy()], "b": [MSE()]})
    assert known == {"a/accuracy": True, "b/mse": False}
    assert direction_of("b/mse", known, "to judge by", "there") is False
    with pytest.raises(
        ConfigError, match=r"no score 'b/mae' to judge by(?s:.*)did you mean 'b/mse'"
    ):
        direction_of("b/mae", known, "to judge by", "there")
