"""What an update's gradient is multiplied by: Module's factor, or what the user states."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.engine.graph.rescale_grad import dividing_layers, single_losses
from densefit.errors import ConfigError
from densefit.model.symbol_graph import SymbolGraph

START = {
    "kind_fc_weight": mx.nd.array(np.linspace(-0.3, 0.3, 18).reshape(3, 6)),
    "kind_fc_bias": mx.nd.zeros((3,)),
}


def by_module(tiny, symbol, data, optimizer="sgd", params=(), parameters=None):
    """The parameters after Module.fit."""
    module = mx.mod.Module(symbol, label_names=[desc.name for desc in data.provide_label])
    module.fit(
        data, num_epoch=2, optimizer=optimizer, optimizer_params=params, eval_metric=[],
        arg_params=parameters or START, aux_params={},
    )  # fmt: skip
    return {name: array.asnumpy() for name, array in module.get_params()[0].items()}


def by_us(tiny, symbol, data, optimizer="sgd", params=(), parameters=None, **settings):
    routes = {"all": df.Route(symbol.list_outputs())}
    network = df.Network(symbol=symbol, routes=routes)
    network.set_params(parameters or START)
    given = None if isinstance(optimizer, mx.optimizer.Optimizer) else dict(params)
    df.fit(network, data, epochs=2, optimizer=optimizer, optimizer_params=given, **settings)
    return dict(network.parameters)


def assert_same(ours, theirs):
    assert set(ours) == set(theirs)
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("stated", [None, 1.0, 0.25, 1e-9])
@pytest.mark.parametrize("normalization", ["null", "batch", "valid"])
def test_a_symbol_s_steps_are_module_s(tiny, normalization, stated):
    params = {"learning_rate": 0.3, "momentum": 0.9}
    if stated is not None:
        params["rescale_grad"] = stated
    symbol = tiny.kind(normalization)
    found = [
        run(tiny, symbol, tiny.iterator(8, 4, ["kind_label"]), params=params)
        for run in (by_us, by_module)
    ]
    assert_same(*found)


@pytest.mark.parametrize("stated", [1e-9, 0.25, 1.0])
def test_an_optimizer_s_own_factor_stays(tiny, stated):
    found = [
        run(
            tiny, tiny.kind(), tiny.iterator(8, 4, ["kind_label"]),
            optimizer=mx.optimizer.SGD(learning_rate=0.3, rescale_grad=stated),
        )
        for run in (by_us, by_module)
    ]  # fmt: skip
    assert_same(*found)


def mixed():
    """A "valid" softmax beside a "null" smooth-L1 with a weight, as in SSD."""
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="kind_fc")
    kind = mx.sym.SoftmaxOutput(x, name="kind", normalization="valid", use_ignore=True)
    size = mx.sym.MakeLoss(mx.sym.smooth_l1(x - 1, scalar=1.0), grad_scale=0.5, name="size")
    return mx.sym.Group([kind, size])


def test_losses_normalised_in_several_ways_are_module_s(tiny):
    params = {"learning_rate": 0.1, "rescale_grad": 1.0}
    data = [tiny.iterator(8, 4, ["kind_label"]) for _ in range(2)]
    assert_same(
        by_us(tiny, mixed(), data[0], params=params),
        by_module(tiny, mixed(), data[1], params=params),
    )


@pytest.mark.parametrize(("stated", "factor"), [(None, 1 / 8), (0.5, 0.5)])
def test_micro_batches_are_summed_and_the_factor_multiplies_the_sum(tiny, stated, factor):
    params = {"learning_rate": 0.1}
    if stated is not None:
        params["rescale_grad"] = stated
    several = by_us(
        tiny, tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), params=params, accumulate=2
    )
    single = by_us(
        tiny, tiny.kind(), tiny.iterator(8, 8, ["kind_label"]),
        params={"learning_rate": 0.1, "rescale_grad": factor},
    )  # fmt: skip
    for name, value in single.items():
        np.testing.assert_allclose(several[name], value, rtol=1e-5, atol=1e-7)


def test_a_norm_is_clipped_behind_the_factor(tiny):
    """clip_norm sees what is applied: a gradient of norm 0.01 is not clipped to 1."""
    norms = tiny.Recorder("update_ended", lambda state, control: state.gradient_norm)
    settings = {"clip_norm": 0.05, "callbacks": [norms]}
    small = {"learning_rate": 1.0, "rescale_grad": 1e-3}
    data = [tiny.iterator(8, 8, ["kind_label"]) for _ in range(3)]
    clipped = by_us(tiny, tiny.kind(), data[0], params=small, **settings)
    plain = by_us(tiny, tiny.kind(), data[1], params=small)
    assert max(norms.seen) < 0.05
    assert_same(clipped, plain)
    large = by_us(
        tiny, tiny.kind(), data[2], params={"learning_rate": 1.0, "rescale_grad": 1.0}, **settings
    )
    moved = np.sqrt(sum(((large[n] - START[n].asnumpy()) ** 2).sum() for n in large))
    assert moved < 0.1001  # twice 0.05


def batch_loss(reduce):
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1, no_bias=True, name="fc")
    return mx.sym.MakeLoss(reduce(mx.sym.square(x)), name="loss")


@pytest.mark.parametrize("reduce", [mx.sym.mean, mx.sym.sum])
def test_a_loss_of_one_number_has_module_s_factor_and_is_told(tiny, reduce, caplog):
    parameters = {"fc_weight": mx.nd.ones((1, 6))}
    data = [mx.io.NDArrayIter(tiny.arrays(8)[0], batch_size=4) for _ in range(2)]
    params = {"learning_rate": 0.1}
    ours = by_us(tiny, batch_loss(reduce), data[0], params=params, parameters=parameters)
    # Module.fit stumbles over an iterator without labels; its methods do not.
    module = mx.mod.Module(batch_loss(reduce), label_names=None)
    module.bind(data[1].provide_data)
    module.init_params(arg_params=parameters, aux_params={})
    module.init_optimizer(optimizer_params=params)
    for _ in range(2):
        for batch in data[1]:
            module.forward_backward(batch)
            module.update()
        data[1].reset()
    assert_same(ours, {n: array.asnumpy() for n, array in module.get_params()[0].items()})
    assert "The losses loss are a single number per batch" in caplog.text


def test_what_is_told_of_an_optimizer_object(tiny, caplog):
    by_us(tiny, tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), optimizer=mx.optimizer.SGD())
    assert "SGD(rescale_grad=1 / 4, ...)" in caplog.text
    caplog.clear()
    by_us(
        tiny, tiny.kind("batch"), tiny.iterator(8, 4, ["kind_label"]),
        optimizer=mx.optimizer.SGD(rescale_grad=1.0),
    )  # fmt: skip
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_monitors_are_no_losses():
    x = mx.sym.Variable("data")
    symbol = mx.sym.Group(
        [
            mx.sym.MakeLoss(x, grad_scale=0, normalization="valid", name="watched"),
            mx.sym.MakeLoss(mx.sym.mean(x), grad_scale=0, name="shown"),
            mx.sym.MakeLoss(x, normalization="valid", name="trained"),
            mx.sym.make_loss(mx.sym.mean(x), name="small"),
        ]
    )
    assert dividing_layers(SymbolGraph.of(symbol)) == {"trained": "valid"}
    shapes = {"watched": (4, 3), "shown": (1,), "trained": (4, 3), "small_loss": (1,)}
    assert single_losses(SymbolGraph.of(symbol), shapes) == ["small_loss"]


@pytest.mark.parametrize("stated", ["half", float("nan")])
def test_a_factor_that_is_no_number(tiny, stated):
    with pytest.raises(ConfigError, match="rescale_grad is not a number"):
        by_us(
            tiny, tiny.kind(), tiny.iterator(8, 4, ["kind_label"]), params={"rescale_grad": stated}
        )


def test_our_heads_state_their_own_normalisation(tiny):
    network = tiny.network()
    for settings in (
        {"optimizer_params": {"rescale_grad": 0.1}},
        {"optimizer": mx.optimizer.SGD(rescale_grad=0.1)},
    ):
        with pytest.raises(ConfigError, match="set at each update"):
            df.fit(network, tiny.loader(network, 8, 4), epochs=1, **settings)
