"""The wire around a head of ours: losses in training, predictions in scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry
from densefit.errors import BindError, DataError
from densefit.metrics import Metric
from densefit.model.head import Head
from densefit.model.wire import Wire, check_rows, diverged


class HeadWire(Wire):
    """A `Head` of a network of ours: losses in training, decoded predictions in scoring."""

    def __init__(self, head: Head) -> None:
        self.name = head.name
        self.head = head
        self.terms: list[str] = []  # set when the graphs are built
        self.evaluated: list[str] = []
        self.viewed: list[str] = []

    @property
    def labels(self) -> list[str]:
        return [f"{self.name}_{label.name}" for label in self.head.labels((64, 64))]

    @property
    def weights(self) -> str:
        return f"{self.name}_loss_weights"

    def outputs(self, mode: str) -> list[str]:
        names = {"train": self.terms, "evaluate": self.evaluated, "views": self.viewed}[mode]
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
        for name in self.outputs(mode) if mode != "train" else ():
            check_rows(self.name, name, shapes[name], self.rows(name), batch_size, devices)

    def check_terms(self, terms: Mapping[str, Any], input_size: tuple[int, int]) -> None:
        """Raise BindError if a loss is not one number a sample.

        Args:
            terms: the head's losses as Symbols.
            input_size: (height, width) of the network's input.
        """
        rows = 2
        known = {
            f"{self.name}_{label.name}": (rows, *label.shape)
            for label in self.head.labels(input_size)
        }
        for name, term in terms.items():
            arguments = term.list_arguments()
            given = {key: shape for key, shape in known.items() if key in arguments}
            _, shapes, _ = term.infer_shape_partial(data=(rows, 3, *input_size), **given)
            if shapes and shapes[0] and 0 not in shapes[0] and shapes[0] != (rows,):
                raise BindError(
                    f"The loss {name!r} of the head {self.name!r} is not one number a sample",
                    expected=f"shape {(rows,)} for {rows} samples",
                    received=f"shape {shapes[0]}",
                    where=f"head {self.name}",
                    fix="sum or average it over all axes but the first",
                )

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        if mode == "train":
            terms = np.stack([outputs[name] for name in self.outputs("train")], axis=1)
            has = batch.labelled[self.name]
            bad = ~np.isfinite(terms) & has[:, None]
            if bad.any():
                row, term = np.argwhere(bad)[0]
                what = f"loss {self.terms[term]!r}"
                raise diverged(self.name, what, terms[row, term], batch.ids[row])
            return terms, has, batch.ids
        if batch.targets is None or batch.geometries is None:
            raise DataError(
                f"The head {self.name!r} is scored in original image coordinates, and the batch "
                "carries neither original targets nor geometries",
                received="a plain DataBatch",
                fix="score with a densefit Loader, or with a Route that names outputs and labels",
            )
        predictions = self.decode(outputs, batch.geometries)
        truths = [self.head.truth(targets) for targets in batch.targets]
        known = [row for row, truth in enumerate(truths) if truth is not None]
        if len(known) < len(truths):
            predictions, truths = (
                [predictions[row] for row in known],
                [truths[row] for row in known],
            )
        return predictions, truths, [batch.ids[row] for row in known]

    def totals(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) float64, the sum of the head's loss terms for each sample."""
        return np.sum([outputs[name] for name in self.outputs("train")], axis=0, dtype=np.float64)

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """The head's predictions out of the eval graph's outputs by full name."""
        own = {name: outputs[f"{self.name}_{name}"] for name in self.evaluated}
        return self.head.decode(own, geometries)


class LossTerms(Metric):
    """Mean over labelled samples of each loss term of a head, and their sum as `loss`.

    Where some samples are not labelled, `labelled` is how many are; without any, means are nan.
    """

    name = "loss_terms"
    primary = "loss"
    higher_is_better = False

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms = list(terms)
        self.reset()

    def reset(self) -> None:
        self.sums = np.zeros(len(self.terms))
        self.count = self.seen = 0

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        """predictions: (n, terms) losses; targets: (n,) bool, whether a sample is labelled."""
        has = np.asarray(targets, bool)
        self.sums += np.asarray(predictions, np.float64)[has].sum(axis=0)
        self.count += int(has.sum())
        self.seen += len(has)

    def compute(self) -> dict[str, float]:
        means = self.sums / self.count if self.count else np.full(len(self.terms), np.nan)
        found = {term: float(mean) for term, mean in zip(self.terms, means)}
        found["loss"] = float(means.sum())
        return {**found, "labelled": float(self.count)} if self.count < self.seen else found

    def merge(self, other: LossTerms) -> None:
        self.sums += other.sums
        self.count += other.count
        self.seen += other.seen

    def state_dict(self) -> dict[str, Any]:
        numbers = {"count": self.count, "seen": self.seen}
        return {"terms": self.terms, "sums": self.sums.tolist(), **numbers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.terms, self.count = list(state["terms"]), int(state["count"])
        self.seen = int(state.get("seen", self.count))
        self.sums = np.asarray(state["sums"], np.float64)
