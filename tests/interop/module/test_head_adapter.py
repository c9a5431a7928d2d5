import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, ConfigError
from densefit.interop import module_head


def network(tiny):
    return df.Network(symbol=tiny.two_heads(), routes=tiny.routes())


class Sizes(mx.metric.EvalMetric):
    """Rows of each array, added up."""

    def reset(self):
        self.rows = {}

    def update_dict(self, labels, preds):
        for name, array in (*labels.items(), *preds.items()):
            self.rows[name] = self.rows.get(name, 0) + array.shape[0]

    def get(self):
        return list(self.rows), list(self.rows.values())


@pytest.mark.parametrize("batch_size", [3, 4, 5])
def test_real_rows_only_in_training_and_validation(tiny, batch_size):
    history = df.fit(
        tiny.two_heads(), tiny.iterator(10, batch_size), heads=tiny.routes(), epochs=1,
        validation=tiny.iterator(7, batch_size), eval_metric=Sizes("sizes"),
    )  # fmt: skip
    names = ["kind_label", "size_label", "kind_output", "size_output"]
    train, validation = history.epochs[0]["train"], history.epochs[0]["validation"]
    assert {name: train[f"module/{name}"] for name in names} == dict.fromkeys(names, 10.0)
    assert {name: validation[f"module/{name}"] for name in names} == dict.fromkeys(names, 7.0)


def test_labels_come_in_the_order_of_the_data(tiny):
    seen = []

    class Order(Sizes):
        def update_dict(self, labels, preds):
            seen.append((list(labels), list(preds)))

    def turned(iterator):
        batch = iterator.next()
        return mx.io.DataBatch(batch.data, batch.label[::-1], pad=batch.pad)

    data = tiny.Changed(tiny.iterator(4, 4), turned)
    data.provide_label = data.provide_label[::-1]
    df.fit(tiny.two_heads(), data, heads=tiny.routes(), epochs=1, eval_metric=Order("order"))
    assert seen == [(["size_label", "kind_label"], ["kind_output", "size_output"])]


def test_outputs_with_any_number_of_rows(tiny):
    """One number for the batch, three rows a batch, two rows a sample, and one row a sample."""
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    loss = mx.sym.MakeLoss(mx.sym.mean(mx.sym.square(x)), name="loss")
    few = mx.sym.BlockGrad(mx.sym.slice_axis(x, axis=0, begin=0, end=3), name="few")
    rows = mx.sym.BlockGrad(mx.sym.reshape(x, (-1, 1)), name="rows")
    symbol = mx.sym.Group([loss, few, rows, mx.sym.BlockGrad(x, name="same")])
    data = tiny.iterator(7, 4, [])  # four, and three with padding
    history = df.fit(
        symbol, data, heads={"loss": df.Route(["loss"])}, epochs=1, eval_metric=Sizes("sizes")
    )
    expected = {"loss_output": 2, "few_output": 6, "rows_output": 14, "same_output": 7}
    expected = {f"module/{name}": float(count) for name, count in expected.items()}
    assert history.epochs[0]["train"] == expected
    assert df.score(history.network, data, eval_metric=Sizes("sizes")) == expected


def test_a_users_object_is_updated_itself(tiny):
    metric, other = mx.metric.Accuracy(), mx.metric.Accuracy()
    history = df.fit(
        tiny.kind(), tiny.iterator(12, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
        validation=tiny.iterator(8, 4, ["kind_label"]), eval_metric=metric,
    )  # fmt: skip
    assert metric.global_num_inst == 12  # and not 8, of the validation
    data = tiny.iterator(8, 4, ["kind_label"])
    scores = df.score(history.network, data, heads=["kind"], eval_metric=other)
    assert scores["module/accuracy"] == scores["kind/accuracy"] == other.get()[1]
    assert scores == {**history.last_validation}


def test_a_metric_of_the_first_pass_is_the_users_and_later_ones_are_new(tiny):
    metric = mx.metric.Loss()
    adapter = module_head(network(tiny), metric)
    (first,), (second,) = adapter.metrics("train"), adapter.metrics("train")
    assert first.metric is metric
    assert second.metric is not metric
    (validation,) = adapter.metrics("evaluate")
    assert validation.metric is not metric
    assert isinstance(validation.metric, mx.metric.Loss)


@pytest.mark.parametrize("same", [True, False])
def test_one_object_never_serves_both_passes(tiny, same):
    metric, other = mx.metric.Loss(), mx.metric.Loss()
    adapter = module_head(network(tiny), metric, metric if same else other)
    (judge,) = adapter.metrics("evaluate")
    assert judge.metric is not metric
    assert (judge.metric is other) is not same


def test_without_heads_nothing_but_the_metric_is_scored(tiny):
    plain = df.Network(symbol=tiny.kind(), routes={})
    plain.set_params({"kind_fc_weight": np.eye(3, 6), "kind_fc_bias": np.zeros(3)}, {})
    data = tiny.iterator(8, 4, ["kind_label"])
    assert df.score(plain, data, eval_metric="acc") == {"module/accuracy": 1.0}


def test_a_label_that_the_data_lack(tiny):
    metric = mx.metric.Accuracy(label_names=["other_label"])
    with pytest.raises(BindError, match="'module' needs the label 'other_label'"):
        df.fit(
            tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=1,
            eval_metric=metric,
        )  # fmt: skip


def test_a_network_of_heads_has_none(tiny):
    with pytest.raises(ConfigError, match="built of heads"):
        module_head(tiny.network(), "acc")


def test_a_head_of_its_name(tiny):
    routes = {"module": tiny.kind_route()["kind"]}
    with pytest.raises(ConfigError, match="'module'"):
        module_head(df.Network(symbol=tiny.kind(), routes=routes), "acc")


def test_the_best_is_kept_by_it(tiny, tmp_path):
    saver = df.Saver(tmp_path / "run", keep=df.Keep(best="module/accuracy"))
    history = df.fit(
        tiny.kind(), tiny.iterator(12, 4, ["kind_label"]), heads=tiny.kind_route(), epochs=2,
        validation=tiny.iterator(8, 4, ["kind_label"]), eval_metric="acc", checkpoint=saver,
    )  # fmt: skip
    assert "module/accuracy" in history.last_validation
