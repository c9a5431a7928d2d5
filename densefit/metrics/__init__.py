"""Metrics: exact over a whole dataset, for any batch size.

Importing this package registers the built-in metrics.
"""

from densefit.metrics.classification.accuracy import Accuracy, TopK
from densefit.metrics.classification.calibration import CalibrationError
from densefit.metrics.classification.confusion import ClassConfusion
from densefit.metrics.classification.f1 import F1
from densefit.metrics.classification.loss import CrossEntropy, Mean
from densefit.metrics.classification.multilabel import MultiLabelAveragePrecision
from densefit.metrics.classification.multilabel_f1 import MultiLabelF1
from densefit.metrics.classification.softmax_accuracy import SoftmaxAccuracy
from densefit.metrics.coco.ap import COCOAveragePrecision
from densefit.metrics.coco.keypoint_ap import COCOKeypointAveragePrecision
from densefit.metrics.coco.mask_ap import COCOMaskAveragePrecision
from densefit.metrics.conversion import as_metric
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.bootstrap import confidence_intervals
from densefit.metrics.core.function import FunctionMetric
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.core.regression import MAE, MSE, RMSE
from densefit.metrics.dense.boundary_iou import BoundaryIoU
from densefit.metrics.dense.confusion import ConfusionMatrix
from densefit.metrics.dense.confusion_count import confusion_matrix
from densefit.metrics.dense.depth import Depth
from densefit.metrics.dense.depth_pixels import DepthPixels
from densefit.metrics.dense.normals import SurfaceNormals
from densefit.metrics.panoptic.quality import PanopticQuality
from densefit.metrics.voc.ap import VOCAveragePrecision

__all__ = [
    "F1",
    "MAE",
    "MSE",
    "RMSE",
    "Accuracy",
    "AdditiveMetric",
    "BoundaryIoU",
    "COCOAveragePrecision",
    "COCOKeypointAveragePrecision",
    "COCOMaskAveragePrecision",
    "CalibrationError",
    "ClassConfusion",
    "ConfusionMatrix",
    "CrossEntropy",
    "Depth",
    "DepthPixels",
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
