"""The adapter of a user's Route: its arrays go to the metrics, without padded rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import BindError, ConfigError
from densefit.metrics import Metric, as_metric
from densefit.model.heads.adapter import HeadAdapter, check_rows, diverged, rows_of
from densefit.model.heads.head import Head
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.route import Route
from densefit.model.output_names import short_name
from densefit.registry import nearest


class RoutedHead(HeadAdapter):
    """A user's `Route`: arrays go to the metrics, without padded rows."""

    fixed_shapes = False

    def __init__(self, name: str, route: Route, symbol_outputs: Sequence[str]) -> None:
        self.name = name
        self.route = route
        self.uses_metrics = True  # False where fit's eval_metric replaces its metrics
        self._outputs = [_output_name(name, output, symbol_outputs) for output in route.outputs]
        rows: Mapping[str, int] = {}
        if isinstance(route.rows, Mapping):
            rows = route.rows
        elif route.rows is not None:
            rows = dict.fromkeys(self._outputs, route.rows)
        self._stated = {_output_name(name, key, symbol_outputs): n for key, n in rows.items()}
        self._rows = dict(self._stated)

    @property
    def labels(self) -> list[str]:
        return list(self.route.labels)

    @property
    def metric_labels(self) -> list[str]:
        return self.labels

    @property
    def batch_scalars(self) -> list[str]:
        return [name for name in self._outputs if self._rows.get(name) == 0]

    def outputs(self, mode: str) -> list[str]:
        return self._outputs

    def rows(self, output: str) -> int | None:
        return self._rows.get(output, 1)

    def metrics(self, mode: str) -> list[Metric]:
        if not self.uses_metrics:
            return []
        return [as_metric(metric).fresh() for metric in self.route.metrics]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        for name in self._outputs:
            rows = self._stated.get(name)
            if rows is None:
                rows = rows_of(shapes[name], batch_size, self._rows.get(name))
            if rows is None:
                raise BindError(
                    f"The output {name!r} has the shape {shapes[name]} for {batch_size} samples: "
                    "its rows cannot be shared out among them",
                    expected=f"a multiple of {batch_size} rows, or one number for the batch",
                    received=shapes[name],
                    where=f"head {self.name}",
                    fix="reshape it in the symbol, or give the metric as fit(..., eval_metric=...),"
                    " which gets whole arrays",
                )
            check_rows(self.name, name, shapes[name], rows, batch_size, devices)
            self._rows[name] = rows

    def check_batch(self, batch: Any) -> None:
        for label in self.metric_labels:
            if label not in batch.arrays and not _all_have(label, batch.targets):
                carried = [*batch.labels, *sorted(batch.targets[0] if batch.targets else ())]
                raise BindError(
                    f"The head {self.name!r} needs the label {label!r}, which the data do not "
                    "carry",
                    received=f"labels {carried}",
                    where=f"head {self.name}, samples {batch.ids[0]} to {batch.ids[-1]}",
                    fix=nearest(label, carried),
                )

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """With R rows per sample in all outputs and labels, each row counts as a sample.

        If they differ, arrays with R rows per sample are grouped: (n * R, ...) to (n, R, ...). One
        number per batch is repeated for each of its samples.
        """
        predictions = [
            self._checked(name, outputs[name], mode, batch.ids)
            if self.rows(name) != 0
            else np.repeat(outputs[name].reshape(-1), batch.real, axis=0)
            for name in self._outputs
        ]
        targets = [self._label(label, batch) for label in self.route.labels]
        rows = {len(array) // batch.real for array in [*predictions, *targets]}
        ids = batch.ids
        if len(rows) == 1:
            ids = [key for key in ids for _ in range(max(rows))]
        else:
            predictions = [_grouped(array, batch.real) for array in predictions]
            targets = [_grouped(array, batch.real) for array in targets]
        return (
            predictions[0] if len(predictions) == 1 else tuple(predictions),
            targets[0] if len(targets) == 1 else tuple(targets),
            ids,
        )

    def _checked(self, name: str, array: np.ndarray, mode: str, ids: Sequence[str]) -> np.ndarray:
        """The array, unless it has nan, which the next update would spread to all parameters."""
        if mode == "train" and array.dtype.kind == "f" and np.isnan(array).any():
            row = int(np.argwhere(np.isnan(array))[0][0]) // (self.rows(name) or 1)
            raise diverged(self.name, f"output {name!r}", np.nan, ids[row])
        return array

    def _label(self, label: str, batch: Any) -> Any:
        if label in batch.arrays:
            return np.asarray(batch.real_rows(batch.arrays[label]))
        return [targets[label] for targets in batch.targets]


def _all_have(label: str, targets: Sequence[Mapping[str, Any]] | None) -> bool:
    return targets is not None and all(label in sample_targets for sample_targets in targets)


def _grouped(array: Any, samples: int) -> Any:
    """(samples * R, ...) as (samples, R, ...)."""
    if len(array) == samples:
        return array
    return array.reshape(samples, -1, *array.shape[1:])


def _output_name(head: str, output: str, symbol_outputs: Sequence[str]) -> str:
    """Short name (without `_output`) of a symbol's output, from its short or full name."""
    short = [short_name(name) for name in symbol_outputs]
    for candidate in (output, short_name(output)):
        if candidate in short:
            return candidate
    raise BindError(
        f"The head {head!r} names the output {output!r}, which the symbol does not have",
        expected=f"one of {', '.join(symbol_outputs)}",
        received=output,
        fix=nearest(output, symbol_outputs),
    )


def head_adapter(name: str, head: Head | Route, symbol_outputs: Sequence[str] = ()) -> HeadAdapter:
    """The adapter of a Head or a Route."""
    if isinstance(head, Head):
        return NetworkHead(head)
    if isinstance(head, Route):
        return RoutedHead(name, head, symbol_outputs)
    raise ConfigError(
        f"The head {name!r} is neither a Head nor a Route",
        received=f"{type(head).__name__}: {head!r}",
        fix="df.Route(outputs=[...], labels=[...], metrics=[...])",
    )
