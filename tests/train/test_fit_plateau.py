"""A schedule that follows a validation score, in the loop."""

import pytest

import densefit as df
from densefit.errors import ConfigError


def run(tiny, epochs=6, validation=True, metric="bright/mae", **settings):
    network = tiny.network()
    rates = []
    note = tiny.Recorder("epoch_ended", lambda state, control: rates.append(state.lr))
    df.fit(
        network, tiny.loader(network, 4, 4), epochs=epochs, callbacks=[note], freeze=["tiny_*"],
        schedule=df.schedules.Plateau(1e-12, metric=metric, patience=1, factor=0.5),
        validation=tiny.loader(network, 4, 4) if validation else None, **settings,
    )  # fmt: skip
    return network, rates


def test_the_rate_falls_when_the_score_stands_still(tiny):
    """An error: lower is better, as the metric declares; it hardly moves at such a rate."""
    _, rates = run(tiny)
    assert rates[0] == 1e-12
    assert rates[-1] < rates[0]
    assert sorted(rates, reverse=True) == rates


def test_a_resume_goes_on_counting(tiny, tmp_path):
    straight, rates = run(tiny)
    _, first = run(tiny, 3, checkpoint=tmp_path)
    resumed, rest = run(tiny, checkpoint=tmp_path, resume="auto")
    assert first + rest == rates
    tiny.assert_equal(straight, resumed)


def test_there_must_be_such_a_score(tiny):
    with pytest.raises(ConfigError, match="no validation data"):
        run(tiny, validation=False)
    with pytest.raises(ConfigError, match="bright/mae"):
        run(tiny, metric="bright/mea")
