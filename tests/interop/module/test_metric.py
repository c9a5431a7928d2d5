import math

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import ConfigError, DataError
from densefit.interop import ModuleMetric
from densefit.interop.module.metric import check_names

OUTPUTS = {
    "a_output": np.float32([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]]),
    "b_output": np.float32([[1.0], [2.0], [3.0]]),
}
LABELS = {"a_label": mx.nd.array([0, 1, 1]), "b_label": mx.nd.array([[1.0], [2.0], [4.0]])}
IDS = ["0", "1", "2"]


def batch(metric, ids=IDS):
    metric.update(OUTPUTS, LABELS, ids)
    return metric


def test_sees_everything_in_order():
    seen = []

    class Spy(mx.metric.EvalMetric):
        def update_dict(self, labels, preds):
            seen.extend([list(labels), list(preds), {type(a) for a in preds.values()}])
            seen.append({a.context for a in (*labels.values(), *preds.values())})

        def get(self):
            return "spy", 1

    assert batch(ModuleMetric(Spy("spy"))).compute() == {"spy": 1.0}
    assert seen == [list(LABELS), list(OUTPUTS), {mx.nd.NDArray}, {mx.cpu()}]


def test_its_own_outputs_and_labels():
    metric = mx.metric.CompositeEvalMetric()
    metric.add(mx.metric.Accuracy(output_names=["a_output"], label_names=["a_label"]))
    metric.add(mx.metric.MAE(output_names=["b_output"], label_names=["b_label"]))
    ours = batch(ModuleMetric(metric))
    assert ours.compute() == {"accuracy": pytest.approx(2 / 3), "mae": pytest.approx(1 / 3)}
    assert ours.prefers_high("accuracy")
    assert not ours.prefers_high("mae")


def test_a_name_that_comes_twice():
    metric = mx.metric.CompositeEvalMetric()
    for head in "ab":
        metric.add(mx.metric.Loss(output_names=[f"{head}_output"]))
    ours = batch(ModuleMetric(metric))
    assert ours.compute() == {"loss": pytest.approx(0.5), "loss_2": pytest.approx(2.0)}
    assert [name for name, _ in ours.pairs()] == ["loss", "loss"]


def test_numbers_outlive_a_local_reset():
    ours = batch(ModuleMetric(mx.metric.Loss()))
    whole = ours.compute()
    ours.metric.reset_local()
    assert ours.compute() == whole


def test_what_is_shown_may_be_reset():
    shown = mx.metric.Accuracy(output_names=["a_output"], label_names=["a_label"])
    ours = ModuleMetric(mx.metric.create("acc", **shown_names()), shown)
    batch(ours)
    shown.reset()
    batch(ours)
    assert shown.num_inst == 3
    assert ours.metric.num_inst == 6
    ours.reset()
    assert (shown.num_inst, ours.metric.num_inst) == (0, 0)


def shown_names():
    return {"output_names": ["a_output"], "label_names": ["a_label"]}


class Late(mx.metric.EvalMetric):
    """Knows its names after an update."""

    def reset(self):
        self.values = {}

    def update(self, labels, preds):
        self.values = {f"rows{i}": pred.shape[0] for i, pred in enumerate(preds)}

    def get(self):
        self.values["rows0"]
        return list(self.values), list(self.values.values())


def test_names_are_learnt():
    ours = ModuleMetric(Late("late"))
    assert ours.primary == "late"
    assert math.isnan(ours.compute()["late"])
    assert batch(ours).compute() == {"rows0": 3.0, "rows1": 3.0}
    assert ours.primary == "rows0"
    ours.reset()
    assert all(math.isnan(value) for value in ours.compute().values())
    assert list(ours.compute()) == ["rows0", "rows1"]


class Pairs(mx.metric.EvalMetric):
    """`get` of Python 2's recipes: a zip, in place of two lists."""

    def __init__(self, value):
        self.value = value
        super().__init__("pairs")

    def update(self, labels, preds):
        pass

    def get(self):
        return zip(("x", self.value), ("y", 2))


@pytest.mark.parametrize("value", [1, np.float32(1), np.ones(1), mx.nd.ones((1,))])
def test_values_of_any_kind(value):
    assert batch(ModuleMetric(Pairs(value))).compute() == {"x": 1.0, "y": 2.0}


def test_values_that_are_no_numbers_name_the_metric():
    ours = batch(ModuleMetric(Pairs("high")))
    with pytest.raises(DataError, match=r"'pairs' failed in get\(\): ValueError"):
        ours.compute()


def test_what_a_metric_raises_names_it_and_what_it_got():
    with pytest.raises(DataError, match=r"'accuracy' failed in update\(\)") as caught:
        ModuleMetric("acc").update(OUTPUTS, {"a_label": LABELS["a_label"]}, IDS)
    assert "labels a_label (3,), outputs a_output (3, 2), b_output (3, 1)" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_division_by_a_count_of_zero_is_nan():
    class Ratio(mx.metric.EvalMetric):
        def update(self, labels, preds):
            pass

        def get(self):
            return self.name, self.sum_metric / self.num_inst

    assert math.isnan(batch(ModuleMetric(Ratio("ratio"))).compute()["ratio"])


def test_no_rows_are_no_update():
    assert math.isnan(batch(ModuleMetric("loss"), []).compute()["loss"])


def test_state():
    ours = batch(ModuleMetric(mx.metric.Loss(), mx.metric.Loss()))
    again = ours.fresh()
    assert math.isnan(again.compute()["loss"])
    assert again.exposed is not again.metric
    again.load_state_dict(ours.state_dict())
    assert again.compute() == ours.compute()
    assert again.exposed.get() == ours.exposed.get()


def test_names_that_the_symbol_lacks():
    metric = mx.metric.create(["acc", "mse"], output_names=["a_output"], label_names=["a_label"])
    assert check_names(metric, list(OUTPUTS)) == ["a_label"]
    with pytest.raises(ConfigError, match="output 'a'"):
        check_names(mx.metric.Accuracy(output_names=["a"]), list(OUTPUTS))
