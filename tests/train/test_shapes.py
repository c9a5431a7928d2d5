"""Batches of changing shapes: one set of parameters, gradients and optimizer states."""

import numpy as np
import pytest

import densefit as df
from densefit.data.batch import ArraySpec
from densefit.errors import BindError
from densefit.symbol import sym
from tests.executor import Executor
from tests.rows import DataIter, arrays_of, iterator_of_arrays, own_batch

SIZES = [(6, 6), (9, 7), (6, 6), (5, 8), (9, 7), (6, 6)]


class Changing(DataIter):
    """Pictures of several sizes with dense labels of a stride of 1, a batch each."""

    def __init__(self, sizes=SIZES, rows=2, announce=True):
        super().__init__(rows)
        rng = np.random.default_rng(0)
        self.batches, self.at, self.announce = [], 0, announce
        for size in sizes:
            x = rng.normal(size=(rows, 3, *size)).astype(np.float32)
            self.batches.append((x, rng.integers(0, 2, (rows, *size)).astype(np.float32)))
        self.provide_data = [ArraySpec("data", self.batches[0][0].shape)]
        self.provide_label = [ArraySpec("softmax_label", self.batches[0][1].shape)]

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == len(self.batches):
            raise StopIteration
        x, y = self.batches[self.at]
        self.at += 1
        told = {}
        if self.announce:
            told["provide_data"] = [ArraySpec("data", x.shape)]
            told["provide_label"] = [ArraySpec("softmax_label", y.shape)]
        return own_batch(self, [x], [y], **told)


def dense():
    x = sym.Variable("data")
    x = sym.Convolution(x, num_filter=4, kernel=(3, 3), pad=(1, 1), name="conv")
    x = sym.BatchNorm(x, fix_gamma=False, name="norm")
    x = sym.Activation(x, act_type="relu")
    x = sym.Convolution(x, num_filter=2, kernel=(1, 1), name="score")
    return sym.SoftmaxOutput(x, multi_output=True, normalization="valid", name="softmax")


def start(symbol):
    shapes, _, states = symbol.infer_shape(data=(2, 3, 6, 6))
    rng = np.random.default_rng(1)
    own = dict(zip(symbol.list_arguments(), shapes))
    arguments = {
        name: np.float32(rng.normal(size=shape) * 0.3)
        for name, shape in own.items()
        if name not in ("data", "softmax_label")
    }
    kinds = {"norm_moving_mean": np.zeros, "norm_moving_var": np.ones}
    auxiliary = dict(zip(symbol.list_auxiliary_states(), states))
    return arguments, {name: kinds[name](shape, np.float32) for name, shape in auxiliary.items()}


PARAMS = {"learning_rate": 0.2, "momentum": 0.9}


def ours(data, **settings):
    routes = {"softmax": df.Route(["softmax"], ["softmax_label"])}
    network = df.Network(symbol=dense(), routes=routes)
    network.set_params(*start(dense()))
    df.fit(network, data, optimizer_params=PARAMS, **settings)
    return network, {**network.parameters, **network.statistics}


def bound(x, y, arguments, states):
    executor = Executor(dense(), data=x.shape, softmax_label=y.shape)
    executor.arg_dict.update({"data": x, **arguments})
    executor.aux_dict.update(states)
    return executor


def test_micro_batches_of_several_shapes_add_up():
    """Gradients are added into one array, whatever Module computes them."""
    sizes = [(6, 6), (9, 7)]
    _, several = ours(Changing(sizes), epochs=1, accumulate=2)
    arguments, _ = start(dense())
    total = dict.fromkeys(arguments, 0.0)
    states = start(dense())[1]
    for x, y in Changing(sizes).batches:
        executor = bound(x, y, arguments, states)
        executor.forward(is_train=True, softmax_label=y)
        executor.backward()
        for name in total:
            total[name] = total[name] + executor.grad_dict[name]
    for name, gradient in total.items():
        expected = arguments[name] - 0.2 * gradient / 4
        np.testing.assert_allclose(several[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


def test_changing_sizes_are_scored_and_the_numbers_are_of_all_cells():
    network, _ = ours(Changing(), epochs=1)
    routed = {"softmax": df.Route(["softmax"], ["softmax_label"], ["accuracy"])}
    found = df.score(network, Changing(), heads=routed)["softmax/accuracy"]
    hits, cells = 0, 0
    for x, y in Changing().batches:
        executor = bound(x, y, network.parameters, network.statistics)
        (scores,) = executor.forward(is_train=False)
        hits, cells = hits + (scores.argmax(1) == y).sum(), cells + y.size
    assert found == pytest.approx(hits / cells, abs=1e-7)


def test_a_size_that_a_parameter_depends_on_is_told():
    x = sym.FullyConnected(sym.Variable("data"), num_hidden=2, name="fc")
    symbol = sym.SoftmaxOutput(x, name="softmax")

    class Flat(Changing):
        def next(self):
            data, _, _ = arrays_of(super().next())
            return own_batch(self, data, [np.zeros(2)], provide_label=self.provide_label)

    data = Flat()
    data.provide_label = [ArraySpec("softmax_label", (2,))]
    with pytest.raises(BindError, match="(?s)'fc_weight' of another shape.*global Pooling"):
        df.fit(symbol, data, heads={"softmax": df.Route(["softmax"])}, epochs=1)


def fixed_rows():
    """The batch size stands in the symbol."""
    x = sym.Reshape(sym.Variable("data"), shape=(4, 6), name="flat")
    return sym.SoftmaxOutput(sym.FullyConnected(x, num_hidden=2, name="fc"), name="softmax")


def padded_arrays(length=10):
    x = np.random.default_rng(3).normal(size=(length, 2, 3)).astype(np.float32)
    return x, (x[:, 0, 0] > 0).astype(np.float32)


def padded():
    return iterator_of_arrays(*padded_arrays(), 4)


def test_a_symbol_that_is_made_for_its_batch_size_is_scored_exactly(caplog):
    rng = np.random.default_rng(0)
    given = {"fc_weight": np.float32(rng.normal(size=(2, 6))), "fc_bias": np.zeros(2)}
    history = df.fit(fixed_rows(), padded(), epochs=2, arg_params=dict(given))
    ours = dict(history.network.parameters)
    assert "made for batches of 4 rows" in caplog.text
    x, y = padded_arrays()
    x = x.reshape(10, 6)
    logits = x @ ours["fc_weight"].T + ours["fc_bias"]
    expected = {"softmax/accuracy": pytest.approx((logits.argmax(axis=1) == y).mean())}
    assert df.score(history.network, padded()) == expected
    outputs = df.predict(history.network, padded())["softmax_output"]
    assert outputs.shape == (10, 2)
    np.testing.assert_array_equal(outputs.argmax(axis=1), logits.argmax(axis=1))


def test_a_short_batch_for_such_a_symbol_is_told():
    pairs = [(np.ones((n, 2, 3), np.float32), np.zeros(n, np.float32)) for n in (4, 2)]
    with pytest.raises(BindError, match="(?s)number of rows than the symbol is made for.*shape="):
        df.fit(fixed_rows(), pairs, epochs=1)
