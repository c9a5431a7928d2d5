"""A training that the other engine continues says in the log what is not exact."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.symbol import sym as S
from tests.rows import iterator_of_arrays

LOSS = S.LinearRegressionOutput(
    S.FullyConnected(S.Variable("data"), num_hidden=1, name="fc"), name="age"
)


def train(folder, engine, optimizer, epochs):
    rows = np.random.default_rng(0).random((8, 3))
    data = iterator_of_arrays(rows, {"age_label": rows[:, :1]}, 4)
    settings = {"optimizer_params": {"learning_rate": 0.01}, "resume": "auto"}
    df.fit(LOSS, data, epochs=epochs, optimizer=optimizer, engine=engine,
           checkpoint=folder, **settings)  # fmt: skip


@pytest.mark.parametrize(("before", "now"), [("mxnet", "torch"), ("torch", "mxnet")])
@pytest.mark.parametrize(("optimizer", "words"), [("lars", "first four"), ("sgd", None)])
def test_what_is_not_exact(mx, tmp_path, caplog, before, now, optimizer, words):
    caplog.set_level(logging.WARNING, "densefit")
    train(tmp_path, before, optimizer, 1)
    train(tmp_path, before, optimizer, 2)
    assert "not exactly" not in caplog.text
    train(tmp_path, now, optimizer, 3)
    assert ("not exactly" in caplog.text) == (words is not None)
    if words is not None:
        assert words in caplog.text
        assert f"was on the engine {before}, and continues on {now}" in caplog.text
