import logging
from types import SimpleNamespace

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.interop import MetricView
from densefit.metrics import Accuracy

SCORES = np.float32([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]])
LABELS = np.float32([0, 1, 1, 0, 0])
IDS = list("abcde")


@pytest.mark.parametrize("auto_reset", [True, False])
def test_speedometer_changes_nothing(auto_reset, caplog):
    metric, speedometer = Accuracy(), mx.callback.Speedometer(1, 2, auto_reset=auto_reset)
    view, logger = MetricView(metric.compute), mx.callback.log_train_metric(2, auto_reset=True)
    values = []
    with caplog.at_level(logging.INFO):
        for batch in range(5):
            metric.update(
                SCORES[batch : batch + 1], LABELS[batch : batch + 1], IDS[batch : batch + 1]
            )
            param = SimpleNamespace(epoch=0, nbatch=batch, eval_metric=view, locals=None)
            speedometer(param)
            logger(param)
            values.append(metric.compute()["accuracy"])
    assert values == [1.0, 1.0, 2 / 3, 0.5, 0.6]
    assert "accuracy=0.666667" in caplog.text
    assert "accuracy=0.600000" in caplog.text
    theirs, theirs_speedometer = mx.metric.Accuracy(), mx.callback.Speedometer(1, 2)
    for batch in range(5):
        theirs.update(
            [mx.nd.array(LABELS[batch : batch + 1])], [mx.nd.array(SCORES[batch : batch + 1])]
        )
        theirs_speedometer(SimpleNamespace(epoch=0, nbatch=batch, eval_metric=theirs))
    assert theirs.num_inst < 5  # what the view is for


def test_a_view_is_read_only():
    view = MetricView(lambda: {"a/b": 1.0, "c": 2.0})
    view.reset()
    view.reset_local()
    assert view.get_name_value() == view.get_global_name_value() == [("a/b", 1.0), ("c", 2.0)]
    assert isinstance(view, mx.metric.EvalMetric)
    with pytest.raises(ConfigError, match="cannot be updated"):
        view.update([], [])
