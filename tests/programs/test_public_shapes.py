"""Shapes of public programs: what their callbacks do with the Module, and Modules of their own."""

import mxnet as mx
import numpy as np
import pytest
from mxnet.contrib.svrg_optimization.svrg_module import SVRGModule

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


@pytest.mark.parametrize(
    ("made", "method"),
    [(Forwards, "forward"), (lambda net: SVRGModule(net, update_freq=2), "update")],
    ids=["forward", "svrg"],
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
