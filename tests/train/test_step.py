"""Micro-batches, clipping, and what happens to an update that is not finite."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError, TrainingDiverged
from densefit.symbol import init
from densefit.train.nonfinite import Guard
from tests.rows import fill_data, iterator_of_arrays


def train(tiny, batch_size, length=12, **settings):
    """A network without BatchNorm."""
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    defaults = {"epochs": 2, "schedule": df.Constant(0.1), "optimizer_params": {"momentum": 0.9}}
    data = tiny.iterator(length, batch_size)
    history = df.fit(network, data, **{**defaults, **settings})
    return network, history


@pytest.mark.parametrize("parts", [2, 3, 6])
def test_micro_batches_equal_one_batch(tiny, parts):
    whole, expected = train(tiny, 6)
    made, history = train(tiny, 6 // parts, accumulate=parts)
    tiny.assert_equal(whole, made, exactly=False)
    assert history.update == expected.update == 4
    for one, other in zip(history.epochs, expected.epochs):
        assert one["samples"] == other["samples"] == 12
        for key, value in one["train"].items():
            assert value == pytest.approx(other["train"][key], rel=1e-4)


def test_the_last_update_of_an_epoch_has_the_rest(tiny):
    """10 samples in batches of 2, 3 batches an update: 6 and 4."""
    made, history = train(tiny, 2, 10, accumulate=3)
    seen = []
    whole = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    note = tiny.Recorder("update_ended", lambda state, control: seen.append(state.samples))
    df.fit(
        whole, tiny.iterator(10, 6), epochs=2, schedule=df.Constant(0.1),
        optimizer_params={"momentum": 0.9}, callbacks=[note],
    )  # fmt: skip
    assert seen == [6, 10, 6, 10]
    assert history.update == 4
    tiny.assert_equal(whole, made, exactly=False)


def test_resume_between_updates_of_micro_batches(tiny, tmp_path):
    straight, _ = train(tiny, 2, accumulate=2, epochs=2)
    train(tiny, 2, accumulate=2, epochs=None, updates=4, checkpoint=tmp_path)
    resumed, history = train(tiny, 2, accumulate=2, epochs=2, checkpoint=tmp_path, resume="auto")
    tiny.assert_equal(straight, resumed)
    assert [epoch["samples"] for epoch in history.epochs][-1] == 12


def gradient_of(tiny, network):
    """The gradient of the mean loss of the first four samples, by finite updates."""
    before = tiny.values(network)
    df.fit(network, tiny.iterator(4, 4), updates=1, schedule=df.Constant(1.0))
    return {name: before[name] - value for name, value in tiny.values(network).items()}


def test_a_long_gradient_is_scaled_down(tiny):
    network, _ = train(tiny, 4, 4, epochs=1)
    start = {name: value.copy() for name, value in tiny.values(network).items()}
    gradient = gradient_of(tiny, network)
    norm = np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in gradient.values()))
    norms = []
    note = tiny.Recorder("update_ended", lambda state, control: norms.append(state.gradient_norm))
    for limit, factor in ((norm / 4, 0.25), (norm * 4, 1.0)):
        network.set_params(start)
        df.fit(
            network, tiny.iterator(4, 4), updates=1, schedule=df.Constant(1.0), clip_norm=limit,
            callbacks=[note],
        )  # fmt: skip
        for name, value in tiny.values(network).items():
            np.testing.assert_allclose(start[name] - value, factor * gradient[name], atol=1e-6)
    assert norms == pytest.approx([norm, norm], rel=1e-4)


def poisoned(tiny, at, length=12):
    """Batches of 4, of which number `at` (from 1) holds a nan."""
    x, kind, size = tiny.arrays(length)
    x[4 * (at - 1)] = np.nan
    return iterator_of_arrays({"data": x}, {"kind_label": kind, "size_label": size}, 4)


def without(tiny, at, length=12):
    """The same batches without that one."""
    x, kind, size = tiny.arrays(length)
    keep = np.arange(length) // 4 != at - 1
    return iterator_of_arrays(
        {"data": x[keep]}, {"kind_label": kind[keep], "size_label": size[keep]}, 4
    )


def test_a_skipped_update_leaves_no_trace(tiny):
    """Neither in the parameters nor in BatchNorm's statistics."""
    networks = []
    for data, guard in ((poisoned(tiny, 2), "skip"), (without(tiny, 2), "raise")):
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        history = df.fit(
            network, data, epochs=1, schedule=df.Constant(0.1), on_nonfinite=guard,
            optimizer_params={"momentum": 0.9},
        )  # fmt: skip
        networks.append(network)
    tiny.assert_equal(*networks)
    assert history.update == 2


def test_statistics_of_batch_norm_are_put_back(tiny):
    routes = {"kind": df.Route(["kind"], ["kind_label"], ["ce"])}
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 2, 6, 6)).astype(np.float32)
    labels = rng.integers(0, 3, 12).astype(np.float32)
    networks = []
    for keep in (np.ones(12, bool), np.arange(12) // 4 != 1):
        x = images.copy()
        x[5] = np.nan
        network = df.Network(symbol=tiny.conv_bn(), routes=routes)
        data = iterator_of_arrays({"data": x[keep]}, {"kind_label": labels[keep]}, 4)
        df.fit(
            network, data, epochs=1, schedule=df.Constant(0.1), initializer=init.One(),
            on_nonfinite="skip",
        )  # fmt: skip
        networks.append(network)
    tiny.assert_equal(*networks)
    assert np.isfinite(networks[0].statistics["conv_bn_moving_mean"]).all()


def test_too_many_skipped_in_a_row_are_an_error(tiny):
    x, kind, size = tiny.arrays(12)
    x[:] = np.nan
    data = iterator_of_arrays({"data": x}, {"kind_label": kind, "size_label": size}, 4)
    counts = []
    note = tiny.Recorder("update_ended", lambda state, control: counts.append(state.refused))
    with pytest.raises(TrainingDiverged, match="trunk_weight|The output 'kind' .* is nan"):
        df.fit(
            tiny.two_heads(), data, heads=tiny.routes(), epochs=1, callbacks=[note],
            optimizer_params={"learning_rate": 0.1}, on_nonfinite=Guard("skip", limit=2),
        )  # fmt: skip
    assert counts == [1, 2]


def test_nothing_is_applied_before_it_is_found(tiny):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    df.fit(network, tiny.iterator(4, 4), epochs=1, schedule=df.Constant(0.1))
    before = {name: value.copy() for name, value in tiny.values(network).items()}
    with pytest.raises(TrainingDiverged):
        df.fit(network, poisoned(tiny, 1), epochs=1, schedule=df.Constant(0.1))
    for name, value in tiny.values(network).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_rollback_goes_on_from_the_checkpoint_at_a_lower_rate(tiny, tmp_path):
    """The nan comes once: on the second try the batch is sound."""
    rates, rolled = [], []

    class Once:
        def __init__(self):
            self.inner, self.left, self.number = tiny.iterator(12, 4), 1, 0
            self.provide_data = self.inner.provide_data
            self.provide_label = self.inner.provide_label
            self.batch_size = 4

        def reset(self):
            self.number = 0
            self.inner.reset()

        def __iter__(self):
            for batch in self.inner:
                self.number += 1
                if self.number == 3 and self.left:
                    self.left -= 1
                    fill_data(batch, np.nan)
                yield batch

    note = tiny.Recorder("update_ended", lambda state, control: rates.append(state.lr))
    note.rolled_back = lambda state, control: rolled.append((state.update, state.refused))
    history = df.fit(
        tiny.two_heads(), Once(), heads=tiny.routes(), epochs=2, schedule=df.Constant(0.1),
        checkpoint=df.Saver(tmp_path, every="2st"), callbacks=[note],
        on_nonfinite=Guard("rollback", factor=0.5),
    )  # fmt: skip
    assert rolled == [(2, 1)]
    assert rates == pytest.approx([0.1, 0.1] + [0.05] * 4)
    assert history.update == 6
    assert [epoch["samples"] for epoch in history.epochs] == [12, 12]


def test_a_rollback_needs_a_checkpoint_and_ends(tiny, tmp_path):
    settings = {"heads": tiny.routes(), "epochs": 2, "schedule": df.Constant(0.1)}
    with pytest.raises(TrainingDiverged):
        df.fit(tiny.two_heads(), poisoned(tiny, 1), on_nonfinite="rollback", **settings)
    saver = df.Saver(tmp_path, every="1st")
    log = tiny.Log()
    with pytest.raises(TrainingDiverged):
        df.fit(
            tiny.two_heads(), poisoned(tiny, 3), on_nonfinite=Guard("rollback", limit=3),
            checkpoint=saver, callbacks=[log], **settings,
        )  # fmt: skip
    assert [event for event in log.events if isinstance(event, int)] == [1, 2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"accumulate": 0}, "at least 1"),
        ({"clip_norm": 0.0}, "at least 1e-30"),
        ({"on_nonfinite": "ignore"}, "raise or skip or rollback"),
    ],
)
def test_settings_are_checked(tiny, settings, said):
    with pytest.raises(ConfigError, match=said):
        train(tiny, 4, **settings)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"factor": 0.0}, {"factor": 1.5}])
def test_a_guard_s_settings_are_checked(wrong):
    with pytest.raises(ConfigError, match="out of range"):
        Guard("skip", **wrong)
