"""Shapes of public programs: what their callbacks do with the Module, and Modules of their own."""

import mxnet as mx
import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError, DataError

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

BOTH_ENGINES = pytest.mark.parametrize("engine", ["mxnet", "torch"], indirect=True)


@pytest.fixture
def followed(program, engine):
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
                    engine=engine,
                    **settings,
                )
        program.assert_params_equal(theirs.get_params(), ours.get_params())
        assert len(ours.seen) == len(theirs.seen)
        for one, other in zip(ours.seen, theirs.seen):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
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


@BOTH_ENGINES
@pytest.mark.parametrize("event", ["batch_end_callback", "epoch_end_callback", "eval_end_callback"])
@pytest.mark.parametrize("change", [half_the_rate, clip_weights])
def test_what_a_callback_changes_is_trained_on(followed, event, change):
    followed(lambda module: {event: change(module)})


@BOTH_ENGINES
def test_what_a_callback_writes_into_the_executors_is_trained_on(followed):
    followed(lambda module: {"batch_end_callback": prune_in_place(module)})


def test_the_rate_that_a_callback_has_set_stays(followed, program):
    """The next fit goes on with the optimizer, and so with its rate."""
    theirs, ours = followed(lambda module: {"epoch_end_callback": half_the_rate(module)})
    assert ours._optimizer.lr == theirs._optimizer.lr == 0.3 / 4
    theirs.fit(iterator(), begin_epoch=2, num_epoch=3)
    df.fit(ours, iterator(), begin_epoch=2, epochs=3)
    program.assert_params_equal(theirs.get_params(), ours.get_params())


@BOTH_ENGINES
def test_an_optimizer_object_is_changed_through_the_module(followed):
    def make(module):
        optimizer = mx.optimizer.SGD(learning_rate=0.3, momentum=0.9, rescale_grad=1.0 / BATCH)
        return {
            "optimizer": optimizer,
            "optimizer_params": (),
            "batch_end_callback": half_the_rate(module),
        }

    followed(make)


@BOTH_ENGINES
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


@BOTH_ENGINES
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


def test_outputs_and_gradients_are_read_at_each_batch(followed):
    def make(module):
        def look(param):
            arrays = [array for array, *_ in module._exec_group.grad_arrays]
            arrays += param.locals["self"].get_outputs()
            module.seen.extend(array.asnumpy().copy() for array in arrays)

        return {"batch_end_callback": look}

    followed(make)


@BOTH_ENGINES
@pytest.mark.parametrize("batch_size", [BATCH, 8])
def test_outputs_are_read_at_each_batch_of_a_validation(followed, batch_size):
    """As by callbacks that draw detections, with the batch's pictures and labels."""

    def make(module):
        def draw(param):
            batch = param.locals["eval_batch"]
            real = len(batch.data[0]) - batch.pad
            for arrays in (batch.data, batch.label, param.locals["self"].get_outputs()):
                module.seen.append(arrays[0][:real].asnumpy().copy())

        return {"eval_batch_end_callback": draw}

    def validation(length, seed):
        return iterator(length - 2, seed, batch_size)

    followed(make, validation)


@pytest.mark.parametrize("event", ["batch_end_callback", "eval_batch_end_callback"])
def test_a_symbol_has_outputs_in_callbacks_too(program, event):
    net = symbol()
    arg_params, _ = program.initial(net, 0.4, data=(BATCH, WIDTH), softmax_label=(BATCH,))
    seen = {"theirs": [], "ours": []}
    for kind, record in seen.items():

        def look(param, record=record):
            record.append(param.locals["self"].get_outputs()[0].asnumpy())

        settings = {event: look, "arg_params": arg_params, "eval_metric": "acc"}
        if kind == "theirs":
            mx.mod.Module(net).fit(iterator(), iterator(8, 1), num_epoch=2, **settings)
        else:
            df.fit(net, iterator(), validation=iterator(8, 1), epochs=2, **settings)
    assert len(seen["ours"]) == len(seen["theirs"]) > 3
    for one, other in zip(seen["ours"], seen["theirs"]):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_symbol_is_changed_in_callbacks_too(program):
    net = symbol()
    arg_params, _ = program.initial(net, 0.4, data=(BATCH, WIDTH), softmax_label=(BATCH,))

    def change(param):
        module = param.locals["self"]
        arg_params, aux_params = module.get_params()
        clipped = {name: mx.nd.clip(value, -0.2, 0.2) for name, value in arg_params.items()}
        module.set_params(clipped, aux_params)
        module._optimizer.lr *= 0.5

    settings = {"batch_end_callback": change, "arg_params": arg_params}
    module = mx.mod.Module(net)
    module.fit(iterator(), num_epoch=2, **settings)
    history = df.fit(net, iterator(), epochs=2, **settings)
    program.assert_params_equal(
        module.get_params(),
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
    )


def test_an_output_that_nothing_measures_is_told(program):
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=CLASSES, name="fc")
    net = mx.sym.Group([mx.sym.SoftmaxOutput(x, name="softmax"), mx.sym.BlockGrad(x, name="maps")])

    def look(param):
        param.locals["self"].get_outputs()

    with pytest.raises(ConfigError, match="(?s)maps_output.*eval_metric"):
        df.fit(net, iterator(), validation=iterator(8), epochs=1, eval_batch_end_callback=look)


def test_locals_that_a_training_does_not_have_are_told():
    def look(param):
        assert param.locals["eval_data"].batch_size == 8
        assert "next_data_batch" not in param.locals
        param.locals["next_data_batch"]

    with pytest.raises(KeyError, match="next_data_batch.*train_data"):
        df.fit(
            symbol(),
            iterator(),
            validation=iterator(16, batch_size=8),
            epochs=1,
            batch_end_callback=look,
        )


def test_a_feedforward_is_refused_with_advice():
    with pytest.warns(DeprecationWarning, match="FeedForward"):
        model = mx.model.FeedForward(symbol(), num_epoch=1)
    with pytest.raises(ConfigError, match=r"df\.fit\(model\.symbol"):
        df.fit(model, iterator(), epochs=1)


def capsules():
    """A loss of one number for the batch, in a symbol that states its batch size."""
    data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label", shape=(BATCH,))
    x = mx.sym.FullyConnected(data, num_hidden=2 * CLASSES, name="capsules")
    x = mx.sym.Reshape(x, shape=(BATCH, CLASSES, 2))
    norms = mx.sym.sqrt(mx.sym.sum(mx.sym.square(x), axis=2) + 1e-6)
    loss = mx.sym.mean(mx.sym.square(mx.sym.one_hot(label, depth=CLASSES) - norms))
    return mx.sym.Group([mx.sym.BlockGrad(norms, name="norms"), mx.sym.MakeLoss(loss, name="loss")])


def test_a_mean_over_a_stated_batch_size(program):
    """Full batches train and score as by Module; a padded one is told, not averaged."""
    net = capsules()
    arg_params, _ = program.initial(net, 0.4, data=(BATCH, WIDTH), softmax_label=(BATCH,))
    metric = mx.metric.Loss(output_names=["loss_output"])
    settings = {"arg_params": arg_params, "eval_metric": metric}
    module = mx.mod.Module(net)
    module.fit(iterator(), num_epoch=2, **settings)
    history = df.fit(net, iterator(), epochs=2, **settings)
    program.assert_params_equal(
        module.get_params(),
        (df.interop.arg_params(history.network), df.interop.aux_params(history.network)),
    )
    ((_, expected),) = module.score(iterator(8, 1), metric)
    scores = df.score(history.network, iterator(8, 1), eval_metric=metric)
    assert scores["module/loss"] == pytest.approx(expected)
    with pytest.raises(DataError, match="(?s)'loss' is computed from all rows.*batch size that"):
        df.score(history.network, iterator(10), eval_metric=metric)
