"""What programs written for MXNet bring: how it is taken in, and what it really does.

Importing this package registers the adapters that `fit` and `score` ask (`densefit.adapters`).
"""

from densefit.interop.callbacks import BatchEnd, EpochEnd, batch_end, epoch_end
from densefit.interop.metric_view import MetricView
from densefit.interop.metrics import LegacyMetric

__all__ = [
    "BatchEnd",
    "EpochEnd",
    "LegacyMetric",
    "MetricView",
    "batch_end",
    "epoch_end",
]
