"""Normalisation of planes joined to arithmetic on all planes."""

import numpy as np
import pytest

from densefit.exporting.onnx.join_planes import join_planes
from densefit.model.backbones.backbone import normalise
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym as S
from tests.exporting.onnx.converted import run_engine

DATA = S.Variable("data")
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def operators(graph):
    return [node.op for node in graph.nodes if not node.is_variable]


def test_numbers_are_equal_to_the_last_bit():
    symbol = normalise(DATA, MEAN, STD)
    joined, values = join_planes(SymbolGraph.of(symbol))
    assert operators(joined) == ["Cast", "broadcast_sub", "broadcast_mul"]
    inputs = {"data": np.random.default_rng(0).integers(0, 256, (2, 3, 5, 7)).astype(np.float32)}
    (expected,), (received,) = (
        run_engine(*arguments).values()
        for arguments in ((symbol, inputs), (joined.symbol, inputs, values))
    )
    np.testing.assert_array_equal(received, expected)


def planes(order=(0, 1, 2), axis=1, count=3):
    parts = S.split(DATA, num_outputs=count, axis=axis)
    return S.concat(*((parts[i] - 1.0) * 2.0 for i in order), dim=1)


@pytest.mark.parametrize(
    "symbol",
    [
        planes(order=(0, 2, 1)),
        planes(order=(0, 1)),
        planes(axis=2),
        S.concat(DATA * 2.0, (DATA - 1.0) * 2.0, dim=1),
        S.concat((DATA - 1.0) * 2.0, dim=1),
    ],
)
def test_other_concatenations_stay(symbol):
    graph = SymbolGraph.of(symbol)
    assert join_planes(graph)[0] is graph
