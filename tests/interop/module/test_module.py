"""A Module given to fit: what it states is used, and it holds what was trained."""

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import BindError, CheckpointError, ConfigError

PARAMS = {"learning_rate": 0.2, "momentum": 0.9}


def data(length=16, batch_size=4):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(length, 6)).astype(np.float32)
    return mx.io.NDArrayIter(x, (x[:, 0] > 0).astype(np.float32), batch_size)


def symbol():
    x = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=5, name="one")
    x = mx.sym.BatchNorm(x, fix_gamma=False, name="norm")
    x = mx.sym.Activation(x, act_type="tanh")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="two"), name="softmax")


def start():
    module = mx.mod.Module(symbol())
    module.bind(data().provide_data, data().provide_label)
    mx.random.seed(3)
    module.init_params(mx.init.Xavier())
    return module.get_params()


def values(params):
    return {name: array.asnumpy() for part in params for name, array in part.items()}


def assert_equal(one, other):
    assert set(one) == set(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def fitted(arguments, auxiliary, module=None, **settings):
    """A Module after Module.fit, with the same initial values."""
    module = module or mx.mod.Module(symbol())
    module.fit(
        data(), num_epoch=2, eval_metric="acc", arg_params=arguments, aux_params=auxiliary,
        optimizer_params=PARAMS, **settings,
    )  # fmt: skip
    return module


def test_a_module_is_trained_as_by_its_own_fit_and_lives_on(tmp_path):
    arguments, auxiliary = start()
    theirs = fitted(arguments, auxiliary)
    mine = mx.mod.Module(symbol())
    history = df.fit(
        mine, data(), validation=data(), epochs=2, arg_params=arguments, aux_params=auxiliary,
        optimizer_params=PARAMS,
    )  # fmt: skip
    assert_equal(values(mine.get_params()), values(theirs.get_params()))
    assert_equal(
        values((df.interop.arg_params(history.network), df.interop.aux_params(history.network))),
        values(theirs.get_params()),
    )
    assert dict(mine.score(data(), "acc"))["accuracy"] == pytest.approx(
        history.last_validation["softmax/accuracy"]
    )
    # Scoring folds BatchNorms into the layers before them.
    np.testing.assert_allclose(
        mine.predict(data()).asnumpy(),
        df.predict(history.network, data())["softmax_output"],
        rtol=1e-5,
    )
    # Its optimizer goes on, too: with files, and by its own fit.
    for module, name in ((mine, "mine"), (theirs, "theirs")):
        module.save_checkpoint(str(tmp_path / name), 2, save_optimizer_states=True)
    again = [
        mx.mod.Module.load(str(tmp_path / name), 2, load_optimizer_states=True)
        for name in ("mine", "theirs")
    ]
    df.fit(again[0], data(), epochs=3, begin_epoch=2, optimizer_params=PARAMS)
    again[1].fit(data(), num_epoch=3, begin_epoch=2, eval_metric="acc", optimizer_params=PARAMS)
    assert_equal(values(again[0].get_params()), values(again[1].get_params()))


def test_a_bound_module_s_parameters_are_read_and_set():
    arguments, auxiliary = start()
    theirs = fitted(arguments, auxiliary)
    mine = mx.mod.Module(symbol())
    mine.bind(data().provide_data, data().provide_label)
    mine.init_params(arg_params=arguments, aux_params=auxiliary)
    df.fit(mine, data(), epochs=2, optimizer_params=PARAMS)
    assert_equal(values(mine.get_params()), values(theirs.get_params()))
    mine.fit(data(), num_epoch=1, eval_metric="acc", optimizer_params=PARAMS)  # it may go on


def test_fixed_parameters_stay_and_their_batch_norm_trains_on():
    arguments, auxiliary = start()
    fixed = ["one_weight", "norm_gamma"]
    theirs = fitted(arguments, auxiliary, mx.mod.Module(symbol(), fixed_param_names=fixed))
    mine = mx.mod.Module(symbol(), fixed_param_names=fixed[:1])
    df.fit(
        mine, data(), epochs=2, arg_params=arguments, aux_params=auxiliary,
        optimizer_params=PARAMS, fixed_param_names=fixed[1:],
    )  # fmt: skip
    assert_equal(values(mine.get_params()), values(theirs.get_params()))
    np.testing.assert_array_equal(
        mine.get_params()[0]["one_weight"].asnumpy(), arguments["one_weight"].asnumpy()
    )
    with pytest.raises(ConfigError, match="(?s)no parameter 'one_wieght' to fix.*one_weight"):
        df.fit(symbol(), data(), epochs=1, fixed_param_names=["one_wieght"])


def test_parameters_that_lack_are_an_error_unless_allowed():
    arguments, auxiliary = start()
    del arguments["two_bias"]
    settings = {"epochs": 1, "arg_params": arguments, "aux_params": auxiliary}
    with pytest.raises(BindError, match=r"(?s)lack parameters.*two_bias.*allow_missing=True"):
        df.fit(symbol(), data(), **settings)
    df.fit(symbol(), data(), allow_missing=True, **settings)


def test_other_modules_are_refused_in_a_line_that_says_what_to_do():
    bucketing = mx.mod.BucketingModule(
        lambda key: (symbol(), ["data"], ["softmax_label"]), default_bucket_key=4
    )
    with pytest.raises(ConfigError, match=r"BucketingModule(.|\n)*sym_gen\(key\)"):
        df.fit(bucketing, data(), epochs=1)
    with pytest.raises(ConfigError, match="(?s)not a model.*a df.Network, an MXNet"):
        df.fit("resnet", data(), epochs=1)


def test_stores_of_parameters():
    for store in (None, "local", "device", mx.kv.create("local")):
        df.fit(symbol(), data(), epochs=1, kvstore=store)
    with pytest.raises(ConfigError, match="(?s)A launched program exchanges gradients.*dist_sync"):
        df.fit(symbol(), data(), epochs=1, kvstore="dist_sync")


def test_states_that_are_none(tmp_path):
    arguments, auxiliary = start()
    fitted(arguments, auxiliary).save_checkpoint(str(tmp_path / "m"), 1)
    (tmp_path / "m-0001.states").write_bytes(b"nothing of the kind")
    module = mx.mod.Module.load(str(tmp_path / "m"), 1, load_optimizer_states=True)
    with pytest.raises(CheckpointError, match="(?s)states cannot be read.*m-0001.states"):
        df.fit(module, data(), epochs=1, optimizer_params=PARAMS)


def test_a_symbol_with_parameters_is_scored_predicted_saved_and_loaded(tmp_path):
    arguments, auxiliary = start()
    history = df.fit(
        symbol(), data(), epochs=2, arg_params=arguments, aux_params=auxiliary,
        checkpoint=tmp_path / "run",
    )  # fmt: skip
    network = history.network
    expected = df.score(network, data(18))
    params = dict(
        zip(
            ("arg_params", "aux_params"),
            (df.interop.arg_params(network), df.interop.aux_params(network)),
        )
    )
    routes = {"softmax": df.Route(["softmax_output"], ["softmax_label"], ["accuracy"])}
    assert df.score(symbol(), data(18), heads=routes, **params) == expected
    assert df.score(symbol(), data(18), **params) == expected
    for model in (symbol(), mx.mod.Module(symbol()), df.Network(symbol=symbol())):
        assert df.score(df.load(tmp_path / "run", network=model), data(18)) == expected
    df.save_mxnet(network, tmp_path / "out", 2)
    module = mx.mod.Module.load(str(tmp_path / "out"), 2)
    assert df.score(module, data(18)) == expected
    outputs = df.predict(module, mx.io.NDArrayIter(data(18).data[0][1], batch_size=4))
    truth = data(18).label[0][1].asnumpy()
    hits = (outputs["softmax_output"].argmax(axis=1) == truth).mean()
    assert expected == {"softmax/accuracy": pytest.approx(hits)}
    with pytest.raises(BindError, match="no parameters yet"):
        df.score(symbol(), data())


def test_begin_epoch_shifts_the_schedule_and_must_lie_within():
    rates = []

    class Rates(df.Callback):
        def update_ended(self, state, control):
            rates.append((state.epoch, state.lr))

    settings = {"epochs": 4, "schedule": df.Cosine(lr=0.1), "callbacks": [Rates()]}
    df.fit(symbol(), data(), **settings)
    whole, rates[:] = list(rates), []
    df.fit(symbol(), data(), begin_epoch=2, **settings)
    assert rates == whole[8:]
    with pytest.raises(ConfigError, match="cannot begin with this epoch"):
        df.fit(symbol(), data(), begin_epoch=4, epochs=4)


def test_begin_epoch_with_a_schedule_needs_a_length():
    class Lengthless(mx.io.DataIter):
        def __init__(self):
            super().__init__(4)
            self.inner = [data()]
            self.provide_data, self.provide_label = data().provide_data, data().provide_label

        def reset(self):
            self.inner[0].reset()

        def next(self):
            return self.inner[0].next()

    settings = {"epochs": 4, "begin_epoch": 2, "schedule": df.Cosine(lr=0.1)}
    with pytest.raises(ConfigError, match="(?s)goes on from is not known.*updates_per_epoch"):
        df.fit(symbol(), Lengthless(), **settings)
    df.fit(symbol(), Lengthless(), updates_per_epoch=4, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kvstore": "foo"}, "This is no kvstore"),
        ({"initializer": "xaviar"}, "Unknown initializer 'xaviar'"),
        ({"initializer": 3}, "not an initializer"),
    ],
)
def test_settings_that_are_none(settings, message):
    with pytest.raises(ConfigError, match=message):
        df.fit(symbol(), data(), epochs=1, **settings)


def test_names_and_initializers_in_their_short_forms():
    df.fit(symbol(), data(), epochs=1, initializer="xavier", fixed_param_names="one_weight")
    df.fit(symbol(), data(), epochs=1, fixed_param_names=None)


@pytest.mark.parametrize(
    ("name", "hint"), [("num_epoch", "epochs"), ("eval_data", "validation"), ("eopchs", "help")]
)
def test_arguments_of_other_loops_are_told_with_what_they_are_here(name, hint):
    with pytest.raises(ConfigError, match=f"(?s)no argument '{name}'.*{hint}"):
        df.fit(symbol(), data(), epochs=1, **{name: 3})


def test_an_input_may_be_what_is_compared_with():
    """An autoencoder's label is its own input."""
    x = mx.sym.Variable("data")
    out = mx.sym.FullyConnected(x, num_hidden=6, name="decoded")
    own = mx.sym.LinearRegressionOutput(out, x, name="out")
    inputs = data(18).data[0][1]
    history = df.fit(own, mx.io.NDArrayIter(inputs, batch_size=4), epochs=1)
    found = df.interop.arg_params(history.network)
    weight, bias = found["decoded_weight"].asnumpy(), found["decoded_bias"].asnumpy()
    x = inputs.asnumpy()
    expected = ((x @ weight.T + bias - x) ** 2).mean()
    scores = df.score(history.network, mx.io.NDArrayIter(inputs, batch_size=4))
    assert scores == {"out/mse": pytest.approx(expected, rel=1e-5)}
