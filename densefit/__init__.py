"""densefit: one exact fit loop for dense prediction and many tasks at once, on MXNet symbols.

Names are imported when they are first used: `import densefit` is quick, and imports neither MXNet
nor OpenCV. What is not at the top is in a namespace: `df.schedules`, `df.balance`, `df.callbacks`,
`df.metrics`, `df.transforms`, `df.sharing`, `df.surgery`, `df.interop`, `df.errors`.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from densefit import errors, old_paths, shims
from densefit.old_names import old_name
from densefit.process.environment import prepare_environment
from densefit.process.packages import needed_packages

if TYPE_CHECKING:
    from densefit import (
        balance,
        callbacks,
        interop,
        metrics,
        schedules,
        sharing,
        surgery,
        transforms,
    )
    from densefit.callbacks import Callback
    from densefit.checkpoint.training.policy import Keep
    from densefit.checkpoint.training.saver import Saver
    from densefit.checkpoint.weights.load import load
    from densefit.checkpoint.weights.pretrained import load_weights
    from densefit.checkpoint.weights.save import save
    from densefit.data.io.cache import Cached
    from densefit.data.loader.loader import Loader
    from densefit.data.loader.views import Views
    from densefit.data.mixture.mixture import Mixture
    from densefit.data.sample import Sample
    from densefit.engine.ema import EMA
    from densefit.evaluation.predict import predict
    from densefit.evaluation.score import score
    from densefit.exporting.export import export
    from densefit.factory import dataset, registered, transform
    from densefit.interop.files.mxnet_files import load_mxnet, save_mxnet
    from densefit.metrics import Metric
    from densefit.model.heads.head import Features, Head, Label, head
    from densefit.model.heads.route import Route
    from densefit.model.network import Network
    from densefit.model.summary import summary
    from densefit.train.distillation.distill import Distill
    from densefit.train.find_lr import find_lr
    from densefit.train.fit import fit
    from densefit.train.nonfinite import Guard
    from densefit.train.schedules import Constant, Cosine, Poly

__version__ = "0.1.0"

__all__ = [
    "Cached",
    "Callback",
    "Constant",
    "Cosine",
    "Distill",
    "EMA",
    "Features",
    "Guard",
    "Head",
    "Keep",
    "Label",
    "Loader",
    "Metric",
    "Mixture",
    "Network",
    "Poly",
    "Route",
    "Sample",
    "Saver",
    "Views",
    "balance",
    "callbacks",
    "dataset",
    "errors",
    "export",
    "find_lr",
    "fit",
    "head",
    "interop",
    "load",
    "load_mxnet",
    "load_weights",
    "metrics",
    "predict",
    "registered",
    "save",
    "save_mxnet",
    "schedules",
    "score",
    "sharing",
    "summary",
    "surgery",
    "transform",
    "transforms",
]

#: Name -> the module that defines it.
_NAMES = {
    "Cached": "data.io.cache",
    "Callback": "callbacks",
    "Constant": "train.schedules",
    "Cosine": "train.schedules",
    "Distill": "train.distillation.distill",
    "EMA": "engine.ema",
    "Features": "model.heads.head",
    "Guard": "train.nonfinite",
    "Head": "model.heads.head",
    "Keep": "checkpoint.training.policy",
    "Label": "model.heads.head",
    "Loader": "data.loader.loader",
    "Metric": "metrics",
    "Mixture": "data.mixture.mixture",
    "Network": "model.network",
    "Poly": "train.schedules",
    "Route": "model.heads.route",
    "Sample": "data.sample",
    "Saver": "checkpoint.training.saver",
    "Views": "data.loader.views",
    "dataset": "factory",
    "export": "exporting.export",
    "find_lr": "train.find_lr",
    "fit": "train.fit",
    "head": "model.heads.head",
    "load": "checkpoint.weights.load",
    "load_mxnet": "interop.files.mxnet_files",
    "load_weights": "checkpoint.weights.pretrained",
    "predict": "evaluation.predict",
    "registered": "factory",
    "save": "checkpoint.weights.save",
    "save_mxnet": "interop.files.mxnet_files",
    "score": "evaluation.score",
    "summary": "model.summary",
    "transform": "factory",
}

#: Names that are no modules: jsonargparse asks for each of them many times a command line.
_NO_MODULES: set[str] = set()

if not TYPE_CHECKING:  # which would take every attribute for one that exists

    def __getattr__(name: str) -> Any:
        if name in _NAMES:
            with needed_packages():
                value = getattr(import_module(f"densefit.{_NAMES[name]}"), name)
        elif name.startswith("_"):
            raise AttributeError(f"module 'densefit' has no attribute {name!r}")
        else:
            return old_name(name) or _submodule(name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _submodule(name: str) -> Any:
    """A module or folder of the package: `densefit.data` needs no import of its own."""
    if name not in _NO_MODULES:
        try:
            with needed_packages():
                return import_module(f"densefit.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"densefit.{name}":
                raise
        _NO_MODULES.add(name)
    raise AttributeError(f"module 'densefit' has no attribute {name!r}")


def _prepare_mxnet() -> None:
    """Let a later `import mxnet` work, on all CPUs; an earlier one is told their number."""
    prepare_environment()
    if sys.modules.get("mxnet"):
        import_module("densefit.backend")
        return
    try:
        from _densefit_mxnet_shims import install
    except ImportError:  # a copy of this folder alone
        shims.shim_numpy()
    else:
        install()


_prepare_mxnet()
old_paths.install()
