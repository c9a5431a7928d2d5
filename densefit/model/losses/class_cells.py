"""Inputs of a loss of a class map: logits and labels of the cells. Symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from densefit.model.loss_weights import weight_row
from densefit.model.partial_softmax import partial_log_softmax
from densefit.symbol import sym


@dataclass(frozen=True)
class ClassCells:
    """Cells of a batch of class maps, as Symbols.

    Attributes:
        logits: (B, C, h, w).
        mask: (B, h, w) class of each cell, any class where void.
        weight: (B, h, w) weights that add up to 1 in a sample; 0 where void.
        classes: number of classes C.
        class_weights: factor on each class; the weights have it already.
        annotated: (B, C, 1, 1), 0 for classes that the sample does not annotate; None: all are.
        unsure: (B, 1, h, w), 1 where a class that is not annotated may be; None: nowhere.
        labels: further labels of the losses, by name.
    """

    logits: Any
    mask: Any
    weight: Any
    classes: int
    class_weights: Sequence[float] | None = None
    annotated: Any = None
    unsure: Any = None
    labels: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def log_probability(self) -> Any:
        """(B, C, h, w); of classes that compete nowhere, a very negative number."""
        if self.annotated is None:
            return sym.log_softmax(self.logits, axis=1)
        return partial_log_softmax(self.logits, self.annotated, self.unsure, axis=1)

    @cached_property
    def entropy(self) -> Any:
        """(B, h, w) cross-entropy of each cell."""
        return -sym.pick(self.log_probability, self.mask, axis=1)

    @cached_property
    def competing(self) -> Any:
        """(B, C, h, w): 0 for the logits that get no gradient at a cell; None: all compete."""
        if self.annotated is None:
            return None
        return 1 + sym.broadcast_mul(self.annotated - 1, self.unsure)

    @cached_property
    def valid(self) -> Any:
        """(B, h, w): 0 where void, else 1."""
        return sym.BlockGrad(self.weight > 0)

    @cached_property
    def all_valid(self) -> Any:
        """(B, C, h, w): `valid` for each class."""
        return sym.broadcast_axis(sym.expand_dims(self.valid, axis=1), axis=1, size=self.classes)

    @cached_property
    def probability(self) -> Any:
        """(B, C, h, w): 0 where void."""
        return sym.exp(self.log_probability) * self.all_valid

    @cached_property
    def truth(self) -> Any:
        """(B, C, h, w): 1 at the cell's class, 0 elsewhere and where void."""
        number = sym.reshape(sym.arange(0, self.classes), shape=(1, self.classes, 1, 1))
        return sym.broadcast_equal(sym.expand_dims(self.mask, axis=1), number) * self.all_valid

    def mean_over_present(self, losses: Any) -> Any:
        """(B,) weighted mean over the classes that a sample has, of a loss (B, C) a class.

        A sample without valid cells has loss 0 and no gradient.
        """
        present = sym.BlockGrad(sym.max(self.truth, axis=(2, 3)))
        if self.class_weights is not None and set(self.class_weights) != {1.0}:
            factors = sym.reshape(weight_row(self.class_weights), shape=(1, -1))
            present = sym.broadcast_mul(present, factors)
        total = sym.sum(present, axis=1)
        return sym.sum(losses * present, axis=1) / (total + (total == 0))
