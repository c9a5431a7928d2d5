"""Shapes of outputs and parameters by operator: a rule for each, by kind."""

from densefit.symbol.builder.shapes import (
    convolutions,
    detection,
    elementwise,
    indexing,
    losses,
    matrices,
    normalization,
    reductions,
    reshaping,
    sampling,
    slicing,
)
from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, is_known, merged, rule_of

__all__ = ["NodeShapes", "Shape", "is_known", "merged", "rule_of"]

_KINDS = (
    convolutions,
    detection,
    elementwise,
    indexing,
    losses,
    matrices,
    normalization,
    reductions,
    reshaping,
    sampling,
    slicing,
)
