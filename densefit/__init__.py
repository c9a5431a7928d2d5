"""densefit: one exact fit loop for dense prediction and many tasks at once, on MXNet symbols."""

from densefit import interop, old_paths
from densefit.callbacks import Callback, Control, TrainState
from densefit.checkpoint.training.policy import Keep
from densefit.checkpoint.training.saver import Saver
from densefit.checkpoint.weights.load import load
from densefit.checkpoint.weights.transfer import transfer
from densefit.data.io.cache import Cached
from densefit.data.loader.loader import Loader
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.loader.view_loader import ViewLoader
from densefit.data.loader.views import Views
from densefit.data.mixture.mixture import Mixture
from densefit.data.sample import Sample
from densefit.data.transforms import Compose
from densefit.engine.ema import EMA
from densefit.evaluation.predict import predict
from densefit.evaluation.score import score, score_mixture
from densefit.factory import dataset, registered, transform
from densefit.interop.files.mxnet_files import load_mxnet, save_mxnet
from densefit.metrics import Metric
from densefit.model.heads.head import Features, Head, Label, head
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.model.parameters import head_parameters, trunk_parameters
from densefit.model.surgery import with_head, without_head
from densefit.train.balance import (
    DWA,
    RLW,
    CAGrad,
    Fixed,
    GradNorm,
    PCGrad,
    Scheduled,
    Uncertainty,
)
from densefit.train.find_lr import find_lr
from densefit.train.fit import fit
from densefit.train.gradient_conflict import conflict
from densefit.train.history import History
from densefit.train.layer_decay import layer_decay
from densefit.train.nonfinite import Guard
from densefit.train.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseSquareRoot,
    Joined,
    Linear,
    OneCycle,
    Plateau,
    Poly,
    Step,
)
from densefit.train.signals import TrainingInterrupted

old_paths.install()

__version__ = "0.1.0"

__all__ = [
    "CAGrad",
    "Cached",
    "Callback",
    "Compose",
    "Constant",
    "Control",
    "Cosine",
    "CosineRestarts",
    "DWA",
    "EMA",
    "Exponential",
    "Features",
    "Fixed",
    "GradNorm",
    "Guard",
    "Head",
    "History",
    "InverseSquareRoot",
    "Joined",
    "Keep",
    "Label",
    "Linear",
    "Loader",
    "Metric",
    "Mixture",
    "Network",
    "OneCycle",
    "OriginalSizeLoader",
    "PCGrad",
    "Plateau",
    "Poly",
    "RLW",
    "Route",
    "Sample",
    "Saver",
    "Scheduled",
    "Step",
    "TrainState",
    "TrainingInterrupted",
    "Uncertainty",
    "ViewLoader",
    "Views",
    "conflict",
    "dataset",
    "find_lr",
    "fit",
    "head",
    "head_parameters",
    "interop",
    "layer_decay",
    "load",
    "load_mxnet",
    "predict",
    "registered",
    "save_mxnet",
    "score",
    "score_mixture",
    "transfer",
    "transform",
    "trunk_parameters",
    "with_head",
    "without_head",
]
