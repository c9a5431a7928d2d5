"""MXNet trains the graphs of densefit's builder as its own."""

import os
import sys

import pytest

from tests import forked

PROGRAM = """
import densefit as df
from densefit.datasets import Shapes

head = df.head("segmentation", classes=4, decoder="fcn", channels=8)
network = df.Network("resnet18", [head], settings={"width": 8})
data = df.Loader(Shapes(4, size=(32, 32)), batch_size=2, heads=network.heads, workers=0)
df.fit(network, data, epochs=2, optimizer="adam", engine="mxnet", progress=False)
print(type(network.symbol).__module__, df.score(network, data, engine="mxnet"))
"""


def trained(builder):
    done = forked.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "DENSEFIT_SYMBOL": builder},
        timeout=300,
        forget=["densefit"],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(" ", 1)


@pytest.mark.mxnet
def test_the_builder_changes_no_number():
    (ours, scores), (theirs, expected) = trained("densefit"), trained("mxnet")
    assert ours.startswith("densefit.symbol.builder")
    assert theirs.startswith("mxnet.symbol")
    assert scores == expected
