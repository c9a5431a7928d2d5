"""Adamax that does not divide by 0."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


class Adamax(mx.optimizer.Adamax):  # type: ignore[misc]
    """MXNet's Adamax, bit-equal, but that a weight whose gradients were all 0 stays as it is.

    The gradient with the decay in it, as Adamax takes it. MXNet's own divides 0 by 0 there, and the
    weight is nan: that of a class that no batch has had yet. In place of `optimizer="adamax"`; not
    registered.

    Args:
        settings: as of `mx.optimizer.Adamax`.
    """

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter."""
        before = weight.copy()
        super().update(index, weight, grad, state)
        weight[:] = mx.nd.where(state[1] == 0, before, weight)
