"""Adamax that does not divide by 0."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


class Adamax(mx.optimizer.Adamax):  # type: ignore[misc]
    """MXNet's Adamax, bit-equal, except that a weight whose gradients were all 0 is unchanged.

    Gradients include weight decay, as in Adamax. MXNet's Adamax divides 0 by 0 there, so the
    weight of a class without samples so far becomes nan. Used for `optimizer="adamax"`, but not
    registered under that name.

    Args:
        settings: settings of `mx.optimizer.Adamax`.
    """

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter."""
        before = weight.copy()
        super().update(index, weight, grad, state)
        weight[:] = mx.nd.where(state[1] == 0, before, weight)
