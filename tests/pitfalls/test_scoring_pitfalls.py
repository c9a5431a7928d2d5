"""What Module.score, predict and iter_predict get wrong, and what score does instead."""

import logging
import warnings

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx

QUIET = logging.getLogger("densefit.mxnet")


def bound(symbol, data, labels=("kind_label",)):
    made = mx.mod.Module(symbol, label_names=list(labels), logger=QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.bind(data.provide_data, data.provide_label or None, for_training=False)
        made.init_params(mx.init.One())
    return made


def network_of(made, routes):
    network = df.Network(symbol=made.symbol, routes=routes)
    network.set_params(*made.get_params())
    return network


def test_padding_is_counted(tiny):
    data = tiny.iterator(10, 4, ["kind_label"])
    made, metric = bound(tiny.kind(), data), mx.metric.Accuracy()
    made.score(data, metric)
    assert metric.num_inst == 12
    heads = {"kind": df.Route(["kind"], ["kind_label"], [Samples()])}
    assert df.score(network_of(made, heads), data) == {"kind/samples": 10.0}


class Samples(df.Metric):
    """Counts samples."""

    name = primary = "samples"

    def reset(self):
        self.count = 0

    def update(self, predictions, targets, ids):
        self.count += len(ids)

    def compute(self):
        return {"samples": float(self.count)}

    merge = state_dict = load_state_dict = None


class NoPad(mx.io.NDArrayIter):
    """DataBatch's own default: pad=None."""

    def getpad(self):
        return None


def test_pad_none(tiny):
    x, kind, _ = tiny.arrays(8)
    data = NoPad({"data": x}, {"kind_label": kind}, 4)
    made = bound(tiny.kind(), data)
    with pytest.raises(TypeError):
        made.predict(data)
    assert df.score(network_of(made, tiny.kind_route()), data)["kind/accuracy"] >= 0


def test_a_scalar_is_cut_as_if_it_had_rows(tiny):
    """10 samples by 4: iter_predict cuts 2 of the 1 rows of the last batch's loss."""
    loss = mx.sym.MakeLoss(mx.sym.mean(mx.sym.Variable("data")), name="loss")
    x, _, _ = tiny.arrays(10)
    data = mx.io.NDArrayIter(x, batch_size=4)
    made = bound(loss, data, [])
    shapes = [outputs[0].shape for outputs, _, _ in made.iter_predict(data)]
    assert shapes == [(1,), (1,), (0,)]
    heads = {"loss": df.Route(["loss"], (), ["loss"], rows=0)}
    network = df.Network(symbol=loss, routes=heads)
    network.set_params({})
    assert df.score(network, data) == {"loss/loss": pytest.approx(x.mean(), abs=1e-6)}


def test_rows_of_a_sample_are_cut_as_if_each_were_a_sample(tiny):
    x, _, _ = tiny.arrays(3)
    symbol = mx.sym.reshape(mx.sym.Variable("data"), shape=(-1, 2), name="parts")  # 3 a sample
    data = mx.io.NDArrayIter(x, {"y": np.arange(3)}, 2)
    made = bound(symbol, mx.io.NDArrayIter(x, batch_size=2), [])
    rows = sum(outputs[0].shape[0] for outputs, _, _ in made.iter_predict(data))
    assert rows == 11  # 9 are real
    heads = {"parts": df.Route(["parts"], ["y"], [Parts()], rows=3)}
    network = df.Network(symbol=symbol, routes=heads)
    assert df.score(network, data) == {"parts/samples": 9.0}


class Parts(Samples):
    def update(self, predictions, targets, ids):
        self.count += predictions.shape[0] * predictions.shape[1]


def test_a_mean_of_batch_means(tiny):
    """Batches of 4 and 1: MXNet gives the single sample the weight of four."""
    x, _, size = tiny.arrays(5)
    head = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, name="fc")
    symbol = mx.sym.LinearRegressionOutput(head, name="size")
    data = mx.io.NDArrayIter({"data": x}, {"size_label": size}, 4)
    made = bound(symbol, data, ["size_label"])
    true = np.mean((x.sum(axis=1) + made.get_params()[0]["fc_bias"].asscalar() - size) ** 2)
    metric = mx.metric.MSE()
    for rows in (slice(0, 4), slice(4, 5)):
        prediction = mx.nd.array(x[rows].sum(axis=1, keepdims=True))
        metric.update([mx.nd.array(size[rows])], [prediction])
    assert metric.get()[1] != pytest.approx(true, rel=1e-2)
    heads = {"size": df.Route(["size"], ["size_label"], ["mse"])}
    for batch_size in (1, 2, 4, 5):
        data = mx.io.NDArrayIter({"data": x}, {"size_label": size}, batch_size)
        assert df.score(network_of(made, heads), data)["size/mse"] == pytest.approx(true, rel=1e-5)


def test_an_inference_module_cannot_be_scored(tiny):
    data = tiny.iterator(8, 4, ["kind_label"])
    made = bound(tiny.kind(), mx.io.NDArrayIter(tiny.arrays(8)[0], batch_size=4))
    with pytest.raises(TypeError):
        made.score(data, "acc")
    assert "kind/accuracy" in df.score(network_of(made, tiny.kind_route()), data)


def test_the_tail_of_an_epoch_is_lost(tiny):
    """roll_over: Module scores 8 of 10 samples, and the next time 12."""
    data = tiny.iterator(10, 4, ["kind_label"], last_batch_handle="roll_over")
    made, counts = bound(tiny.kind(), data), []
    for _ in range(2):
        metric = mx.metric.Accuracy()
        made.score(data, metric)
        counts.append(metric.num_inst)
    assert counts == [8, 12]
    network = network_of(made, tiny.kind_route())
    expected = df.score(network, tiny.iterator(10, 4, ["kind_label"]))
    assert [df.score(network, data) for _ in range(3)] == [expected] * 3
