"""The wire around a head of ours: losses in training, predictions in scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.geometry.cropped_targets import whole
from densefit.data.sample import Geometry, LostGeometry
from densefit.errors import BindError, DataError, located
from densefit.metrics import Metric
from densefit.model.heads.adapter import Wire, check_rows, diverged
from densefit.model.heads.head import Head
from densefit.model.heads.loss_terms import LossTerms

LEAST = 1e-6  # below every weight but 0


class HeadWire(Wire):
    """A `Head` of a network of ours: losses in training, decoded predictions in scoring."""

    def __init__(self, head: Head) -> None:
        self.name = head.name
        self.head = head
        self.terms: list[str] = []  # set when the graphs are built
        self.evaluated: list[str] = []
        self.unfinished: list[str] = []
        self.viewed: list[str] = []

    @property
    def finishes(self) -> bool:
        """Whether `raw_outputs` and `postprocess` are the head's way to what its `evaluate` gives.

        Not those that it has from a class whose `evaluate` it does not take over.
        """
        order = type(self.head).__mro__
        place = {
            name: next(number for number, kind in enumerate(order) if name in vars(kind))
            for name in ("evaluate", "raw_outputs", "postprocess")
        }
        return place["evaluate"] >= max(place["raw_outputs"], place["postprocess"])

    @property
    def labels(self) -> list[str]:
        return [f"{self.name}_{label.name}" for label in self.head.labels((64, 64))]

    @property
    def weights(self) -> dict[str, str]:
        own = {self._weight_of(term): f"{self.name}/{term}" for term in self.head.terms}
        return {self._weight_of(): self.name, **own}

    @property
    def counted(self) -> list[str]:
        return [self.name, *(f"{self.name}/{term}" for term in self.head.terms)]

    @property
    def counted_by(self) -> dict[str, str]:
        if not self.head.terms:
            return super().counted_by
        return {f"{self.name}_{term}": f"{self.name}/{term}" for term in self.terms}

    def _weight_of(self, term: str = "") -> str:
        """Name of the input that weighs the samples of a term; of the head, if it has none."""
        own = term in self.head.terms
        return f"{self.name}_{term}_term_weights" if own else f"{self.name}_loss_weights"

    def trained(self, terms: Mapping[str, Any], weigh: Any = None) -> list[Any]:
        """The losses of each sample that are trained, by the samples' weights.

        Args:
            terms: the head's losses as Symbols (B,).
            weigh: see `Network.graph`; the loss is then one.
        """
        whole = mx.sym.Variable(self._weight_of())
        if not self.head.terms:
            if weigh is None:
                return [term * whole for term in terms.values()]
            return [weigh(self.name, sum(terms.values()), whole)]
        own = {name: mx.sym.Variable(self._weight_of(name)) for name in terms}
        if weigh is None:
            return [term * own[name] for name, term in terms.items()]
        # What is learned weighs the head as a whole: its weight is taken out of those of the
        # terms. A sample that is not labelled has 0 in both.
        parts = [term * (own[n] / mx.sym.maximum(whole, LEAST)) for n, term in terms.items()]
        return [weigh(self.name, sum(parts), whole)]

    def outputs(self, mode: str) -> list[str]:
        names = {
            "train": self.terms,
            "evaluate": self.evaluated,
            "raw": self.unfinished,
            "views": self.viewed,
        }[mode]
        return [f"{self.name}_{name}" for name in names]

    def finish(
        self, mode: str, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int] | None
    ) -> dict[str, np.ndarray]:
        found = super().finish(mode, outputs, input_size)
        if mode != "raw" or input_size is None or not self.finishes:
            return found
        own = {name[len(self.name) + 1 :]: array for name, array in found.items()}
        finished = self.head.postprocess(own, input_size)
        return {f"{self.name}_{name}": array for name, array in finished.items()}

    def rows(self, output: str) -> int:
        return self.head.rows(output[len(self.name) + 1 :])

    def metrics(self, mode: str) -> list[Metric]:
        if mode == "evaluate":
            return self.head.metrics()
        return [LossTerms(self.terms, apart=bool(self.head.terms))]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        for name in self.outputs(mode) if mode != "train" else ():
            check_rows(self.name, name, shapes[name], self.rows(name), batch_size, devices)

    def check_terms(self, terms: Mapping[str, Any], input_size: tuple[int, int]) -> None:
        """Raise BindError if a loss is not one number a sample, or not one of the declared.

        Args:
            terms: the head's losses as Symbols.
            input_size: (height, width) of the network's input.
        """
        declared = set(self.head.terms)
        if declared and declared != set(terms):
            raise BindError(
                f"The head {self.name!r} trains other terms than it declares",
                expected=sorted(declared),
                received=sorted(terms),
                where=f"head {self.name}",
                fix="name every loss of `train` in `terms`, or none",
            )
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
            if self.head.terms:
                own = [batch.labelled[f"{self.name}/{term}"] for term in self.terms]
                has = np.stack(own, axis=1)
            bad = ~np.isfinite(terms) & (has if self.head.terms else has[:, None])
            if bad.any():
                row, term = np.argwhere(bad)[0]
                what = f"loss {self.terms[term]!r}"
                raise diverged(self.name, what, terms[row, term], batch.ids[row])
            return terms, has, batch.ids
        if batch.targets is None or batch.geometries is None:
            raise DataError(
                f"The head {self.name!r} is scored in original image coordinates, and the batch "
                "carries neither original targets nor geometries",
                received="a plain DataBatch, or one of a Loader(..., originals=False)",
                fix="score with a densefit Loader, or with a Route that names outputs and labels",
            )
        predictions = list(self.decode(outputs, batch.geometries, batch.ids, scored=True))
        match = getattr(batch, "matches", {}).get(self.name)
        own = batch.targets if match is None else [match(one) for one in batch.targets]
        truths = [self.head.ground_truth(targets) for targets in own]
        known = [row for row, truth in enumerate(truths) if truth is not None]
        for row in known:
            predictions[row] = self.head.filter_prediction(predictions[row], own[row])
        if len(known) < len(truths):
            predictions, truths = (
                [predictions[row] for row in known],
                [truths[row] for row in known],
            )
        return predictions, truths, [batch.ids[row] for row in known]

    def totals(
        self, outputs: Mapping[str, np.ndarray], labelled: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """The sums of the head's losses over labelled samples: of each term by itself, or of all.

        Args:
            outputs: (n,) losses, by full name.
            labelled: (n,) bool, by the names of `counted`.

        Returns:
            By those of `counted` whose samples the sums are over.
        """
        names = self.outputs("train")
        if not self.head.terms:
            whole = np.sum([outputs[name] for name in names], axis=0, dtype=np.float64)
            return {self.name: float(whole[labelled[self.name]].sum())}
        keys = [f"{self.name}/{term}" for term in self.terms]
        return {
            key: float(outputs[name][labelled[key]].sum(dtype=np.float64))
            for key, name in zip(keys, names)
        }

    def decode(
        self,
        outputs: Mapping[str, np.ndarray],
        geometries: Sequence[Geometry],
        ids: Sequence[str],
        scored: bool = False,
    ) -> list[Any]:
        """The head's predictions out of the eval graph's outputs by full name.

        Args:
            outputs: of n samples.
            geometries: where the original pictures lie in the network's input.
            ids: of the samples.
            scored: the predictions are compared with what is annotated of the whole pictures.

        Raises:
            DataError: a picture is no longer the original one, but several or warped. That is for
                all heads: one that reads no geometry would predict what nobody annotated. Or the
                network was shown a part of it, and what it says is of the whole.
        """
        where = [f"sample {key!r}, head {self.name!r}" for key in ids]
        for place, geometry in zip(where, geometries):
            if isinstance(geometry, LostGeometry) and geometry.is_other:
                raise geometry.refusal(place)
        if scored or not self.head.supports_crops:
            geometries = [whole(geometry, place) for geometry, place in zip(geometries, where)]
        own = {name: outputs[f"{self.name}_{name}"] for name in self.evaluated}
        with located(f"head {self.name!r}"):
            return self.head.decode(own, geometries)
