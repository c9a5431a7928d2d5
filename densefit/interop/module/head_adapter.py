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
    """Passes all outputs and all labels to metrics of Module.fit; it has no loss.

    Args:
        outputs: full names of the symbol's outputs.
        train: metric of a training pass.
        evaluate: metric of a validation or scoring pass.
        labels: that metrics ask for by name.
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
        return []  # it has no loss

    def outputs(self, mode: str) -> list[str]:
        return list(self._full_names)

    def rows(self, output: str) -> int:
        return self._rows.get(output, 1)

    def metrics(self, mode: str) -> list[Metric]:
        """The user's metric object on the first call, new ones later."""
        judge = self.metrics_by_mode[mode]
        if mode in self._taken:
            return [judge.fresh()]
        self._taken.add(mode)
        return [judge]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        # What has no whole number of rows a sample is given whole.
        for name in self._full_names:
            whole, rest = divmod((*shapes[name], 1)[0], batch_size)
            self._rows[name] = 0 if rest else whole

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """Outputs by full name and labels by name, both in the order that Module has them in."""
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
    """Make the adapter through which Module.fit's metrics see a symbol's outputs and labels.

    Args:
        network: made of a symbol.
        eval_metric: what `mx.metric.create` takes. An object is updated itself, as by Module.
        validation_metric: the same; by default a copy of `eval_metric` that has seen nothing.
        train_shown: whether callbacks see `eval_metric` in mid-epoch and may reset it. A copy is
            then kept for the epoch's numbers.
        validation_shown: the same of `validation_metric` in mid-validation.
        seen: full names of the outputs that metrics get; None: all.

    Raises:
        ConfigError: no metric, an output that the symbol does not have, or a network of heads.
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
    own = created(eval_metric)
    again = validation_metric is None or validation_metric is eval_metric
    other = copied(own) if again else created(validation_metric)
    labels = dict.fromkeys([*check_names(own, outputs), *check_names(other, outputs)])
    train = ModuleMetric(copied(own), own) if train_shown else ModuleMetric(own)
    evaluate = ModuleMetric(copied(other), other) if validation_shown else ModuleMetric(other)
    return ModuleHead(outputs, train, evaluate, list(labels))


def _real(label: Any, batch: Any) -> Any:
    """The rows of a label array that belong to samples."""
    each, rest = divmod(label.shape[0], batch.rows)
    return label if rest else label[: each * batch.real]
