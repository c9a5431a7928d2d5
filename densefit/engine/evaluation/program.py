"""An eval graph for inputs of given shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from densefit.engine.graph.fold_batchnorm import Fold
from densefit.engine.graph.inputs import Input


@dataclass
class EvalProgram:
    """A graph for inputs of given shapes.

    Attributes:
        symbol: symbol with BatchNorms folded.
        folds: BatchNorms that are folded into layers of the symbol.
        inputs: name -> shape for the rows of all devices; other arguments are parameters.
        types: name -> dtype of inputs from a batch; other dtypes are inferred.
        outputs: short names of the symbol's outputs.
        fed: name -> bound form of an input from a batch.
        parameters: name -> shape of each parameter and statistic, before folding.
    """

    symbol: Any
    folds: Sequence[Fold]
    inputs: Mapping[str, tuple[int, ...]]
    types: Mapping[str, Any]
    outputs: Sequence[str] = ()
    batch: Mapping[str, Input] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
