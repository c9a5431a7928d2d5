"""densefit: one exact fit loop for dense prediction and many tasks at once, on MXNet symbols."""

from densefit import interop
from densefit.callbacks import Callback, Control, TrainState
from densefit.checkpoint.load import load
from densefit.checkpoint.mxnet_files import load_mxnet, save_mxnet
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.saver import Saver
from densefit.checkpoint.transfer import transfer
from densefit.data.cache import Cached
from densefit.data.loader import Loader
from densefit.data.mixture import Mixture
from densefit.data.original_size_loader import OriginalSizeLoader
from densefit.data.sample import Sample
from densefit.data.transforms import Compose
from densefit.data.view_loader import ViewLoader
from densefit.data.views import Views
from densefit.discover import dataset, registered, transform
from densefit.metrics import Metric
from densefit.model.head import Features, Head, Label, head
from densefit.model.network import Network
from densefit.model.other_heads import with_head, without_head
from densefit.model.owners import head_parameters, trunk_parameters
from densefit.model.route import Route
from densefit.predict.predictor import predict
from densefit.score import score
from densefit.score_many import score_mixture
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
from densefit.train.conflict import conflict
from densefit.train.ema import EMA
from densefit.train.find_lr import find_lr
from densefit.train.fit import fit
from densefit.train.guard import Guard
from densefit.train.history import History
from densefit.train.layer_decay import layer_decay
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
