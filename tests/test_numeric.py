"""Every number that a user sets is checked alike."""

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import EarlyStopping, JSONLines, Progress, StopOnNonFinite
from densefit.errors import ConfigError
from densefit.numeric import check_optimizer, real, whole
from tests.rows import iterator_of_arrays

NAN = float("nan")
NO_WHOLE = [1.5, True, np.True_, "3", None, NAN, float("inf"), [1], np.array([1, 2])]


def train(tiny, **settings):
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    settings = {"epochs": 1, **settings}
    if "updates" in settings:
        del settings["epochs"]
    return df.fit(network, tiny.iterator(8, 4, ["kind_label"]), **settings)


@pytest.mark.parametrize("value", NO_WHOLE)
def test_what_is_no_whole_number(value):
    with pytest.raises(ConfigError, match=r"'n'(.|\n)*whole number(.|\n)*where:    here"):
        whole(value, "n", where="here")


def test_whole_numbers():
    for value in (3, 3.0, np.int64(3), np.uint8(3), np.float32(3)):
        found = whole(value, "n", 3, 3)
        assert (found, type(found)) == (3, int)
    for value in (2, 4):
        with pytest.raises(ConfigError, match="at least 3 and at most 3"):
            whole(value, "n", 3, 3)


def test_real_numbers():
    for value in (1, 0.5, np.float32(0.5), np.int64(1)):
        assert real(value, "x", above=0, most=1) == value
    for value in (0, 1.5, True, "0.5", NAN, float("inf"), None):
        with pytest.raises(ConfigError, match="a finite number, above 0 and at most 1"):
            real(value, "x", above=0, most=1)
    with pytest.raises(ConfigError, match="write x=0.001"):
        real("1e-3", "x")


@pytest.mark.parametrize("name", ["epochs", "updates", "accumulate", "label_within", "begin_epoch",
                                  "seed", "updates_per_epoch"])  # fmt: skip
@pytest.mark.parametrize("value", [1.5, True, "1", NAN])
def test_the_whole_numbers_of_fit(tiny, name, value):
    with pytest.raises(ConfigError, match=name):
        train(tiny, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epochs", -1), ("updates", -1), ("accumulate", 0), ("label_within", -1)),
        *(("clip_norm", 1e-300), ("clip_norm", NAN), ("clip_norm", "1"), ("clip_norm", -1)),
        *(("ema", "0.9"), ("ema", NAN), ("ema", 1.0)),
    ],
)
def test_numbers_of_fit_out_of_range(tiny, name, value):
    with pytest.raises(ConfigError, match="decay" if name == "ema" else name):
        train(tiny, **{name: value})


def test_numbers_of_numpy_train_the_same(tiny):
    plain = train(tiny, epochs=2, accumulate=2, seed=1)
    other = train(tiny, epochs=np.int64(2), accumulate=np.uint8(2), seed=np.int32(1))
    tiny.assert_equal(plain.network, other.network)
    assert (other.update, train(tiny, updates=3.0).update) == (2, 3)


def test_a_small_clip_norm_does_what_it_says(tiny):
    assert train(tiny, clip_norm=1e-30).update == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("learning_rate", value) for value in (NAN, -1, "0.1", True, float("inf"))),
        *(("momentum", value) for value in (1.5, -0.1, "0.9", NAN)),
        *(("wd", value) for value in (-1, NAN, "x")),
    ],
)
def test_numbers_of_optimizers(tiny, name, value):
    with pytest.raises(ConfigError, match=name):
        train(tiny, optimizer_params={name: value})
    with pytest.raises(ConfigError, match=name):
        check_optimizer({name: value})


@pytest.mark.parametrize("setting", [{"momentum": 1.5}, {"momentum": NAN}, {"wd": -1}])
def test_numbers_of_mxnets_optimizers(mx, tiny, setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        train(tiny, optimizer=mx.optimizer.SGD(**setting))


def test_a_scheduler_of_nan_is_named(mx, tiny):
    class Nowhere(mx.lr_scheduler.LRScheduler):
        def __call__(self, update):
            return NAN

    with pytest.raises(ConfigError, match=r"learning rate is not a finite(.|\n)*lr_scheduler"):
        train(tiny, optimizer_params={"lr_scheduler": Nowhere(0.1)})


@pytest.mark.mxnet
def test_an_optimizer_that_cannot_train_a_parameter(tiny):
    with pytest.raises(ConfigError, match="GroupAdaGrad cannot train the parameter 'kind_fc_bias'"):
        train(tiny, optimizer="groupadagrad")


def test_an_unknown_optimizer_gets_the_nearest_name(tiny):
    with pytest.raises(ConfigError) as caught:
        train(tiny, optimizer="adamm")
    assert "'adam'" in str(caught.value)
    if df.engine.engine_name() == "mxnet":  # PyTorch's engine lists all
        assert "groupadagrad" not in str(caught.value)


def test_adamax_leaves_what_has_no_gradient(tiny):
    check_adamax(tiny, "adamax")


def test_mxnets_adamax_leaves_what_has_no_gradient(mx, tiny):
    check_adamax(tiny, mx.optimizer.Adamax())


def check_adamax(tiny, optimizer):
    """The third class occurs nowhere, and the first feature is always 0."""
    x, kind, _ = tiny.arrays(8)
    x[:, 0] = 0
    data = iterator_of_arrays({"data": x}, {"kind_label": kind}, 4)
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    network.set_params(
        {"kind_fc_weight": np.full((3, 6), 0.1, "f"), "kind_fc_bias": np.zeros(3, "f")}
    )
    df.fit(network, data, epochs=2, optimizer=optimizer)
    weight = tiny.values(network)["kind_fc_weight"]
    assert np.isfinite(weight).all()
    np.testing.assert_array_equal(weight[:, 0], np.full(3, 0.1, "f"))
    assert (weight[:, 1:] != 0.1).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda n: df.EMA(n),
        lambda n: df.Guard("skip", limit=n),
        lambda n: df.Guard("rollback", factor=n),
        lambda n: df.Keep(last=n),
        lambda n: JSONLines("x", every=n),
        lambda n: StopOnNonFinite(every=n),
        lambda n: EarlyStopping("a/b", patience=n),
        lambda n: EarlyStopping("a/b", min_delta=n),
        lambda n: Progress(every=n),
        lambda n: df.Views(overlap=n),
        lambda n: df.Cosine(n),
        lambda n: df.Cosine(0.1, final=n),
        lambda n: df.schedules.CosineRestarts(0.1, 10, cycles=n),
        lambda n: df.balance.GradNorm(alpha=n),
        lambda n: df.balance.DWA(temperature=n),
        lambda n: df.Loader([1], batch_size=n),
        lambda n: df.Loader([1], batch_size=1, workers=n),
        lambda n: df.Loader([1], batch_size=1, seed=n),
        lambda n: df.Loader([1], batch_size=1, timeout=n),
        lambda n: df.Loader.original_size([1], batch_size=n),
        lambda n: df.find_lr(None, None, updates=n),
        lambda n: df.find_lr(None, None, diverge=n),
    ],
)
@pytest.mark.parametrize("value", [True, "1", NAN, -1])
def test_numbers_of_everything_else(make, value):
    with pytest.raises(ConfigError):
        make(value)
