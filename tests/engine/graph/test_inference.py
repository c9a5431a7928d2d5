"""Whether rows of a batch can be cut off, by each engine's inference."""

import pytest

from densefit.backend import mx
from densefit.engine.graph.inference import can_cut_rows
from densefit.engine.mxnet.graph.inference import MXNetInference
from densefit.engine.torch.inference import TorchInference


@pytest.mark.parametrize("inference", [MXNetInference(), TorchInference()], ids=["mxnet", "torch"])
def test_a_reshape_to_a_number_of_rows_cannot_be_cut(inference):
    x, shapes = mx.sym.Variable("data"), {"data": (4, 6)}
    assert can_cut_rows(inference, mx.sym.reshape(x, shape=(-1, 2)), shapes, 4)
    assert not can_cut_rows(inference, mx.sym.reshape(x, shape=(4, 6)), shapes, 4)
