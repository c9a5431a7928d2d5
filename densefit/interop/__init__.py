"""Interoperability with MXNet programs: iterators, metrics, callbacks, Modules and Blocks.

Importing this package registers its adapters for `fit` and `score` (`densefit.adapters`).
"""

from densefit.interop import iterators
from densefit.interop.batches import batches
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
