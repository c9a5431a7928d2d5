"""Callbacks: logs, progress, early stopping and more."""

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.csv_log import CSVLog
from densefit.callbacks.curves import Curves, plot_curves
from densefit.callbacks.early_stopping import EarlyStopping
from densefit.callbacks.finite import StopOnNonFinite
from densefit.callbacks.jsonl import JSONLines
from densefit.callbacks.memory import Memory
from densefit.callbacks.mlflow_tracker import MLflow
from densefit.callbacks.profiler import ProfileLine, Profiler
from densefit.callbacks.progress import Progress
from densefit.callbacks.tensorboard import TensorBoard
from densefit.callbacks.time_budget import TimeBudget
from densefit.callbacks.wandb_tracker import WandB

__all__ = [
    "CSVLog",
    "Callback",
    "Control",
    "Curves",
    "EarlyStopping",
    "JSONLines",
    "MLflow",
    "Memory",
    "ProfileLine",
    "Profiler",
    "Progress",
    "StopOnNonFinite",
    "TensorBoard",
    "TimeBudget",
    "TrainState",
    "WandB",
    "callbacks",
    "plot_curves",
]
