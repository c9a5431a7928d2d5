"""Trainings on both engines, from the same parameters."""

import numpy as np
import pytest

import densefit as df

ENGINES = ("mxnet", "torch")


class Losses(df.Callback):
    """The mean of all losses, and the gradient's norm, of each update."""

    def __init__(self):
        self.losses, self.norms, self.refused = [], [], []

    def update_ended(self, state, control):
        self.losses.append(dict(state.train()))
        self.norms.append(state.gradient_norm)
        self.refused.append(state.refused)


def values_of(network):
    """Parameters and statistics of a network, to begin other trainings with."""
    return dict(network.parameters), dict(network.statistics)


def trained(make, data, engine, start=None, **settings):
    """(network, losses by update) of a training.

    Args:
        make: returns a new network.
        data: network -> training data.
        engine: name of the engine.
        start: parameters and statistics to begin with.
        settings: further arguments of `fit`.
    """
    network, losses = make(), Losses()
    if start is not None:
        network.set_params(*start)
    callbacks = [losses, *settings.pop("callbacks", ())]
    df.fit(network, data(network), engine=engine, callbacks=callbacks, progress=False, **settings)
    return network, losses


def train_alike(make, data, tolerance=1e-4, **settings):
    """Train on both engines; the networks, after comparing the losses of each update."""
    first = make()
    rate = {"optimizer_params": {"learning_rate": 0.0}, "updates": 1}
    df.fit(first, data(first), engine="mxnet", progress=False, **rate)
    begin = values_of(first)
    results = [trained(make, data, engine, begin, **dict(settings)) for engine in ENGINES]
    expected, received = (losses for _, losses in results)
    assert expected.refused == received.refused
    assert len(expected.losses) == len(received.losses)
    for update, (there, here) in enumerate(zip(expected.losses, received.losses)):
        assert there.keys() == here.keys()
        for name, value in there.items():
            largest = tolerance * max(abs(value), 1e-3)
            assert here[name] == pytest.approx(value, abs=largest, nan_ok=True), (update, name)
    np.testing.assert_allclose(received.norms, expected.norms, rtol=10 * tolerance)
    return [network for network, _ in results]


def assert_close(first, second, tolerance=1e-4):
    """All parameters and statistics of two networks agree, relative to the largest of each."""
    for there, here in (
        (first.parameters, second.parameters),
        (first.statistics, second.statistics),
    ):
        assert there.keys() == here.keys()
        for name, value in there.items():
            difference = np.abs(here[name] - value).max(initial=0)
            assert difference <= tolerance * max(np.abs(value).max(initial=0), 1e-2), name
