"""Outputs to numbers: exact over a whole dataset, whatever the batches.

Importing this package registers the built-in metrics.
"""

from densefit.metrics.accuracy import Accuracy, TopK
from densefit.metrics.bootstrap import confidence_intervals
from densefit.metrics.boundary_iou import BoundaryIoU
from densefit.metrics.calibration import CalibrationError
from densefit.metrics.coco_ap import COCOAveragePrecision
from densefit.metrics.coco_keypoint_ap import COCOKeypointAveragePrecision
from densefit.metrics.coco_mask_ap import COCOMaskAveragePrecision
from densefit.metrics.confusion import ConfusionMatrix
from densefit.metrics.confusion_count import confusion_matrix
from densefit.metrics.conversion import as_metric
from densefit.metrics.depth import Depth
from densefit.metrics.f1 import F1
from densefit.metrics.function import FunctionMetric
from densefit.metrics.loss import CrossEntropy, Mean
from densefit.metrics.metric import Metric, metrics
from densefit.metrics.multilabel import MultiLabelAveragePrecision
from densefit.metrics.multilabel_f1 import MultiLabelF1
from densefit.metrics.normals import SurfaceNormals
from densefit.metrics.panoptic import PanopticQuality
from densefit.metrics.per_sample import PerSample
from densefit.metrics.regression import MAE, MSE, RMSE
from densefit.metrics.softmax_accuracy import SoftmaxAccuracy
from densefit.metrics.voc_ap import VOCAveragePrecision

__all__ = [
    "F1",
    "MAE",
    "MSE",
    "RMSE",
    "Accuracy",
    "BoundaryIoU",
    "COCOAveragePrecision",
    "COCOKeypointAveragePrecision",
    "COCOMaskAveragePrecision",
    "CalibrationError",
    "ConfusionMatrix",
    "CrossEntropy",
    "Depth",
    "FunctionMetric",
    "Mean",
    "Metric",
    "MultiLabelAveragePrecision",
    "MultiLabelF1",
    "PanopticQuality",
    "PerSample",
    "SoftmaxAccuracy",
    "SurfaceNormals",
    "TopK",
    "VOCAveragePrecision",
    "as_metric",
    "confidence_intervals",
    "confusion_matrix",
    "metrics",
]
