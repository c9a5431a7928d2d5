"""Shapes of outputs and parameters by operator: a rule for each, by kind."""

from densefit.symbol.builder.shapes import (
    axes,
    convolutions,
    creation,
    elementwise,
    indexing,
    joining,
    losses,
    matrices,
    normalization,
    reductions,
    resampling,
    reshaping,
    sampling,
    sequences,
    slicing,
    vision,
)
from densefit.symbol.builder.shapes.node_shapes import NodeShapes, Shape, is_known, merged, rule_of

__all__ = ["NodeShapes", "Shape", "is_known", "merged", "rule_of"]

_KINDS = (
    axes,
    convolutions,
    creation,
    vision,
    elementwise,
    indexing,
    joining,
    losses,
    matrices,
    normalization,
    reductions,
    resampling,
    reshaping,
    sampling,
    sequences,
    slicing,
)
