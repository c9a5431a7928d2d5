"""Averages of the weights."""

from importlib import import_module

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.engine.ema import EMA
from densefit.errors import ConfigError
from densefit.model.host_arrays import to_numpy
from tests.executor import engine_array
from tests.rows import fill_data


def test_the_average_is_that_of_its_formula():
    rng = np.random.default_rng(0)
    values = {f"p{i}": rng.normal(size=(i % 3 + 1, 2)).astype(np.float32) for i in range(90)}
    ema = EMA(0.9)
    module = import_module(f"densefit.engine.{df.engine.engine_name()}.averages")
    averages = module.Averages(ema, {name: engine_array(value) for name, value in values.items()})
    expected = {name: value.astype(np.float64) for name, value in values.items()}
    for t in range(5):
        values = {name: value + t for name, value in values.items()}
        decay = ema.rate(t)
        averages.update({name: engine_array(value) for name, value in values.items()}, t)
        for name, value in values.items():
            expected[name] = decay * expected[name] + (1 - decay) * value
    for name, value in expected.items():
        np.testing.assert_allclose(to_numpy(averages.arrays[name]), value, rtol=1e-5, atol=1e-6)


def test_rates():
    assert [EMA(0.5).rate(t) for t in (0, 5, 8, 9)] == [0.1, 0.4, 0.5, 0.5]
    assert EMA(0.5, warmup=False).rate(0) == 0.5
    with pytest.raises(ConfigError, match="at least 0 and below 1"):
        EMA(1.0)


def train(tiny, loops=2, **settings):
    network = tiny.network()
    history = df.fit(
        network, tiny.loader(network, 12, 4, shuffle=True), epochs=loops,
        schedule=df.Constant(0.1), optimizer_params={"momentum": 0.9}, **settings,
    )  # fmt: skip
    return network, history


def test_the_averages_are_scored_and_left_and_the_training_is_the_same(tiny):
    weights = []

    def note(state, control):
        weights.append(tiny.values(state.network))

    raw, _ = train(tiny, callbacks=[tiny.Recorder("update_ended", note)])
    start = tiny.network()
    averaged, history = train(tiny, ema=EMA(0.8, warmup=False), validation=tiny.loader(start, 5, 4))
    first = {}
    note_first = tiny.Recorder(
        "fit_started",
        lambda state, control: first.update(tiny.values(state.network)),
    )  # fmt: skip
    train(tiny, callbacks=[note_first])
    expected = {name: value.astype(np.float64) for name, value in first.items()}
    for values in weights:
        for name, value in values.items():
            expected[name] = 0.8 * expected[name] + 0.2 * value
    found = {name: array for name, array in tiny.values(averaged).items()}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    assert df.score(averaged, tiny.loader(start, 5, 4)) == history.last_validation


def test_a_resume_goes_on_with_both(tiny, tmp_path):
    straight, _ = train(tiny, ema=0.9)
    train(tiny, 1, ema=0.9, checkpoint=tmp_path)
    parts, _ = store.read(tmp_path / "last")
    assert set(parts) == {"model", "optimizer", "training"}
    resumed, _ = train(tiny, ema=0.9, checkpoint=tmp_path, resume="auto")
    tiny.assert_equal(straight, resumed)
    loaded = df.load(tmp_path, tiny.network())
    tiny.assert_equal(loaded, straight)


def test_taking_up_or_leaving_averages_is_told(tiny, tmp_path, caplog):
    straight, _ = train(tiny)
    train(tiny, 1, ema=0.9, checkpoint=tmp_path)
    resumed, _ = train(tiny, checkpoint=tmp_path, resume="auto")
    tiny.assert_equal(straight, resumed)  # the weights in training went on
    assert "averages no more" in caplog.text
    train(tiny, 3, ema=0.9, checkpoint=tmp_path, resume="auto")
    assert "begin the averages" in caplog.text


def test_a_refused_update_does_not_count_in_the_warm_up(tiny, tmp_path):
    """Neither a skipped one nor one that a rollback took back, over a resume too."""
    seen = []

    class Watched(EMA):
        def rate(self, t):
            seen.append(t)
            return super().rate(t)

    def poisoned(at):
        numbers = iter(range(100))

        def take(iterator):
            batch = iterator.next()
            if next(numbers) == at:
                fill_data(batch, np.nan)
            return batch

        return tiny.Changed(tiny.iterator(24, 4), take)

    def run(folder, data, **settings):
        seen.clear()
        network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
        df.fit(
            network, data, schedule=df.Constant(0.01), ema=Watched(0.9),
            checkpoint=df.Saver(folder, every="2st", background=False), resume="auto", **settings,
        )  # fmt: skip
        return list(seen)

    assert run(tmp_path / "a", poisoned(2), updates=4, on_nonfinite="skip") == [0, 1, 2]
    assert run(tmp_path / "a", tiny.iterator(24, 4), updates=6, on_nonfinite="skip") == [3, 4]
    rolled = run(tmp_path / "b", poisoned(3), updates=6, on_nonfinite="rollback")
    assert rolled == [0, 1, 2, 2, 3, 4, 5]
