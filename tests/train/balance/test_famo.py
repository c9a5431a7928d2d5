"""FAMO against TorchJD's, with the losses that it is given, and in a training."""

import numpy as np
import pytest

import densefit as df
from densefit.train.balance import FAMO

HEADS = ["a", "b", "c"]


def begun(heads=HEADS, **settings):
    balancer = FAMO(**settings)
    balancer.begin(heads)
    return balancer


@pytest.mark.parametrize("decay", [0.0, 1e-2])
def test_weights_are_torchjds_gradient_update_by_update(decay):
    """At the losses that it has observed; times their number."""
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchjd.scalarization").FAMO(3, lr=0.1, weight_decay=decay)
    balancer, rng = begun(lr=0.1, weight_decay=decay), np.random.default_rng(0)
    for update in range(6):
        before, after = rng.uniform(0.1, 3, (2, 3))
        balancer.observe(dict(zip(HEADS, before)))
        values = torch.tensor(before, dtype=torch.float32, requires_grad=True)
        (slopes,) = torch.autograd.grad(theirs(values), values)
        found = list(balancer.weights(update).values())
        np.testing.assert_allclose(found, 3 * slopes.numpy(), rtol=1e-4)
        balancer.observe_after(dict(zip(HEADS, after)))
        theirs.update(torch.tensor(after, dtype=torch.float32))
    assert max(found) > 1.2 * min(found)


def test_an_absent_head_keeps_its_logit_and_the_rest_move_without_it():
    whole, pair = begun(), begun(["a", "c"])
    for balancer in (whole, pair):
        for _ in range(3):
            balancer.observe({"a": 1.0, "c": 2.0})
            balancer.observe_after({"a": 0.5, "c": 1.9})
    states = [balancer.state_dict()["adam"] for balancer in (whole, pair)]
    assert states[0]["b"] == [0.0] * 4
    assert {head: states[0][head] for head in "ac"} == states[1]
    assert whole.weights(0)["b"] == 1.0
    assert [whole.weights(0)[h] for h in "ac"] == [pair.weights(0)[h] for h in "ac"]


@pytest.mark.parametrize("engine", [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_losses_after_are_those_of_the_same_samples(tiny, engine, accumulate):
    """Two updates over the same samples: after the first stands what the second begins with."""
    seen = []

    class Watched(FAMO):
        def observe(self, losses):
            seen.append(("before", dict(losses)))
            super().observe(losses)

        def observe_after(self, losses):
            seen.append(("after", dict(losses)))
            super().observe_after(losses)

    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    df.fit(
        network,
        tiny.loader(network, 4, 4 // accumulate, workers=0),
        balance=Watched(),
        accumulate=accumulate,
        updates=2,
        engine=engine,
        progress=False,
        schedule=df.Constant(0.01),
    )
    assert [name for name, _ in seen] == ["before", "after"] * 2
    assert seen[1][1] == pytest.approx(seen[2][1], rel=1e-5)
    assert seen[0][1] != pytest.approx(seen[1][1], rel=1e-5)
