"""Head adapter of Module.fit's `eval_metric`: all outputs and all labels of a symbol."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.interop.eval_metric import copied, created
from densefit.interop.module.metric import ModuleMetric, check_names
from densefit.metrics import Metric
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.network import Network
from densefit.model.output_names import short_name

NAME = "module"


class ModuleHead(HeadAdapter):
    """Head adapter without a loss that passes all outputs and labels to Module.fit's metrics.

    Args:
        outputs: full names of the symbol's outputs.
        train: metric of a training pass.
        evaluate: metric of a validation or scoring pass.
        labels: names of the labels that metrics need.
    """

    fixed_shapes = False
    name = NAME

    def __init__(
        self,
        outputs: list[str],
        train: ModuleMetric,
        evaluate: ModuleMetric,
        labels: list[str],
    ) -> None:
        self._full_names = {short_name(name): name for name in outputs}
        self.metrics_by_mode = {"train": train, "evaluate": evaluate}
        self._taken: set[str] = set()
        self._labels = labels
        self._rows: dict[str, int] = {}

    @property
    def labels(self) -> list[str]:
        return self._labels

    @property
    def metric_labels(self) -> list[str]:
        return self._labels

    @property
    def label_groups(self) -> list[str]:
        return []  # no loss

    def outputs(self, mode: str) -> list[str]:
        return list(self._full_names)

    def rows(self, output: str) -> int:
        return self._rows.get(output, 1)

    def metrics(self, mode: str) -> list[Metric]:
        """Return the user's metric object on the first call, new ones later."""
        metric = self.metrics_by_mode[mode]
        if mode in self._taken:
            return [metric.fresh()]
        self._taken.add(mode)
        return [metric]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        # Outputs without an integer number of rows per sample are passed unsliced.
        for name in self._full_names:
            whole, rest = divmod((*shapes[name], 1)[0], batch_size)
            self._rows[name] = 0 if rest else whole

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """Return outputs by full name and labels by name, both in Module's order."""
        return (
            OrderedDict((full, outputs[name]) for name, full in self._full_names.items()),
            OrderedDict((name, _real(array, batch)) for name, array in batch.labels.items()),
            batch.ids,
        )


def module_head(
    network: Network,
    eval_metric: Any,
    validation_metric: Any = None,
    train_shown: bool = False,
    validation_shown: bool = False,
    seen: Sequence[str] | None = None,
) -> ModuleHead:
    """Create the head adapter that passes a symbol's outputs and labels to Module.fit's metrics.

    Args:
        network: network of a symbol.
        eval_metric: an argument of `mx.metric.create`. A metric object is itself updated, as by
            Module.
        validation_metric: likewise; by default an empty copy of `eval_metric`.
        train_shown: whether callbacks may reset `eval_metric` in mid-epoch. If so, a copy
            accumulates over the epoch.
        validation_shown: likewise for `validation_metric` in mid-validation.
        seen: full names of the outputs that metrics get; None: all.

    Raises:
        ConfigError: an invalid metric, an output that the symbol lacks, or a network of heads.
    """
    if network.heads:
        raise ConfigError(
            "An eval_metric sees the outputs of a Symbol; this network is built of heads",
            received=f"heads {list(network.adapters)}",
            fix="give metrics to the heads, or df.score(..., metrics={head: [...]})",
        )
    if NAME in network.adapters:
        raise ConfigError(f"A head is named {NAME!r}, as the scores of eval_metric are")
    outputs = [name for name in network.symbol.list_outputs() if seen is None or name in seen]
    train_metric = created(eval_metric)
    again = validation_metric is None or validation_metric is eval_metric
    other = copied(train_metric) if again else created(validation_metric)
    labels = dict.fromkeys([*check_names(train_metric, outputs), *check_names(other, outputs)])
    train = (
        ModuleMetric(copied(train_metric), train_metric)
        if train_shown
        else ModuleMetric(train_metric)
    )
    evaluate = ModuleMetric(copied(other), other) if validation_shown else ModuleMetric(other)
    return ModuleHead(outputs, train, evaluate, list(labels))


def _real(label: Any, batch: Any) -> Any:
    """Return the rows of a label array without padding."""
    each, rest = divmod(label.shape[0], batch.rows)
    return label if rest else label[: each * batch.real]
