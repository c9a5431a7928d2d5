"""Initial values: MXNet's names, texts and distributions, from the seed and the name alone."""

import random

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.symbol import initializers as init
from densefit.symbol.initializers import values

CALLS = [
    ("Zero", {}),
    ("One", {}),
    ("Constant", {"value": 0.3}),
    ("Uniform", {"scale": 0.2}),
    ("Uniform", {}),
    ("Normal", {"sigma": 0.5}),
    ("Xavier", {}),
    ("Xavier", {"rnd_type": "gaussian", "factor_type": "in", "magnitude": 2}),
    ("Xavier", {"factor_type": "out", "magnitude": 2.34}),
    ("MSRAPrelu", {}),
    ("MSRAPrelu", {"factor_type": "in", "slope": 0.1}),
    ("Orthogonal", {}),
    ("Orthogonal", {"rand_type": "normal", "scale": 2.0}),
    ("Bilinear", {}),
    ("LSTMBias", {"forget_bias": 2.0}),
]
SHAPE = (24, 10, 5, 5)


def by_mxnet(mx, initializer, shape, name="a_weight", attrs=None):
    mx.random.seed(3)
    array = mx.nd.zeros(shape)
    initializer(mx.init.InitDesc(name, attrs), array)
    return array.asnumpy()


@pytest.mark.parametrize(("name", "settings"), CALLS)
def test_texts_and_distributions_are_mxnets(mx, name, settings):
    ours, theirs = getattr(init, name)(**settings), getattr(mx.init, name)(**settings)
    assert ours.dumps() == theirs.dumps()
    drawn, expected = values("a_weight", SHAPE, 1, ours), by_mxnet(mx, theirs, SHAPE)
    assert drawn.dtype == np.float32
    assert drawn.shape == SHAPE
    assert drawn.mean() == pytest.approx(
        expected.mean(), abs=0.03 * max(expected.std(), 1e-9) + 1e-6
    )
    assert drawn.std() == pytest.approx(expected.std(), rel=0.05, abs=1e-7)
    assert abs(drawn).max() == pytest.approx(abs(expected).max(), rel=0.35, abs=1e-7)
    if name in ("Zero", "One", "Constant", "Bilinear", "LSTMBias"):
        np.testing.assert_allclose(drawn, expected, rtol=1e-6)
    if settings.get("rnd_type") == "gaussian" or name in ("Normal", "MSRAPrelu"):
        assert (abs(drawn) > 2 * drawn.std()).mean() == pytest.approx(0.0455, abs=0.01)


@pytest.mark.parametrize(("name", "settings"), CALLS)
def test_mxnets_objects_texts_and_names_are_accepted(mx, name, settings):
    theirs, ours = getattr(mx.init, name)(**settings), getattr(init, name)(**settings)
    expected = values("a_weight", SHAPE, 5, ours)
    for other in (theirs, theirs.dumps()):
        np.testing.assert_array_equal(values("a_weight", SHAPE, 5, other), expected)
    described = values("anything", SHAPE, 5, None, {"__init__": theirs.dumps()})
    assert described.std() == pytest.approx(expected.std(), rel=0.05, abs=1e-7)
    if not settings and name not in ("Constant",):
        np.testing.assert_array_equal(values("a_weight", SHAPE, 5, name.lower()), expected)


@pytest.mark.parametrize("shape", [(8, 400), (16, 30, 3, 3)])
def test_he_is_the_default(mx, shape):
    from densefit.engine.mxnet.initializer import He as EngineHe

    drawn = values("a_weight", shape)
    expected = by_mxnet(mx, EngineHe(), shape)
    assert drawn.std() == pytest.approx(expected.std(), rel=0.07)
    np.testing.assert_array_equal(values("a_weight", shape, 0, EngineHe()), drawn)


def test_orthogonal_rows():
    drawn = values("a_weight", (6, 20), 0, init.Orthogonal(1.0)).astype(float)
    np.testing.assert_allclose(drawn @ drawn.T, np.eye(6), atol=1e-6)


def test_each_value_comes_from_the_seed_and_the_name():
    first = values("a_weight", (3, 4), 1)
    random.seed(9)
    np.random.seed(9)
    state = np.random.get_state()[1].copy()
    np.testing.assert_array_equal(values("a_weight", (3, 4), 1), first)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert (values("a_weight", (3, 4), 2) != first).all()
    assert (values("b_weight", (3, 4), 1) != first).all()
    assert (values("a_weight", (3, 4), -1) != first).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("c_bias", 0), ("bn_gamma", 1), ("bn_beta", 0), ("moving_mean", 0), ("moving_var", 1)],
)
def test_what_is_no_weight_has_a_constant(name, value):
    assert (values(name, (5,), 0, init.Normal(3.0)) == value).all()


def test_names_decide():
    check_names_decide(init)
    with pytest.raises(ConfigError, match="No pattern"):
        values("a_weight", (5, 5), 0, init.Mixed(["b"], [init.Zero()]))


def test_names_decide_for_mxnets(mx):
    check_names_decide(mx.init)


def check_names_decide(init):
    chosen = init.Mixed([".*bias", ".*"], [init.Zero(), init.Uniform(0.1)])
    assert (values("a_bias", (5,), 0, chosen) == 0).all()
    assert 0 < abs(values("a_weight", (5, 5), 0, chosen)).max() <= 0.1


LOADED = np.arange(6.0).reshape(2, 3)


def test_loaded_values_come_first():
    check_loaded(init.Load({"arg:a_weight": LOADED}, init.Zero()))


def test_values_that_mxnet_loaded_come_first(mx):
    check_loaded(mx.init.Load({"a_weight": mx.nd.array(LOADED)}, mx.init.Zero()))


def check_loaded(chosen):
    np.testing.assert_array_equal(values("a_weight", (2, 3), 0, chosen), LOADED)
    assert (values("b_weight", (2, 3), 0, chosen) == 0).all()
    with pytest.raises(ConfigError, match=r"(?s)another shape.*\(3, 2\).*\(2, 3\)"):
        values("a_weight", (3, 2), 0, chosen)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("mode", ["lstm", "gru", "rnn_tanh"])
def test_all_parameters_of_an_rnn(mx, mode, bidirectional):
    symbol = mx.sym.RNN(
        mx.sym.Variable("data"), state_size=4, num_layers=2, mode=mode, bidirectional=bidirectional
    )
    shape = symbol.infer_shape(data=(5, 2, 3))[0][1]
    settings = {"num_hidden": 4, "num_layers": 2, "mode": mode, "bidirectional": bidirectional}
    ours = init.FusedRNN(init.One(), **settings, forget_bias=3.0)
    theirs = mx.init.FusedRNN(mx.init.One(), **settings, forget_bias=3.0)
    assert ours.dumps() == theirs.dumps()
    drawn = values("rnn_parameters", shape, 0, None, {"__init__": ours.dumps()})
    expected = mx.nd.zeros(shape)
    theirs._init_weight(mx.init.InitDesc("rnn_parameters"), expected)
    np.testing.assert_array_equal(drawn, expected.asnumpy())


def test_functions_and_classes_of_users():
    def fill(name, array):
        array[:] = 0.5 + np.random.rand(*array.shape)

    class Half(init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = 0.5

    first = values("a_weight", (3, 4), 1, fill)
    np.testing.assert_array_equal(values("a_weight", (3, 4), 1, fill), first)
    assert first.min() >= 0.5
    assert (values("a_weight", (3, 4), 0, Half()) == 0.5).all()
    init.register(Half)
    assert (values("x", (3, 4), 0, None, {"__init__": Half().dumps()}) == 0.5).all()


def test_classes_of_mxnets_users(mx):
    class Mine(mx.init.Initializer):
        def _init_weight(self, name, arr):
            arr[:] = 0.25

        def _init_bias(self, name, arr):
            arr[:] = 2

    assert (values("a_weight", (3, 4), 0, Mine()) == 0.25).all()
    assert (values("a_bias", (3,), 0, Mine()) == 2).all()
    assert (values("a_gamma", (3,), 0, Mine()) == 1).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: values("a_weight", (5,), 0), "(?s)He initializes no vectors.*a_weight"),
        (lambda: values("a_weight", (5, 5), 0, "xavierr"), "(?s)Unknown initializer.*xavier"),
        (lambda: values("a_weight", (5, 5), 0, 3), "not an initializer"),
        (lambda: values("scale", (5, 5)), "no value for 'scale'"),
        (lambda: values("a_weight", (5, 5), 0, lambda name, array: array + "x"), "fills no numpy"),
        (lambda: values("x", (5, 5), 0, None, {"__init__": '["normal", {"sgma": 1}]'}), "Unknown"),
        (lambda: values("a_weight", (5, 5), 0, init.Xavier(factor_type="all")), "no such setting"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
