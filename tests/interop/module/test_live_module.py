"""A Module in training is up to date for whoever looks into it, and heeds what they change."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df

PARAMS = {"learning_rate": 0.2, "momentum": 0.9}


def symbol():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=5, name="one")
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="norm")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="two"), name="softmax")


NET = symbol()


def data():
    x = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)
    return mx.io.NDArrayIter(x, (x[:, 0] > 0).astype(np.float32), 4)


def start():
    rng = np.random.default_rng(1)
    shapes, _, states = NET.infer_shape(data=(4, 6))
    arguments = {
        name: mx.nd.array(rng.normal(size=shape) * 0.4)
        for name, shape in zip(NET.list_arguments(), shapes)
        if name not in ("data", "softmax_label")
    }
    kinds = zip(NET.list_auxiliary_states(), states, (mx.nd.zeros, mx.nd.ones))
    return arguments, {name: kind(shape) for name, shape, kind in kinds}


def trained(by, module, epochs=2, **settings):
    """The Module, after its own fit or ours."""
    settings = {"eval_metric": "acc", "optimizer_params": PARAMS, **settings}
    if by == "module":
        module.fit(data(), num_epoch=epochs, **settings)
    else:
        df.fit(module, data(), epochs=epochs, **settings)
    return module


def values(module):
    arguments, auxiliary = module.get_params()
    return {name: array.asnumpy().copy() for name, array in {**arguments, **auxiliary}.items()}


def assert_equal(theirs, ours):
    assert set(theirs) == set(ours)
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def both(run):
    """`run(by, module)` of a Module for each kind of fit, with the same parameters."""
    found = []
    for by in ("module", "densefit"):
        module = mx.mod.Module(NET)
        arguments, auxiliary = start()
        found.append(run(by, module, {"arg_params": arguments, "aux_params": auxiliary}))
    return found


def test_outputs_and_gradients_are_those_of_the_batch():
    def run(by, module, given):
        seen = []

        def look(param):
            own = param.locals["self"]
            seen.append(own.get_outputs()[0].asnumpy().copy())
            seen.append(module.get_outputs()[0].asnumpy().copy())
            seen.append(module._exec_group.grad_arrays[0][0].asnumpy().copy())
            seen.append(module.get_params()[0]["two_weight"].asnumpy().copy())

        trained(by, module, batch_end_callback=look, **given)
        return seen

    theirs, ours = both(run)
    assert len(theirs) == len(ours) == 32
    for one, other in zip(theirs, ours):
        np.testing.assert_array_equal(other, one)


def lower(param):
    if param.nbatch == 1:
        param.locals["self"]._optimizer.lr *= 0.5


def clip(param):
    module = param.locals["self"]
    arguments, auxiliary = module.get_params()
    clipped = {name: mx.nd.clip(array, -0.3, 0.3) for name, array in arguments.items()}
    module.set_params(clipped, auxiliary)


def halve(param):
    param.locals["self"]._optimizer.rescale_grad *= 0.5


@pytest.mark.parametrize("change", [lower, clip, halve])
def test_what_a_callback_changes_counts(change):
    theirs, ours = both(
        lambda by, module, given: values(trained(by, module, batch_end_callback=change, **given))
    )
    assert_equal(theirs, ours)


@pytest.mark.parametrize("change", ["rescale_grad", "lr"])
def test_what_a_callback_changes_of_an_optimizer_object_counts(change):
    for model in ("module", "symbol"):
        found = []
        for by in ("module", "densefit"):
            optimizer = mx.optimizer.SGD(learning_rate=0.2, rescale_grad=0.25)

            def halve(param, optimizer=optimizer):
                setattr(optimizer, change, getattr(optimizer, change) * 0.5)

            module = mx.mod.Module(NET)
            arguments, auxiliary = start()
            settings = {
                "arg_params": arguments, "aux_params": auxiliary, "optimizer": optimizer,
                "batch_end_callback": halve, "eval_metric": "acc",
            }  # fmt: skip
            if by == "densefit" and model == "symbol":
                network = df.fit(NET, data(), epochs=2, **settings).network
                found.append({**network.parameters, **network.statistics})
            else:
                module = trained(by, module, **settings, optimizer_params=())
                found.append(values(module))
        assert_equal(*found)


@pytest.mark.parametrize("store", ["local", "object"])
def test_a_module_goes_on_by_its_own_fit_with_its_store(store):
    def run(by, module, given):
        kvstore = mx.kv.create("local") if store == "object" else "local"
        trained("module", module, 1, kvstore=kvstore, **given)
        trained(by, module, 1, kvstore=kvstore)
        trained("module", module, 1, kvstore=kvstore)
        return values(module)

    assert_equal(*both(run))


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda: mx.lr_scheduler.FactorScheduler(3, 0.5),
        lambda: mx.lr_scheduler.MultiFactorScheduler([3, 6]),
    ],
)
def test_a_scheduler_stands_where_it_stands_in_module(scheduler):
    def run(by, module, given):
        params = {"learning_rate": 0.1, "lr_scheduler": scheduler()}
        trained(by, module, optimizer_params=params, **given)
        rate = module._optimizer.learning_rate
        trained("module", module, 1)
        return {"rate": np.array(rate), **values(module)}

    assert_equal(*both(run))


@pytest.mark.parametrize("how", ["accumulate", "ema"])
def test_a_training_that_the_module_cannot_serve_gives_it_the_result(how):
    arguments, auxiliary = start()
    module = mx.mod.Module(NET)
    settings = {"accumulate": {"accumulate": 2}, "ema": {"ema": 0.5}}[how]
    history = df.fit(
        module, data(), epochs=2, arg_params=arguments, aux_params=auxiliary,
        optimizer_params=PARAMS, **settings,
    )  # fmt: skip
    network = {**history.network.parameters, **history.network.statistics}
    assert_equal(network, values(module))
    trained("module", module, 1)  # and it may go on


def test_the_result_is_a_network_of_its_own():
    """What the Module does afterwards changes nothing of it."""
    arguments, auxiliary = start()
    module = mx.mod.Module(NET)
    history = df.fit(module, data(), epochs=1, arg_params=arguments, aux_params=auxiliary)
    before = history.network.parameters["two_weight"].copy()
    trained("module", module, 1)
    np.testing.assert_array_equal(history.network.parameters["two_weight"], before)
