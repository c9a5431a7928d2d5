"""Whether rows of a batch can be cut off, by each engine's inference."""

import pytest

from densefit.engine.graph.inference import can_cut_rows
from densefit.symbol import sym
from tests.engine.graph.inferences import inference_of


@pytest.mark.parametrize("engine", [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"])
def test_a_reshape_to_a_number_of_rows_cannot_be_cut(engine):
    inference = inference_of(engine)
    x, shapes = sym.Variable("data"), {"data": (4, 6)}
    assert can_cut_rows(inference, sym.reshape(x, shape=(-1, 2)), shapes, 4)
    assert not can_cut_rows(inference, sym.reshape(x, shape=(4, 6)), shapes, 4)
