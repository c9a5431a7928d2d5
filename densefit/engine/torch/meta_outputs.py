"""Meta tensors of an operator's outputs, computed once for equal settings and inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from densefit.engine.torch.operators import registry
from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.program import Run
from densefit.engine.torch.without_compiler import without_compiler

Tensor = torch.Tensor

#: PyTorch takes up to 5 ms for an operator on meta tensors; blocks of a network repeat, and so do
#: inferences of a graph.
_KNOWN: dict[Any, tuple[Tensor, ...]] = {}
_MOST = 10_000


def meta_outputs(attrs: Attributes, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Compute an operator on meta tensors, as in evaluation.

    Args:
        attrs: settings of the node.
        inputs: meta tensors. They and the outputs are not to be changed: others share them.

    Raises:
        EngineError: the operator is not known, or its settings are not supported.
        RuntimeError: it cannot take inputs of these shapes; other errors of Python likewise.
    """
    node = attrs.node
    if node.subgraphs:
        return _compute(attrs, inputs)
    settings = frozenset((name, repr(value)) for name, value in node.attrs.items())
    layouts = tuple((x.shape, x.stride(), x.dtype) for x in inputs)
    key = (registry.maker_of(node.op), node.op, settings, layouts)
    outputs = _KNOWN.get(key)
    if outputs is None:
        outputs = _compute(attrs, inputs)
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[key] = outputs
    return outputs


def _compute(attrs: Attributes, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    with torch.no_grad(), without_compiler():
        outputs = registry.compute_of(attrs)(Run(device=torch.device("meta")), *inputs)
    return outputs if isinstance(outputs, tuple) else (outputs,)
