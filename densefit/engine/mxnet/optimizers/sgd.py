"""SGD with momentum, one parameter at a time."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx


class SGD(mx.optimizer.SGD):  # type: ignore[misc]
    """MXNet's SGD, bit-equal, with one operator call per parameter.

    MXNet updates four parameters with one operator, which on a CPU takes 1.5 times as long as four
    operators, and with more parameters up to four times as long: it interleaves them.
    Used for `optimizer="sgd"`, but not registered under that name.

    Args:
        settings: settings of `mx.optimizer.SGD`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.aggregate_num = 0

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter."""
        dense = weight.stype == grad.stype == "default"
        if state is None or not dense or isinstance(index, (tuple, list)):
            super().update(index, weight, grad, state)
            return
        self._update_count(index)
        clip = {"clip_gradient": self.clip_gradient} if self.clip_gradient else {}
        mx.nd.sgd_mom_update(
            weight,
            grad,
            state,
            out=weight,
            lazy_update=self.lazy_update,
            lr=self._get_lr(index),
            wd=self._get_wd(index),
            momentum=self.momentum,
            rescale_grad=self.rescale_grad,
            **clip,
        )

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter; in half precision like MXNet."""
        if self.multi_precision:
            super().update_multi_precision(index, weight, grad, state)
        else:
            self.update(index, weight, grad, state)
