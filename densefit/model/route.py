"""Routes: which outputs and labels belong to a head, and what its metrics are given.

`fit` and `score` know nothing of tasks; a `Wire` is all they see of a head. There are two: around
a `Head` of ours, and around a `Route` that a user writes for a symbol of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import BindError, ConfigError, DataError, TrainingDiverged
from densefit.metrics import Metric, as_metric
from densefit.model.head import Head
from densefit.registry import nearest


@dataclass(frozen=True)
class Route:
    """The bare wiring of a head on a symbol of the user's own.

    Attributes:
        outputs: names of the symbol's outputs, with or without MXNet's `_output` suffix.
        labels: names of the labels that its metrics compare with, in the metrics' order. They
            need not be arguments of the symbol: metric-only labels are carried beside it.
        metrics: registered names, `Metric`s, MXNet `EvalMetric`s, or functions of (label,
            prediction).
        rows: rows of axis 0 of each output that belong to one sample, for all outputs or by
            name; 0 for an output that is one number for the whole batch. If all outputs and
            labels have R rows a sample, metrics count each row by itself; otherwise they get
            (n, R, ...) for n samples.
        normalization: how the symbol's loss layers divide their gradient: "sum" (not at all: the
            update divides by the number of samples) or "mean" (they divide by themselves: the
            update must not divide again). None reads the loss layers' own setting.
    """

    outputs: Sequence[str]
    labels: Sequence[str] = ()
    metrics: Sequence[Any] = ()
    rows: int | Mapping[str, int] = 1
    normalization: str | None = None

    def __post_init__(self) -> None:
        for key in ("outputs", "labels"):
            if isinstance(getattr(self, key), str):
                raise ConfigError(
                    f"A route's {key} are a list of names",
                    received=repr(getattr(self, key)),
                    fix=f"{key}=[{getattr(self, key)!r}]",
                )
        if not self.outputs:
            raise ConfigError("A route needs at least one output", received=self)
        if self.normalization not in (None, "sum", "mean"):
            raise ConfigError(
                "Unknown normalization of a route",
                expected="'sum', 'mean' or None",
                received=repr(self.normalization),
            )


class Wire(ABC):
    """What `fit` and `score` see of a head."""

    name: str
    normalization: str | None = "sum"

    @property
    @abstractmethod
    def labels(self) -> list[str]:
        """Full names of the label arrays that the head is trained or measured with."""

    @property
    def compared(self) -> list[str]:
        """Those of `labels` that metrics compare with, which need not be bound."""
        return []

    @abstractmethod
    def outputs(self, mode: str) -> list[str]:
        """Full names, without `_output`, of its outputs in the "train" or "evaluate" graph."""

    @abstractmethod
    def rows(self, output: str) -> int:
        """Rows of an "evaluate" output for one sample; 0: one number for the batch."""

    @abstractmethod
    def metrics(self, mode: str) -> list[Metric]:
        """New metrics for a "train" or "evaluate" pass."""

    @abstractmethod
    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        """Raise BindError if an output's shape is not what the head says, before anything runs.

        Args:
            mode: "train" or "evaluate".
            shapes: of the graph's outputs for a full batch, by short name.
            batch_size: rows of a full batch.
            devices: among how many a batch is split.
        """

    def check_batch(self, batch: Any) -> None:
        """Raise BindError if a fed batch lacks what `read` will look for."""
        return

    @abstractmethod
    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        """(predictions, targets, ids) of the real rows of a fed batch: what metrics are given."""


class HeadWire(Wire):
    """A `Head` of a network of ours: losses in training, decoded predictions in scoring."""

    def __init__(self, head: Head) -> None:
        self.name = head.name
        self.head = head
        self.terms: list[str] = []  # set when the graphs are built
        self.evaluated: list[str] = []

    @property
    def labels(self) -> list[str]:
        return [f"{self.name}_{label.name}" for label in self.head.labels((64, 64))]

    def outputs(self, mode: str) -> list[str]:
        names = self.terms if mode == "train" else self.evaluated
        return [f"{self.name}_{name}" for name in names]

    def rows(self, output: str) -> int:
        return self.head.rows(output[len(self.name) + 1 :])

    def metrics(self, mode: str) -> list[Metric]:
        if mode == "evaluate":
            return self.head.metrics()
        return [LossTerms(self.terms)]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        for name in self.outputs(mode):
            if mode == "evaluate":
                _check_rows(self.name, name, shapes[name], self.rows(name), batch_size, devices)
            elif shapes[name] != (batch_size,):
                raise BindError(
                    f"The loss {name[len(self.name) + 1 :]!r} of the head {self.name!r} is not one "
                    "number a sample",
                    expected=f"shape {(batch_size,)}",
                    received=f"shape {shapes[name]}",
                    where=f"head {self.name}",
                    fix="sum or average it over all axes but the first",
                )

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        if mode == "train":
            terms = np.stack([outputs[name] for name in self.outputs("train")], axis=1)
            bad = ~np.isfinite(terms)
            if bad.any():
                row, term = np.argwhere(bad)[0]
                what = f"loss {self.terms[term]!r}"
                raise _diverged(self.name, what, terms[row, term], batch.ids[row])
            return terms, [None] * len(terms), batch.ids
        if batch.targets is None or batch.geometries is None:
            raise DataError(
                f"The head {self.name!r} is scored in original image coordinates, and the batch "
                "carries neither original targets nor geometries",
                received="a plain DataBatch",
                fix="score with a densefit Loader, or with a Route that names outputs and labels",
            )
        own = {name: outputs[f"{self.name}_{name}"] for name in self.evaluated}
        predictions = self.head.decode(own, batch.geometries)
        return predictions, [self.head.truth(targets) for targets in batch.targets], batch.ids


class LossTerms(Metric):
    """Mean over samples of each loss term of a head, and their sum as `loss`."""

    name = "loss_terms"
    primary = "loss"
    higher_is_better = False

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms = list(terms)
        self.reset()

    def reset(self) -> None:
        self.sums = np.zeros(len(self.terms))
        self.count = 0

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        """predictions: (n, terms) losses."""
        self.sums += np.asarray(predictions, np.float64).sum(axis=0)
        self.count += len(predictions)

    def compute(self) -> dict[str, float]:
        means = self.sums / self.count if self.count else np.full(len(self.terms), np.nan)
        found = {term: float(mean) for term, mean in zip(self.terms, means)}
        return {**found, "loss": float(means.sum())}

    def merge(self, other: LossTerms) -> None:
        self.sums += other.sums
        self.count += other.count

    def state_dict(self) -> dict[str, Any]:
        return {"terms": self.terms, "sums": self.sums.tolist(), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.terms, self.count = list(state["terms"]), int(state["count"])
        self.sums = np.asarray(state["sums"], np.float64)


class RouteWire(Wire):
    """A user's `Route`: arrays go to the metrics as they are, cut to the real rows."""

    def __init__(self, name: str, route: Route, symbol_outputs: Sequence[str]) -> None:
        self.name = name
        self.route = route
        self.normalization = route.normalization
        self._outputs = [_output_name(name, output, symbol_outputs) for output in route.outputs]
        rows = (
            route.rows
            if isinstance(route.rows, Mapping)
            else dict.fromkeys(self._outputs, route.rows)
        )
        self._rows = {_output_name(name, key, symbol_outputs): n for key, n in rows.items()}

    @property
    def labels(self) -> list[str]:
        return list(self.route.labels)

    @property
    def compared(self) -> list[str]:
        return self.labels

    def outputs(self, mode: str) -> list[str]:
        return self._outputs

    def rows(self, output: str) -> int:
        return self._rows.get(output, 1)

    def metrics(self, mode: str) -> list[Metric]:
        return [as_metric(metric).fresh() for metric in self.route.metrics]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        for name in self._outputs:
            _check_rows(self.name, name, shapes[name], self.rows(name), batch_size, devices)

    def check_batch(self, batch: Any) -> None:
        for label in self.compared:
            if label not in batch.label and not _all_have(label, batch.targets):
                carried = [*batch.label, *sorted(batch.targets[0] if batch.targets else ())]
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
        """With R rows a sample in all outputs and labels, each row counts by itself.

        If they differ, what has R rows a sample is grouped: (n * R, ...) becomes (n, R, ...).
        One number for the batch is given to each of its samples.
        """
        predictions = [
            self._checked(name, outputs[name], mode, batch.ids)
            if self.rows(name)
            else np.repeat(outputs[name], batch.real, axis=0)
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
        """The array, if training may go on: nan spreads to all parameters with the next update."""
        if mode == "train" and array.dtype.kind == "f" and np.isnan(array).any():
            row = int(np.argwhere(np.isnan(array))[0][0]) // self.rows(name)
            raise _diverged(self.name, f"output {name!r}", np.nan, ids[row])
        return array

    def _label(self, label: str, batch: Any) -> Any:
        if label in batch.label:
            array = batch.label[label]
            return array.asnumpy()[: array.shape[0] // batch.rows * batch.real]
        return [targets[label] for targets in batch.targets]


def _all_have(label: str, targets: Sequence[Mapping[str, Any]] | None) -> bool:
    return targets is not None and all(label in one for one in targets)


def _grouped(array: Any, samples: int) -> Any:
    """(samples * R, ...) as (samples, R, ...)."""
    if len(array) == samples:
        return array
    return array.reshape(samples, -1, *array.shape[1:])


def _check_rows(
    head: str, output: str, shape: tuple[int, ...], rows: int, batch_size: int, devices: int
) -> None:
    if rows == 0:
        if devices > 1:
            raise BindError(
                f"The output {output!r} is one number for a whole batch, and {devices} devices "
                "give one for each of its parts",
                where=f"head {head}",
                fix="use one device, or let the symbol give one number a sample",
            )
        if int(np.prod(shape)) == 1:
            return
    elif shape[:1] == (batch_size * rows,):
        return
    raise BindError(
        f"The output {output!r} has the shape {shape} for {batch_size} samples",
        expected=f"{rows} rows a sample" if rows else "one number for the batch",
        received=shape,
        where=f"head {head}",
        fix="Route(rows=...) or Head.rows says how many rows belong to a sample (0: one number "
        "for the batch)",
    )


def _diverged(head: str, what: str, value: float, sample: str) -> TrainingDiverged:
    return TrainingDiverged(
        f"The {what} of the head {head!r} is {value}",
        where=f"head {head}, sample {sample}",
        fix="lower the learning rate, or lengthen the warm-up; is the sample's image or label "
        "sound?",
    )


def _output_name(head: str, output: str, symbol_outputs: Sequence[str]) -> str:
    """The short name (without `_output`) of a symbol's output, given either way."""
    known = [short_name(name) for name in symbol_outputs]
    for candidate in (output, short_name(output)):
        if candidate in known:
            return candidate
    raise BindError(
        f"The head {head!r} names the output {output!r}, which the symbol does not have",
        expected=f"one of {', '.join(symbol_outputs)}",
        received=output,
        fix=nearest(output, symbol_outputs),
    )


def short_name(output: str) -> str:
    """MXNet's output name without its `_output` suffix.

    >>> short_name("age_output"), short_name("age")
    ('age', 'age')
    """
    return output[: -len("_output")] if output.endswith("_output") else output


def wire(name: str, head: Head | Route, symbol_outputs: Sequence[str] = ()) -> Wire:
    """The Wire of a Head or a Route."""
    if isinstance(head, Head):
        return HeadWire(head)
    if isinstance(head, Route):
        return RouteWire(name, head, symbol_outputs)
    raise ConfigError(
        f"The head {name!r} is neither a Head nor a Route",
        received=f"{type(head).__name__}: {head!r}",
        fix="df.Route(outputs=[...], labels=[...], metrics=[...])",
    )


__all__ = ["HeadWire", "LossTerms", "Route", "RouteWire", "Wire", "short_name", "wire"]
