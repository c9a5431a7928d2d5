"""The adapter of a network's head: losses in training, predictions in scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry.cropped_targets import whole
from densefit.data.sample import Geometry, LostGeometry
from densefit.errors import DataError, located
from densefit.metrics import Metric
from densefit.model.distillation.teaching import TERM, Teaching
from densefit.model.heads.adapter import HeadAdapter, check_rows, diverged
from densefit.model.heads.head import Head
from densefit.model.heads.loss_terms import LossTerms
from densefit.model.heads.weighted_losses import weight_input


class NetworkHead(HeadAdapter):
    """A `Head` of a `Network`: losses in training, decoded predictions in scoring."""

    def __init__(self, head: Head) -> None:
        self.name = head.name
        self.head = head
        # Names of loss terms and outputs, set when the graphs are built.
        self.terms: list[str] = []
        self.evaluate_outputs: list[str] = []
        self.raw_outputs: list[str] = []
        self.view_outputs: list[str] = []
        self.teach(None)

    def teach(self, teaching: Teaching | None) -> None:
        """Learn from a teacher, or no more, from the next train graph on.

        Args:
            teaching: what the teacher adds to the loss terms.
        """
        before = getattr(self, "teaching", None)
        terms = self.terms if before is None else list(before.terms)
        self.teaching = teaching
        self.terms = terms if teaching is None else [*terms, TERM]
        #: Loss terms with labelled samples of their own: all, or none.
        self.apart = tuple(self.head.terms) if teaching is None else (*teaching.terms, TERM)
        self._weights = {weight_input(self.name): self.name} | {
            weight_input(self.name, term): f"{self.name}/{term}" for term in self.apart
        }

    @property
    def labels(self) -> list[str]:
        taught = [] if self.teaching is None else self.teaching.labels
        names = [label.name for label in self.head.labels((64, 64))]
        return [f"{self.name}_{name}" for name in [*names, *taught]]

    @property
    def weights(self) -> dict[str, str]:
        return self._weights

    @property
    def label_groups(self) -> list[str]:
        return list(self._weights.values())

    @property
    def needed_groups(self) -> list[str]:
        return self.label_groups if self.teaching is None else [self.name]

    @property
    def label_group_of(self) -> dict[str, str]:
        if not self.apart:
            return super().label_group_of
        return {f"{self.name}_{term}": f"{self.name}/{term}" for term in self.terms}

    def outputs(self, mode: str) -> list[str]:
        names = {
            "train": self.terms,
            "evaluate": self.evaluate_outputs,
            "raw": self.raw_outputs,
            "views": self.view_outputs,
        }[mode]
        return [f"{self.name}_{name}" for name in names]

    def finish(
        self, mode: str, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int] | None
    ) -> dict[str, np.ndarray]:
        named = super().finish(mode, outputs, input_size)
        if mode != "raw" or input_size is None or not self.head.has_postprocess:
            return named
        short = {name[len(self.name) + 1 :]: array for name, array in named.items()}
        processed = self.head.postprocess(short, input_size)
        return {f"{self.name}_{name}": array for name, array in processed.items()}

    def rows(self, output: str) -> int:
        return self.head.rows(output[len(self.name) + 1 :])

    def metrics(self, mode: str) -> list[Metric]:
        if mode == "evaluate":
            return self.head.metrics()
        return [LossTerms(self.terms, apart=bool(self.apart))]

    def check(
        self, mode: str, shapes: Mapping[str, tuple[int, ...]], batch_size: int, devices: int
    ) -> None:
        for name in self.outputs(mode) if mode != "train" else ():
            check_rows(self.name, name, shapes[name], self.rows(name), batch_size, devices)

    def read(
        self, mode: str, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[Any, Any, list[str]]:
        if mode == "train":
            return self._losses(outputs, batch)
        if batch.targets is None or batch.geometries is None:
            raise DataError(
                f"The head {self.name!r} is scored in original image coordinates, and the batch "
                "carries neither original targets nor geometries",
                received="a plain DataBatch, or one of a Loader(..., originals=False)",
                fix="score with a densefit Loader, or with a Route that names outputs and labels",
            )
        predictions = list(self.decode(outputs, batch.geometries, batch.ids, scored=True))
        match = getattr(batch, "matches", {}).get(self.name)
        targets = batch.targets if match is None else [match(sample) for sample in batch.targets]
        truths = [self.head.ground_truth(sample) for sample in targets]
        scored = [row for row, truth in enumerate(truths) if truth is not None]
        return (
            [self.head.filter_prediction(predictions[row], targets[row]) for row in scored],
            [truths[row] for row in scored],
            [batch.ids[row] for row in scored],
        )

    def _losses(
        self, outputs: Mapping[str, np.ndarray], batch: Any
    ) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """(n, terms) losses, (n,) or (n, terms) whether labelled, and ids."""
        losses = np.stack([outputs[f"{self.name}_{term}"] for term in self.terms], axis=1)
        labelled = batch.labelled[self.name]
        if self.apart:
            by_term = [batch.labelled[f"{self.name}/{term}"] for term in self.terms]
            labelled = np.stack(by_term, axis=1)
        bad = ~np.isfinite(losses) & (labelled if self.apart else labelled[:, None])
        if bad.any():
            row, term = np.argwhere(bad)[0]
            what = f"loss {self.terms[term]!r}"
            raise diverged(self.name, what, losses[row, term], batch.ids[row])
        return losses, labelled, batch.ids

    def loss_sums(
        self, outputs: Mapping[str, np.ndarray], labelled: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """Sums of the head's losses over labelled samples: of each declared term, or of all.

        Args:
            outputs: (n,) losses, by full name.
            labelled: (n,) bool, by the names of `label_groups`.

        Returns:
            Entry of `label_groups` -> sum.
        """
        names = self.outputs("train")
        if not self.apart:
            total = np.sum([outputs[name] for name in names], axis=0, dtype=np.float64)
            return {self.name: float(total[labelled[self.name]].sum())}
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
        """Decode the eval graph's outputs, by full name, to predictions.

        Args:
            outputs: outputs of n samples.
            geometries: geometries of the samples.
            ids: ids of the samples.
            scored: whether the predictions are compared with annotations of the whole images.

        Raises:
            DataError: an image is merged from several or warped, so that it has no annotations,
                also for heads that read no geometry; or it is cropped and the head predicts for
                the whole image.
        """
        descriptions = [f"sample {key!r}, head {self.name!r}" for key in ids]
        for description, geometry in zip(descriptions, geometries):
            if isinstance(geometry, LostGeometry) and geometry.is_other:
                raise geometry.refusal(description)
        if scored or not self.head.supports_crops:
            geometries = [
                whole(geometry, description)
                for geometry, description in zip(geometries, descriptions)
            ]
        short = {name: outputs[f"{self.name}_{name}"] for name in self.evaluate_outputs}
        with located(f"head {self.name!r}"):
            return self.head.decode(short, geometries)
