"""Batches of changing shapes: one set of parameters, gradients and optimizer states."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError

SIZES = [(6, 6), (9, 7), (6, 6), (5, 8), (9, 7), (6, 6)]


class Changing(mx.io.DataIter):
    """Pictures of several sizes with dense labels of a stride of 1, a batch each."""

    def __init__(self, sizes=SIZES, rows=2, announce=True):
        super().__init__(rows)
        rng = np.random.default_rng(0)
        self.batches, self.at, self.announce = [], 0, announce
        for size in sizes:
            x = rng.normal(size=(rows, 3, *size)).astype(np.float32)
            self.batches.append((x, rng.integers(0, 2, (rows, *size)).astype(np.float32)))
        self.provide_data = [mx.io.DataDesc("data", self.batches[0][0].shape)]
        self.provide_label = [mx.io.DataDesc("softmax_label", self.batches[0][1].shape)]

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == len(self.batches):
            raise StopIteration
        x, y = self.batches[self.at]
        self.at += 1
        told = {}
        if self.announce:
            told["provide_data"] = [mx.io.DataDesc("data", x.shape)]
            told["provide_label"] = [mx.io.DataDesc("softmax_label", y.shape)]
        return mx.io.DataBatch([mx.nd.array(x)], [mx.nd.array(y)], **told)


def dense():
    x = mx.sym.Variable("data")
    x = mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), pad=(1, 1), name="conv")
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="norm")
    x = mx.sym.Activation(x, act_type="relu")
    x = mx.sym.Convolution(x, num_filter=2, kernel=(1, 1), name="score")
    return mx.sym.SoftmaxOutput(x, multi_output=True, normalization="valid", name="softmax")


def start(symbol):
    shapes, _, states = symbol.infer_shape(data=(2, 3, 6, 6))
    rng = np.random.default_rng(1)
    own = dict(zip(symbol.list_arguments(), shapes))
    arguments = {
        name: mx.nd.array(rng.normal(size=shape) * 0.3)
        for name, shape in own.items()
        if name not in ("data", "softmax_label")
    }
    kinds = {"norm_moving_mean": mx.nd.zeros, "norm_moving_var": mx.nd.ones}
    auxiliary = dict(zip(symbol.list_auxiliary_states(), states))
    return arguments, {name: kinds[name](shape) for name, shape in auxiliary.items()}


PARAMS = {"learning_rate": 0.2, "momentum": 0.9}


def ours(data, **settings):
    routes = {"softmax": df.Route(["softmax"], ["softmax_label"])}
    network = df.Network(symbol=dense(), routes=routes)
    network.set_params(*start(dense()))
    df.fit(network, data, optimizer_params=PARAMS, **settings)
    arguments, auxiliary = (df.interop.arg_params(network), df.interop.aux_params(network))
    return network, {n: v.asnumpy() for n, v in {**arguments, **auxiliary}.items()}


@pytest.mark.parametrize("announce", [True, False])
@pytest.mark.usefixtures("module_waits")
@pytest.mark.parametrize("model", ["symbol", "module"])
def test_changing_sizes_train_as_with_module_which_rebinds(announce, model):
    data = Changing(announce=True)  # a Module needs to be told the labels' shapes
    module = mx.mod.Module(dense())
    arguments, auxiliary = start(dense())
    module.fit(
        data, num_epoch=2, optimizer_params=PARAMS, eval_metric=[],
        arg_params=arguments, aux_params=auxiliary,
    )  # fmt: skip
    theirs = {n: v.asnumpy() for part in module.get_params() for n, v in part.items()}
    if model == "module":
        mine = mx.mod.Module(dense())
        arguments, auxiliary = start(dense())
        df.fit(
            mine, Changing(announce=announce), epochs=2, optimizer_params=PARAMS,
            arg_params=arguments, aux_params=auxiliary, eval_metric=[],
        )  # fmt: skip
        found = {n: v.asnumpy() for part in mine.get_params() for n, v in part.items()}
        mine.fit(data, num_epoch=1, eval_metric=[], optimizer_params=PARAMS)  # it may go on
    else:
        _, found = ours(Changing(announce=announce), epochs=2)
    assert set(found) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_a_shape_is_bound_once_and_few_are_kept(monkeypatch):
    from densefit.engine.mxnet.module import Modules

    seen = []
    inner = Modules.of

    def spied(self, shapes):
        found = inner(self, shapes)
        seen.append((self.binds, len(self._cache)))
        return found

    monkeypatch.setattr(Modules, "of", spied)
    ours(Changing(), epochs=3)
    assert seen[-1] == (3, 2)
    seen.clear()
    monkeypatch.setattr(Modules.__init__, "__defaults__", (2,))
    ours(Changing([(k, 6) for k in range(4, 12)]), epochs=1)
    assert seen[-1] == (8, 2)


def test_micro_batches_of_several_shapes_add_up():
    """Gradients are added into one array, whatever Module computes them."""
    sizes = [(6, 6), (9, 7)]
    _, several = ours(Changing(sizes), epochs=1, accumulate=2)
    arguments, _ = start(dense())
    total = dict.fromkeys(arguments, 0.0)
    states = start(dense())[1]
    for x, y in Changing(sizes).batches:
        executor = dense().simple_bind(mx.cpu(), data=x.shape, softmax_label=y.shape)
        executor.copy_params_from(arguments, states)
        executor.forward(is_train=True, data=mx.nd.array(x), softmax_label=mx.nd.array(y))
        executor.backward()
        for name in total:
            total[name] = total[name] + executor.grad_dict[name].asnumpy()
    for name, gradient in total.items():
        expected = arguments[name].asnumpy() - 0.2 * gradient / 4
        np.testing.assert_allclose(several[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


def test_changing_sizes_are_scored_and_the_numbers_are_of_all_cells():
    network, _ = ours(Changing(), epochs=1)
    routed = {"softmax": df.Route(["softmax"], ["softmax_label"], ["accuracy"])}
    found = df.score(network, Changing(), heads=routed)["softmax/accuracy"]
    hits, cells = 0, 0
    arguments, auxiliary = (df.interop.arg_params(network), df.interop.aux_params(network))
    for x, y in Changing().batches:
        executor = dense().simple_bind(mx.cpu(), data=x.shape, softmax_label=y.shape)
        executor.copy_params_from(arguments, auxiliary)
        scores = executor.forward(is_train=False, data=mx.nd.array(x))[0].asnumpy()
        hits, cells = hits + (scores.argmax(1) == y).sum(), cells + y.size
    assert found == pytest.approx(hits / cells, abs=1e-7)


def test_a_size_that_a_parameter_depends_on_is_told():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
    symbol = mx.sym.SoftmaxOutput(x, name="softmax")

    class Flat(Changing):
        def next(self):
            batch = super().next()
            batch.label = [mx.nd.zeros((2,))]
            batch.provide_label = self.provide_label
            return batch

    data = Flat()
    data.provide_label = [mx.io.DataDesc("softmax_label", (2,))]
    with pytest.raises(BindError, match="(?s)'fc_weight' of another shape.*global Pooling"):
        df.fit(symbol, data, heads={"softmax": df.Route(["softmax"])}, epochs=1)


def fixed_rows():
    """The batch size stands in the symbol."""
    x = mx.sym.Reshape(mx.sym.Variable("data"), shape=(4, 6), name="flat")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="fc"), name="softmax")


def padded(length=10):
    x = np.random.default_rng(3).normal(size=(length, 2, 3)).astype(np.float32)
    return mx.io.NDArrayIter(x, (x[:, 0, 0] > 0).astype(np.float32), 4)


def test_a_symbol_that_is_made_for_its_batch_size_trains_as_module_and_is_scored_exactly(caplog):
    rng = np.random.default_rng(0)
    given = {"fc_weight": mx.nd.array(rng.normal(size=(2, 6))), "fc_bias": mx.nd.zeros(2)}
    module = mx.mod.Module(fixed_rows())
    module.fit(padded(), num_epoch=2, arg_params=dict(given), eval_metric=[])
    history = df.fit(fixed_rows(), padded(), epochs=2, arg_params=dict(given))
    ours = dict(history.network.parameters)
    for name, value in module.get_params()[0].items():
        np.testing.assert_array_equal(ours[name], value.asnumpy())
    assert "made for batches of 4 rows" in caplog.text
    x, y = padded().data[0][1].asnumpy().reshape(10, 6), padded().label[0][1].asnumpy()
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


def test_a_module_is_bound_once_for_each_shape(monkeypatch):
    bound = []
    inner = mx.mod.Module.reshape
    monkeypatch.setattr(
        mx.mod.Module, "reshape", lambda self, *given: (bound.append(1), inner(self, *given))[1]
    )
    df.fit(mx.mod.Module(dense()), Changing(), epochs=3)
    assert len(bound) == 2  # of three shapes, beside the first
