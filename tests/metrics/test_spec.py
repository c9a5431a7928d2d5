"""Metrics as name and settings, and back."""

import json

import numpy as np
import pytest

from densefit.metrics import MSE, Mean, SoftmaxAccuracy, metrics
from densefit.metrics.spec import metric_of, spec_of


@pytest.mark.parametrize(
    "metric",
    [
        SoftmaxAccuracy(255, multi_output=True),
        SoftmaxAccuracy(ignore_label=np.int64(7)),
        Mean(key="loss"),
        MSE(),
        metrics.create("mIoU", classes=("cat", "dog")),
    ],
)
def test_comes_back_with_its_settings(metric):
    again = metric_of(json.loads(json.dumps(spec_of(metric))))
    assert type(again) is type(metric)
    assert again.settings() == metric.settings()
    assert again.primary == metric.primary


class Own(MSE):
    """A metric that is not registered."""


class WithFunction(MSE):
    def __init__(self, function=None):
        self.function = function
        super().__init__()


def test_what_name_and_settings_do_not_make_is_left_out(monkeypatch):
    monkeypatch.setitem(metrics._factories, "with_function", WithFunction)
    assert spec_of("accuracy") == "accuracy"
    assert spec_of(MSE)["name"] == "mse"
    assert spec_of(WithFunction())["name"] == "with_function"
    for metric in (Own(), WithFunction(print), lambda label, prediction: 0.0):
        assert spec_of(metric) is None
