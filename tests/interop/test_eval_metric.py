import threading

import pytest

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.interop.eval_metric import copied, created, name_of, parts_of, reset, sums_in_lists


def test_what_module_fit_takes():
    metric = mx.metric.F1()
    assert created(metric) is metric
    assert isinstance(created("ce"), mx.metric.CrossEntropy)
    assert isinstance(created(mx.metric.MSE), mx.metric.MSE)
    assert isinstance(created(lambda label, pred: 0.0), mx.metric.CustomMetric)
    several = created(["acc", metric, "rmse"])
    assert [type(part).__name__ for part in several.metrics] == ["Accuracy", "F1", "RMSE"]
    assert several.metrics[1] is metric


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ConfigError, match="accuracy"):
        created("acuracy")
    with pytest.raises(ConfigError, match="a name, a list"):
        created(3)


def test_a_copy_has_seen_nothing():
    metric = mx.metric.Accuracy()
    metric.update([mx.nd.array([0])], [mx.nd.array([[1, 0]])])
    twin = copied(metric)
    assert (metric.num_inst, twin.num_inst) == (1, 0)
    assert twin is not metric


def test_what_cannot_be_copied_is_shared_and_said(caplog):
    metric = mx.metric.Accuracy()
    metric.lock = threading.Lock()
    assert copied(metric) is metric
    assert "cannot be copied" in caplog.text


def test_reset_reaches_all_children():
    class Broken(mx.metric.Accuracy):
        broken = False

        def reset(self):
            if self.broken:
                raise AttributeError("mine")
            super().reset()

    composite = mx.metric.CompositeEvalMetric(["acc", mx.metric.create(["mae", "mse"])])
    for part in parts_of(composite):
        part.num_inst = 5
    reset(composite)
    assert [part.num_inst for part in parts_of(composite)] == [0, 0, 0]
    composite.add(Broken())
    composite.metrics[-1].broken = True
    with pytest.raises(AttributeError, match="mine"):
        reset(composite)


def test_sums_in_lists():
    metric = mx.metric.create(["acc", "ce"])
    assert sums_in_lists(metric) == []
    metric.metrics[1].sum_metric = [0.0, 0.0]
    assert sums_in_lists(metric) == [metric.metrics[1]]
    assert sums_in_lists(object()) == []


def test_a_name():
    assert name_of(mx.metric.MSE(name="mine")) == "mine"
    assert name_of(object()) == "object"
