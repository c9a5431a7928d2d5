"""Shapes of public programs: what their callbacks do with the Module, and Modules of their own."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError

ROWS, BATCH, WIDTH, CLASSES = 12, 4, 5, 3


def iterator(length=ROWS, seed=0, batch_size=BATCH, **settings):
    rng = np.random.RandomState(seed)
    label = rng.randint(0, CLASSES, length)
    data = rng.normal(0, 0.5, (length, WIDTH)).astype("float32")
    data[np.arange(length), label] += 1
    return mx.io.NDArrayIter(data, label.astype("float32"), batch_size, **settings)


def symbol():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=6, name="fc1")
    x = mx.sym.Activation(x, act_type="tanh", name="tanh1")
    x = mx.sym.FullyConnected(x, num_hidden=CLASSES, name="fc2")
    return mx.sym.SoftmaxOutput(x, name="softmax")


class Forwards(mx.mod.Module):
    """Changes the batch before each forward pass, as distillation does."""

    def forward(self, data_batch, is_train=None):
        data_batch.data = [array * 2 for array in data_batch.data]
        super().forward(data_batch, is_train)


class Helpful(mx.mod.Module):
    """Adds a method of its own."""

    def weights(self):
        return self.get_params()[0]


def with_reduced_variance(net):
    # Imported late: it registers optimizers, which other tests would train with.
    from mxnet.contrib.svrg_optimization.svrg_module import SVRGModule

    return SVRGModule(net, update_freq=2)


@pytest.mark.parametrize(
    ("made", "method"), [(Forwards, "forward"), (with_reduced_variance, "update")]
)
def test_a_module_that_trains_in_its_own_way_is_refused_with_advice(made, method):
    with pytest.raises(ConfigError, match=f"(?s){method}.*fix: .*its symbol"):
        df.fit(made(symbol()), iterator(), epochs=1)


def test_a_module_with_more_methods_trains(program):
    net = symbol()
    arg_params, _ = program.initial(net, data=(BATCH, WIDTH), softmax_label=(BATCH,))
    settings = {"arg_params": arg_params, "optimizer_params": {"learning_rate": 0.3}}
    theirs, ours = Helpful(net), Helpful(net)
    theirs.fit(iterator(), num_epoch=2, **settings)
    df.fit(ours, iterator(), epochs=2, **settings)
    program.assert_params_equal(theirs.get_params(), ours.get_params())


def test_a_fit_of_its_own_is_not_run_and_said_so(caplog):
    class Loops(mx.mod.Module):
        def fit(self, train_data, num_epoch):
            raise NotImplementedError

    with caplog.at_level("WARNING", "densefit"):
        df.fit(Loops(symbol()), iterator(), epochs=1)
    assert "Loops has a fit of its own" in caplog.text


def test_label_names_that_the_symbol_does_not_have():
    with pytest.warns(UserWarning, match="not found in symbol"):
        module = mx.mod.Module(symbol(), label_names=["label"])
    with pytest.raises(ConfigError, match=r"(?s)softmax_label.*label_names=\['softmax_label'\]"):
        df.fit(module, iterator(), epochs=1)


def test_a_module_without_label_names_predicts(program):
    arg_params, aux_params = program.initial(symbol(), data=(BATCH, WIDTH), softmax_label=(BATCH,))
    module = mx.mod.Module(symbol(), label_names=None)
    found = df.predict(module, iterator(), arg_params=arg_params, aux_params=aux_params)
    assert found["softmax_output"].shape == (ROWS, CLASSES)


# Callbacks that read the Module, or change it.


def finite(value):
    return np.asarray(value.asnumpy() if isinstance(value, mx.nd.NDArray) else value).copy()


@pytest.fixture
def followed(program):
    """Runs a program with a callback under both, and compares parameters and what was seen.

    `make(module)` gives settings of the fit with a callback, which appends to `module.seen`.
    """

    def both(make, validation=iterator, length=ROWS, epochs=2):
        net = symbol()
        arg_params, _ = program.initial(net, 0.4, data=(BATCH, WIDTH), softmax_label=(BATCH,))
        theirs, ours = mx.mod.Module(net), mx.mod.Module(net)
        for module in (theirs, ours):
            module.seen = []
            settings = {
                "eval_metric": "acc",
                "arg_params": arg_params,
                "optimizer_params": {"learning_rate": 0.3, "momentum": 0.9},
                **make(module),
            }
            if module is theirs:
                module.fit(iterator(length), validation(8, 1), num_epoch=epochs, **settings)
            else:
                df.fit(
                    module,
                    iterator(length),
                    validation=validation(8, 1),
                    epochs=epochs,
                    **settings,
                )
        program.assert_params_equal(theirs.get_params(), ours.get_params())
        assert len(ours.seen) == len(theirs.seen)
        for one, other in zip(ours.seen, theirs.seen):
            np.testing.assert_allclose(finite(one), finite(other), rtol=1e-5, atol=1e-7)
        return theirs, ours

    return both


def half_the_rate(module):
    def callback(*param):
        module._optimizer.lr *= 0.5

    return callback


def clip_weights(module):
    """As a Wasserstein critic has them clipped."""

    def callback(*param):
        arg_params, aux_params = module.get_params()
        clipped = {name: mx.nd.clip(value, -0.2, 0.2) for name, value in arg_params.items()}
        module.set_params(clipped, aux_params)

    return callback


def prune_in_place(module):
    def callback(*param):
        for name, (array, *_) in zip(
            module._exec_group.param_names, module._exec_group.param_arrays
        ):
            if name.endswith("_weight"):
                array[:] = array * (mx.nd.abs(array) > 0.2)

    return callback


@pytest.mark.parametrize("event", ["batch_end_callback", "epoch_end_callback", "eval_end_callback"])
@pytest.mark.parametrize("change", [half_the_rate, clip_weights])
def test_what_a_callback_changes_is_trained_on(followed, event, change):
    followed(lambda module: {event: change(module)})


def test_what_a_callback_writes_into_the_executors_is_trained_on(followed):
    followed(lambda module: {"batch_end_callback": prune_in_place(module)})


def test_the_rate_that_a_callback_has_set_stays(followed, program):
    """The next fit goes on with the optimizer, and so with its rate."""
    theirs, ours = followed(lambda module: {"epoch_end_callback": half_the_rate(module)})
    assert ours._optimizer.lr == theirs._optimizer.lr == 0.3 / 4
    theirs.fit(iterator(), begin_epoch=2, num_epoch=3)
    df.fit(ours, iterator(), begin_epoch=2, epochs=3)
    program.assert_params_equal(theirs.get_params(), ours.get_params())


def test_an_optimizer_object_is_changed_through_the_module(followed):
    def make(module):
        optimizer = mx.optimizer.SGD(learning_rate=0.3, momentum=0.9, rescale_grad=1.0 / BATCH)
        return {
            "optimizer": optimizer,
            "optimizer_params": (),
            "batch_end_callback": half_the_rate(module),
        }

    followed(make)


def test_the_rate_is_read_at_each_batch(followed):
    """Fine-tuners show it."""

    def make(module):
        def show(param):
            module.seen.append(param.locals["self"]._optimizer._get_lr(0))
            module.seen.append(module._optimizer.num_update)

        return {
            "batch_end_callback": show,
            "optimizer_params": {
                "learning_rate": 0.3,
                "lr_scheduler": mx.lr_scheduler.FactorScheduler(2, 0.5, base_lr=0.3),
            },
        }

    followed(make)


def test_the_best_parameters_are_kept(followed):
    """An eval_end_callback that goes back to the best epoch so far."""

    def make(module):
        best = {"score": -1.0}

        def keep(param):
            ((_, score),) = param.eval_metric.get_name_value()
            module.seen.append(score)
            if score > best["score"]:
                arg_params, aux_params = module.get_params()
                best.update(score=score, params={n: v.copy() for n, v in arg_params.items()})
            else:
                module.set_params(best["params"], {})

        return {"eval_end_callback": keep, "optimizer_params": {"learning_rate": 2.0}}

    followed(make, epochs=4)


def test_states_are_saved_after_a_change(followed, tmp_path):
    """module_checkpoint beside a callback that reads the Module at each batch."""

    def make(module):
        prefix = str(tmp_path / f"m{len(list(tmp_path.iterdir()))}")
        module.prefix = prefix
        return {
            "batch_end_callback": half_the_rate(module),
            "epoch_end_callback": mx.callback.module_checkpoint(
                module, prefix, save_optimizer_states=True
            ),
        }

    theirs, ours = followed(make)
    for module in (theirs, ours):
        loaded = mx.mod.Module.load(module.prefix, 2, load_optimizer_states=True)
        loaded.bind(iterator().provide_data, iterator().provide_label)
        loaded.init_optimizer(optimizer_params={"learning_rate": 0.3, "momentum": 0.9})
        module.states = loaded._updater.states
    assert theirs.states.keys() == ours.states.keys()
    for key, value in theirs.states.items():
        np.testing.assert_array_equal(value.asnumpy(), ours.states[key].asnumpy())
