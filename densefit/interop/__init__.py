"""Interoperability with MXNet programs: iterators, metrics, callbacks, Modules and Blocks.

Importing this package registers its adapters for `fit` and `score` (`densefit.adapters`). Where
MXNet cannot be imported, these are the adapters of PyTorch's loaders and of plain iterables.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from densefit.interop import iterators
from densefit.interop.batches import batches
from densefit.interop.mxnet import is_installed

if TYPE_CHECKING:
    from densefit.interop.block import of_block
    from densefit.interop.callbacks import BatchEnd, EpochEnd, batch_end, epoch_end
    from densefit.interop.data_iter import as_data_iter
    from densefit.interop.metric_view import MetricView
    from densefit.interop.metrics import LegacyMetric
    from densefit.interop.module.arguments import ModuleArguments
    from densefit.interop.module.head_adapter import ModuleHead, module_head
    from densefit.interop.module.metric import ModuleMetric
    from densefit.interop.module.module import of_module
    from densefit.interop.mxnet_scheduler import MXNetScheduler, as_mxnet_scheduler
    from densefit.interop.parameters import arg_params, aux_params

__all__ = [
    "BatchEnd",
    "EpochEnd",
    "LegacyMetric",
    "MXNetScheduler",
    "MetricView",
    "ModuleArguments",
    "ModuleMetric",
    "ModuleHead",
    "arg_params",
    "as_data_iter",
    "as_mxnet_scheduler",
    "aux_params",
    "batch_end",
    "batches",
    "epoch_end",
    "iterators",
    "module_head",
    "of_block",
    "of_module",
]

#: Name of what needs MXNet -> its module.
_OF_MXNET = {
    "BatchEnd": "callbacks",
    "EpochEnd": "callbacks",
    "LegacyMetric": "metrics",
    "MXNetScheduler": "mxnet_scheduler",
    "MetricView": "metric_view",
    "ModuleArguments": "module.arguments",
    "ModuleHead": "module.head_adapter",
    "ModuleMetric": "module.metric",
    "arg_params": "parameters",
    "as_data_iter": "data_iter",
    "as_mxnet_scheduler": "mxnet_scheduler",
    "aux_params": "parameters",
    "batch_end": "callbacks",
    "epoch_end": "callbacks",
    "module_head": "module.head_adapter",
    "of_block": "block",
    "of_module": "module.module",
}


def __getattr__(name: str) -> Any:
    if name not in _OF_MXNET:
        raise AttributeError(f"module 'densefit.interop' has no attribute {name!r}")
    value = getattr(import_module(f"densefit.interop.{_OF_MXNET[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_REGISTERING = ("block", "metrics", "module.arguments", "module.module")
for _module in _REGISTERING if is_installed else ("module.absent",):
    import_module(f"densefit.interop.{_module}")
