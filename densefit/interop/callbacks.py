"""MXNet's own callbacks in densefit's loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.backend import mx
from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.interop.metric_view import MetricView
from densefit.interop.parameters import arg_params, aux_params


class BatchEnd(Callback):
    """Call a `batch_end_callback` of MXNet, e.g. `mx.callback.Speedometer(32)`, after each update.

    The callback receives an `mx.model.BatchEndParam`: `epoch`; `nbatch`, the update in the epoch,
    from 0; `eval_metric`, a view of the training metrics on which `reset()` and `reset_local()`
    have no effect (an auto-resetting Speedometer does not cut the epoch's averages short); and
    `locals`, a dict with `network`, `state` and `control`.
    """

    def __init__(self, callback: Callable[[Any], Any]) -> None:
        self.callback = callback

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Call the callback."""
        self.callback(
            mx.model.BatchEndParam(
                epoch=state.epoch,
                nbatch=state.batch - 1,
                eval_metric=MetricView(state.train),
                locals={"network": state.network, "state": state, "control": control},
            )
        )


class EpochEnd(Callback):
    """Call an `epoch_end_callback` of MXNet, e.g. `mx.callback.do_checkpoint("model")`.

    The callback receives (epoch, symbol, arg_params, aux_params): the train symbol and the
    parameters as dicts of NDArrays, after the epoch's last update and, as in MXNet, before
    validation.
    """

    def __init__(self, callback: Callable[[int, Any, Any, Any], Any]) -> None:
        self.callback = callback

    def epoch_ended(self, state: TrainState, control: Control) -> None:
        """Call the callback."""
        network = state.network
        self.callback(state.epoch, network.symbol, arg_params(network), aux_params(network))


def batch_end(callback: Callable[[Any], Any]) -> BatchEnd:
    """Wrap MXNet's `batch_end_callback` as a densefit callback."""
    return BatchEnd(callback)


def epoch_end(callback: Callable[[int, Any, Any, Any], Any]) -> EpochEnd:
    """Wrap MXNet's `epoch_end_callback` as a densefit callback."""
    return EpochEnd(callback)
