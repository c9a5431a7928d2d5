"""Every optimizer of MXNet, and AdamW: trains by its name, and is continued exactly."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx

# An old name of sgd; MXNet's own test optimizer; one for matrices alone (embeddings).
LEFT_OUT = {"ccsgd", "test", "groupadagrad"}
NOT_CONTINUED = {"lbsgd"}  # keeps gradients on itself, where no state shows them
NAMES = sorted(set(mx.optimizer.Optimizer.opt_registry) - LEFT_OUT)


def fit(tiny, name, updates, **settings):
    network = df.Network(symbol=tiny.two_heads(), routes=tiny.routes())
    mx.random.seed(3)
    history = df.fit(
        network, tiny.iterator(12, 4), updates=updates, optimizer=name,
        optimizer_params={"wd": 1e-3}, schedule=df.Constant(0.003), **settings,
    )  # fmt: skip
    return network, history


def test_the_ones_that_people_name_are_there():
    assert {"sgd", "nag", "adam", "adamw", "lamb", "lars", "rmsprop", "adagrad"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_is_continued_exactly(tiny, tmp_path, caplog, name):
    first, _ = fit(tiny, name, 1)
    straight, _ = fit(tiny, name, 7)
    moved = tiny.values(straight)
    assert all(np.isfinite(value).all() for value in moved.values())
    assert all((moved[key] != value).any() for key, value in tiny.values(first).items())
    fit(tiny, name, 4, checkpoint=tmp_path)
    with caplog.at_level(logging.WARNING, logger="densefit"):
        resumed, _ = fit(tiny, name, 7, checkpoint=tmp_path, resume="auto")
    assert ("is not exact" in caplog.text) == (name in NOT_CONTINUED)
    if name not in NOT_CONTINUED:
        tiny.assert_equal(straight, resumed)
