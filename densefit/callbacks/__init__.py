"""What happens beside the updates, one concern a file."""

from densefit.callbacks.callback import Callback, Control, TrainState
from densefit.callbacks.curves import Curves, plot_curves
from densefit.callbacks.early_stopping import EarlyStopping
from densefit.callbacks.finite import StopOnNonFinite
from densefit.callbacks.jsonl import JSONLines
from densefit.callbacks.legacy import BatchEnd, EpochEnd, batch_end, epoch_end
from densefit.callbacks.progress import Progress

__all__ = [
    "BatchEnd",
    "Callback",
    "Control",
    "Curves",
    "EarlyStopping",
    "EpochEnd",
    "JSONLines",
    "Progress",
    "StopOnNonFinite",
    "TrainState",
    "batch_end",
    "epoch_end",
    "plot_curves",
]
