"""Each kind of backbone, narrow, with one head: it trains, scores and shares its parameters."""

import numpy as np
import pytest

import densefit as df
from tests.model.backbones.narrow import KINDS, NARROW

SIZE = (64, 64)
#: The normalization of the image in ResNet v2 has no scale and no shift.
CONSTANT = ("_data_bn_gamma", "_data_bn_beta")


@pytest.mark.parametrize("name", KINDS)
def test_training_and_scoring(tiny, name):
    network = df.Network(name, [tiny.Brightness()], settings=NARROW[name])
    train, evaluate = (network.graph(mode, SIZE) for mode in ("train", "evaluate"))
    labels = {"data", "bright_value", "bright_loss_weights"}
    for kind in ("list_arguments", "list_auxiliary_states"):
        trained, used = (set(getattr(graph, kind)()) - labels for graph in (train, evaluate))
        assert trained == used
    before = {}

    class Before(df.Callback):
        def fit_started(self, state, control):
            before.update(tiny.values(network))

    loader = tiny.loader(network, dataset=tiny.Pictures(4, size=SIZE[0]), batch_size=2)
    df.fit(network, loader, updates=2, optimizer="adam", lr=0.001, callbacks=[Before()])
    after = tiny.values(network)
    assert all(np.isfinite(value).all() for value in after.values())
    same = {name for name in before if np.array_equal(before[name], after[name])}
    assert same == {name for name in before if name.endswith(CONSTANT)}
    assert np.isfinite(df.score(network, loader)["bright/mae"])
