"""Outputs to numbers: exact over a whole dataset, whatever the batches.

Importing this package registers the built-in metrics.
"""

from densefit.metrics.accuracy import Accuracy, TopK
from densefit.metrics.coco_ap import COCOAveragePrecision
from densefit.metrics.confusion import ConfusionMatrix, confusion_matrix
from densefit.metrics.function import FunctionMetric
from densefit.metrics.legacy import LegacyMetric, MetricView, as_metric
from densefit.metrics.loss import CrossEntropy, Mean
from densefit.metrics.metric import Metric, metrics
from densefit.metrics.regression import MAE, MSE, RMSE
from densefit.metrics.voc_ap import VOCAveragePrecision

__all__ = [
    "MAE",
    "MSE",
    "RMSE",
    "Accuracy",
    "COCOAveragePrecision",
    "ConfusionMatrix",
    "CrossEntropy",
    "FunctionMetric",
    "LegacyMetric",
    "Mean",
    "Metric",
    "MetricView",
    "TopK",
    "VOCAveragePrecision",
    "as_metric",
    "confusion_matrix",
    "metrics",
]
