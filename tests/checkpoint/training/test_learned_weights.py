"""A training that goes on with a balancer that learns weights, or without the one that did."""

import itertools

import numpy as np
import pytest

import densefit as df
from densefit.checkpoint.storage import store
from densefit.train.balance import DWA, Uncertainty

KINDS = {"none": lambda: None, "dwa": DWA, "learned": Uncertainty,
         "again": lambda: Uncertainty(initial=0.5)}  # fmt: skip


def fit(tiny, folder, balance, epochs, **settings):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    df.fit(
        network, tiny.loader(network, 8, 4, workers=0), epochs=epochs, checkpoint=folder,
        resume="auto", balance=balance, optimizer="adam", ema=0.9, progress=False, **settings,
    )  # fmt: skip
    return store.read(folder / "last")


PAIRS = [pair for pair in itertools.permutations(KINDS, 2) if "learned" in pair]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_another_balance_begins_anew(tiny, tmp_path, caplog, before, after):
    """Its weights at their first value and without moments; everything else goes on."""
    old, _ = fit(tiny, tmp_path, KINDS[before](), 1)
    parts, state = fit(tiny, tmp_path, KINDS[after](), 2, freeze=["tiny*", "*_fc_weight"])
    assert "goes on with another balance" in caplog.text
    counts = state["optimizer"]["counts"]
    names = {"a_log_variance", "b_log_variance"}
    trained = {key[4:] for key in parts["training"]} & names
    assert trained == (names if after in ("learned", "again") else set())
    assert {key.split("/")[0] for key in parts["optimizer"]} & names == trained
    for name in trained:
        assert counts[name] == 2
        start = 0.5 if after == "again" else 0.0
        assert abs(parts["training"][f"arg:{name}"][0] - start) < 0.01  # two steps of Adam
    for key, value in old["training"].items():
        if key.startswith("arg:tiny") or key.endswith("_fc_weight"):
            np.testing.assert_array_equal(parts["training"][key], value, err_msg=key)
