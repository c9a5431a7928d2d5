"""Arguments of `fit` of another kind are read, where there is one reading, or told."""

import numpy as np
import pytest

import densefit as df
from densefit.callbacks import EarlyStopping, StopOnNonFinite
from densefit.errors import ConfigError, DataError
from densefit.symbol import sym
from tests.rows import iterator_of_arrays


def fit(tiny, **settings):
    network = tiny.network()
    with tiny.loader(network) as loader:
        settings.setdefault("updates", 1)
        return network, df.fit(network, loader, **settings)


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("schedule", "cosine", r"schedule=df\.schedules\.Cosine\(lr=0.1"),
        ("schedule", "cosin", "did you mean 'cosine'"),
        ("schedule", df.Cosine, r"schedule=Cosine\(lr=0.1"),
        ("schedule", 0.1, r"df\.Constant\(lr=0.1\)"),
        ("schedule", [df.Cosine(0.1)], r"schedule=df\.Cosine\(lr=0.1"),
        ("balance", "uncertanty", "did you mean 'uncertainty'"),
        ("balance", "scheduled", r"scheduled\(courses\)"),
        ("balance", df.balance.DWA, r"balance=DWA\(\)"),
        ("balance", {"a": 1}, r"balance=df\.balance\.Uncertainty\(\), or one of aligned_mtl"),
        ("callbacks", ["csv"], r"csv\(path"),
        ("callbacks", "cvs", "did you mean 'csv'"),
        ("callbacks", [EarlyStopping], r"callbacks=\[EarlyStopping\(\.\.\.\)\]"),
        ("callbacks", lambda param: None, "batch_end_callback="),
        ("callbacks", 3, r"callbacks=\[df.callbacks"),
        ("groups", "x", r"groups=\{'\*_bias'"),
        ("groups", {"*": 0.1}, r"groups=\{'\*_bias'"),
        ("groups", [("*", {"lr": 1})], r"groups=\{'\*_bias'"),
        ("derived", lambda scores: 1.0, "derived={'composite'"),
        ("checkpoint", True, "checkpoint='runs/first'"),
        ("checkpoint", "", "checkpoint='runs/first'"),
        ("resume", True, "resume='auto'"),
        ("resume", False, "resume=None"),
        ("optimizer_params", "x", "optimizer_params={'learning_rate'"),
        ("optimizer_params", [0.1], "optimizer_params={'learning_rate'"),
        ("freeze", 1, r"freeze=\['resnet18"),
        ("freeze", [1], r"freeze=\['resnet18"),
        ("fixed_param_names", 1, r"fixed_param_names=\["),
        ("devices", 0, r"devices=\[mx\.cpu\(\)\]"),
        ("devices", [], r"devices=\[mx\.cpu\(\)\]"),
    ],
)
def test_what_cannot_be_read_says_what_to_type(tiny, name, value, fix):
    with pytest.raises(ConfigError, match=f"(?s){name[:-1]}.*{fix}"):
        fit(tiny, **{name: value})


def test_mxnets_scheduler_is_the_optimizers(mx, tiny):
    scheduler = mx.lr_scheduler.FactorScheduler(2)
    with pytest.raises(ConfigError, match="(?s)schedule.*optimizer_params={'lr_scheduler'"):
        fit(tiny, schedule=scheduler)


def test_lr_is_a_constant_rate(tiny):
    first, short = fit(tiny, lr=0.02)
    second, long = fit(tiny, schedule=df.Constant(0.02))
    assert short.epochs[0]["lr"] == long.epochs[0]["lr"] == 0.02
    tiny.assert_equal(first, second)


@pytest.mark.parametrize(
    "other", [{"schedule": df.Constant(0.1)}, {"optimizer_params": {"learning_rate": 0.1}}]
)
def test_a_rate_that_is_given_twice(tiny, other):
    with pytest.raises(ConfigError, match="learning rate is given twice"):
        fit(tiny, lr=0.1, **other)


@pytest.mark.parametrize(
    ("former", "present"),
    [({"nonfinite": "skip"}, "on_nonfinite"), ({"resume": "none"}, "resume=None")],
)
def test_former_arguments_are_read_with_a_warning(tiny, former, present):
    with pytest.warns(DeprecationWarning, match=f"is now called {present}"):
        fit(tiny, **former)


def test_what_has_one_reading_is_read(tiny):
    seen = tiny.Recorder("update_ended", lambda state, control: state.update)
    pairs = (("learning_rate", 0.1),)
    one, _ = fit(
        tiny, updates=2, callbacks=seen, freeze="bright*", devices="cpu", resume=None,
        balance="rlw", optimizer_params=pairs, groups=None, derived=None,
    )  # fmt: skip
    several, _ = fit(
        tiny, updates=2, freeze=["bright*"], devices=["cpu"], balance=df.balance.RLW(),
        optimizer_params={"learning_rate": 0.1},
    )  # fmt: skip
    assert seen.seen == [1, 2]
    tiny.assert_equal(one, several)


def test_a_pattern_by_itself_freezes(tiny):
    free, frozen = (tiny.values(fit(tiny, freeze=freeze)[0]) for freeze in ((), "bright*"))
    moved = [name for name in free if not np.array_equal(free[name], frozen[name])]
    assert any(name.startswith("bright") for name in moved)


def test_a_callback_may_be_given_by_its_name(tiny, monkeypatch):
    begun = []
    monkeypatch.setattr(StopOnNonFinite, "fit_started", lambda *event: begun.append(event))
    fit(tiny, callbacks="finite")
    fit(tiny, callbacks=["finite", None])
    assert len(begun) == 2


def test_a_search_takes_the_same(tiny):
    network = tiny.network()
    seen = tiny.Recorder("update_ended", lambda state, control: state.update)
    with tiny.loader(network) as loader:
        df.find_lr(network, loader, updates=3, callbacks=seen, freeze="bright*")
    assert seen.seen == [1, 2, 3]


def test_several_iterators_in_a_list_are_told(tiny):
    network = tiny.network()
    with tiny.loader(network) as loader, tiny.loader(network) as held:
        with pytest.raises(ConfigError, match="(?s)validation.*validation={'first': "):
            df.fit(network, loader, validation=[held], updates=1)
        with pytest.raises(ConfigError, match=r"(?s)train.*df\.Mixture"):
            df.fit(network, [loader, held], updates=1)


def test_a_score_without_a_validation_says_what_is_missing(tiny, tmp_path):
    keep = df.Keep(best="bright/mae")
    for settings in (
        {"callbacks": [EarlyStopping("bright/mae")]},
        {"checkpoint": df.Saver(tmp_path / "run", keep=keep)},
    ):
        with pytest.raises(ConfigError, match=r"(?s)no score.*fit\(\.\.\., validation=\.\.\.\)"):
            fit(tiny, **settings)


def test_a_label_of_minus_one_says_where_to_ignore_it(tiny):
    data = iterator_of_arrays(np.zeros((4, 3)), {"k_label": np.array([0, -1, 1, 1.0])}, 4)
    symbol = sym.SoftmaxOutput(sym.FullyConnected(sym.Variable("data"), num_hidden=2), name="k")
    with pytest.raises(
        DataError, match=r"(?s)if -1 means unknown.*use_ignore=True, ignore_label=-1"
    ):
        df.fit(symbol, data, updates=1)
