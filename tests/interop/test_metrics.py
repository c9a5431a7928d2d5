import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.interop import LegacyMetric

SCORES = np.float32([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]])
LABELS = np.float32([0, 1, 1, 0, 0])
IDS = list("abcde")


def batch(metric, cuts=()):
    edges = [0, *cuts, 5]
    for first, last in zip(edges, edges[1:]):
        metric.update(SCORES[first:last], LABELS[first:last], IDS[first:last])
    return metric


def test_gives_mxnets_numbers():
    theirs = mx.metric.create(["acc", "ce"])
    ours = batch(LegacyMetric(mx.metric.create(["acc", "ce"])), cuts=(2,))
    for part in (slice(0, 2), slice(2, 5)):
        theirs.update([mx.nd.array(LABELS[part])], [mx.nd.array(SCORES[part])])
    assert ours.compute() == dict(theirs.get_name_value())
    assert all(type(value) is float for value in ours.compute().values())
    assert ours.primary == "accuracy"
    ours.reset()
    assert all(np.isnan(value) for value in ours.compute().values())


def test_several_outputs_and_labels():
    metric = LegacyMetric(mx.metric.MAE())
    metric.update((np.zeros(2), np.zeros((2, 3))), (np.ones(2), np.full((2, 3), 3.0)), ["a", "b"])
    assert metric.compute() == {"mae": 2.0}


def test_a_loss_needs_no_targets():
    metric = LegacyMetric(mx.metric.Loss())
    metric.update(np.float32([1, 3]), None, ["a", "b"])
    assert metric.compute() == {"loss": 2.0}


def test_types_reach_the_metric_unchanged():
    seen = []

    class Spy(mx.metric.EvalMetric):
        def update(self, labels, preds):
            seen.extend(array.dtype for array in (*labels, *preds))
            seen.append(labels[0].asnumpy()[0])

    metric = LegacyMetric(Spy("spy"))
    metric.update([np.float32([1, 2])], np.array([900100581904]), ["a"])
    assert seen == [np.int64, np.float32, 900100581904]


def test_global_numbers_survive_a_local_reset():
    metric = batch(LegacyMetric(mx.metric.Accuracy()))
    metric.metric.reset_local()
    assert metric.compute() == {"accuracy": 0.6}


def test_pearson_over_all_batches():
    metric = LegacyMetric(mx.metric.PearsonCorrelation(average="micro"))
    metric.update(SCORES[:, 1], LABELS, IDS)
    assert metric.compute()["pearsonr"] == pytest.approx(np.corrcoef(SCORES[:, 1], LABELS)[0, 1])


@pytest.mark.parametrize(
    "make",
    [
        mx.metric.Accuracy,
        mx.metric.CrossEntropy,
        lambda: mx.metric.Perplexity(ignore_label=None),
        lambda: mx.metric.create(["acc", "ce"]),
        lambda: mx.metric.CustomMetric(lambda label, pred: float(pred[:, 0].sum())),
    ],
)
def test_merge_and_state(make):
    whole = batch(LegacyMetric(make()), cuts=(2,))
    one, other = LegacyMetric(make()), LegacyMetric(make())
    one.update(SCORES[:2], LABELS[:2], IDS[:2])
    other.update(SCORES[2:], LABELS[2:], IDS[2:])
    one.merge(other)
    assert one.compute() == pytest.approx(whole.compute())
    again = whole.fresh()
    assert np.isnan(list(again.compute().values())).all()
    again.load_state_dict(whole.state_dict())
    assert again.compute() == whole.compute()


@pytest.mark.parametrize("make", [mx.metric.F1, mx.metric.PCC, mx.metric.PearsonCorrelation])
def test_state_that_cannot_be_read_is_an_error(make):
    metric = LegacyMetric(make())
    for call in (metric.state_dict, lambda: metric.merge(metric.fresh())):
        with pytest.raises(ConfigError, match="overrides reset"):
            call()


def test_a_users_metric_with_lists_and_a_zero_count():
    class PerTask(mx.metric.EvalMetric):  # the recipe that MXNet's Speedometer breaks
        def reset(self):
            self.sum_metric, self.num_inst = [0.0, 0.0], [0, 0]

        def update(self, labels, preds):
            for i in range(2):
                self.sum_metric[i] += float(preds[0].sum().asscalar())
                self.num_inst[i] += preds[0].shape[0]

        def get(self):
            values = [s / n for s, n in zip(self.sum_metric, self.num_inst)]
            return ["task0", "task1"], values

    metric = LegacyMetric(PerTask("tasks"))
    assert np.isnan(metric.compute()["tasks"])
    metric = LegacyMetric(batch(LegacyMetric(PerTask("tasks"))).metric, primary="task1")
    assert metric.compute() == {"task0": 1.0, "task1": 1.0}
    with pytest.raises(ConfigError):
        metric.state_dict()


def test_a_composite_resets_all_its_children():
    class Broken(mx.metric.Accuracy):
        pass

    composite = mx.metric.CompositeEvalMetric([Broken(), mx.metric.Accuracy(name="second")])
    metric = batch(LegacyMetric(composite))
    metric.reset()
    assert [child.num_inst for child in composite.metrics] == [0, 0]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (mx.metric.MAE(), False),
        (mx.metric.Loss(), False),
        (mx.metric.create(["ce", "acc"]), False),
        (mx.metric.Accuracy(), True),
        (mx.metric.MCC(), True),
    ],
)
def test_direction_is_known_for_mxnets_own(metric, expected):
    assert LegacyMetric(metric).higher_is_better is expected
    assert LegacyMetric(metric, higher_is_better=not expected).higher_is_better is not expected


def test_names_must_differ():
    with pytest.raises(ConfigError, match="each once"):
        LegacyMetric(mx.metric.create(["acc", "acc"]))
    with pytest.raises(ConfigError, match="none"):
        LegacyMetric(mx.metric.CompositeEvalMetric())
    with pytest.raises(ConfigError, match="'f1' among them"):
        LegacyMetric(mx.metric.Accuracy(), primary="f1")


def test_state_of_another_composite():
    with pytest.raises(CheckpointError, match="2 parts"):
        LegacyMetric(mx.metric.create(["acc", "ce"])).load_state_dict({"parts": []})


def test_what_does_not_fit_is_an_error():
    with pytest.raises(DataError, match="predictions"):
        LegacyMetric(mx.metric.Accuracy()).update([np.zeros(2), np.zeros(3)], LABELS[:2], IDS[:2])


class Uncounted(mx.metric.EvalMetric):
    """Keeps what it likes: `get` fails before the first update."""

    def reset(self):
        self.seen = []

    def update(self, labels, preds):
        self.seen.append(float(preds[0].sum().asscalar()))
        self.last = self.seen[-1]

    def get(self):
        return ["total", "last"], [sum(self.seen), self.last]


def test_names_that_are_learnt_at_an_update():
    metric = LegacyMetric(Uncounted("uncounted"))
    assert np.isnan(metric.compute()["uncounted"])
    assert batch(metric).compute() == pytest.approx({"total": 5.0, "last": 5.0})
    assert metric.primary == "total"
    assert LegacyMetric(Uncounted("uncounted"), primary="last").primary == "last"


def test_what_a_metric_raises_names_it():
    class Broken(mx.metric.EvalMetric):
        def update(self, labels, preds):
            raise KeyError("task")

    with pytest.raises(DataError, match=r"'broken' failed in update\(\): KeyError"):
        batch(LegacyMetric(Broken("broken")))
