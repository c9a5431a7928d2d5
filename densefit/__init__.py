"""densefit: one exact fit loop for dense prediction and many tasks at once, on MXNet symbols."""

from densefit.callbacks import Callback, Control, TrainState
from densefit.checkpoint.load import load
from densefit.checkpoint.policy import Keep
from densefit.checkpoint.saver import Saver
from densefit.data.loader import Loader
from densefit.data.sample import Sample
from densefit.data.transforms import Compose
from densefit.data.view_loader import ViewLoader
from densefit.data.views import Views
from densefit.discover import dataset, registered, transform
from densefit.metrics import Metric
from densefit.model.head import Features, Head, Label, head
from densefit.model.network import Network
from densefit.model.route import Route
from densefit.predict.predictor import predict
from densefit.score import score
from densefit.train.fit import fit
from densefit.train.history import History
from densefit.train.schedules import Constant, Cosine, Poly, Step

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "Compose",
    "Constant",
    "Control",
    "Cosine",
    "Features",
    "Head",
    "History",
    "Keep",
    "Label",
    "Loader",
    "Metric",
    "Network",
    "Poly",
    "Route",
    "Sample",
    "Saver",
    "Step",
    "TrainState",
    "ViewLoader",
    "Views",
    "dataset",
    "fit",
    "head",
    "load",
    "predict",
    "registered",
    "score",
    "transform",
]
