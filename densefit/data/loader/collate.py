"""Collate processed samples to a batch; arrays are checked against their specs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from densefit.data.batch import ArraySpec, Batch
from densefit.data.loader.label_encoder import Encoder, LabelSpec
from densefit.data.loader.sample_task import ProcessedSample
from densefit.errors import DataError


class BatchLayout:
    """Names, shapes and dtypes of a batch's arrays; checks and collates samples.

    Args:
        input_size: (height, width) of the network's input.
        heads: heads whose labels are bound, in this order.

    Raises:
        DataError: two labels have the same name.
    """

    def __init__(self, input_size: tuple[int, int], heads: Sequence[Encoder]) -> None:
        self.input_size = input_size
        self.labels: list[tuple[str, str, LabelSpec]] = []  # bound name, head's name, label
        for head in heads:
            for label in head.labels(input_size):
                name = f"{head.name}_{label.name}"
                if name in [other for other, _, _ in self.labels]:
                    raise DataError(
                        f"Two labels are called {name!r}",
                        where=f"head {head.name!r}",
                        fix="give the heads different names",
                    )
                self.labels.append((name, head.name, label))
        self._expected: dict[str, list[str]] = {head.name: [] for head in heads}
        for _, head_name, label in self.labels:
            self._expected[head_name].append(label.name)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample's input and labels, each array rounded up to a cache line."""
        sizes = [3 * self.input_size[0] * self.input_size[1]]
        for _, _, label in self.labels:
            sizes.append(int(np.prod(label.shape)) * np.dtype(label.dtype).itemsize)
        return sum(-(-size // 64) * 64 for size in sizes)

    def data_specs(self, rows: int) -> list[ArraySpec]:
        """Spec of the input of `rows` samples."""
        return [ArraySpec("data", (rows, 3) + self.input_size, np.uint8)]

    def label_specs(self, rows: int) -> list[ArraySpec]:
        """Specs of the labels of `rows` samples."""
        return [
            ArraySpec(name, (rows,) + tuple(label.shape), np.dtype(label.dtype).type)
            for name, _, label in self.labels
        ]

    def check(self, samples: Sequence[ProcessedSample]) -> None:
        """Raise DataError unless all samples have the declared size and labels."""
        for sample in samples:
            if sample.data.shape[1:] != self.input_size:
                raise DataError(
                    "The samples of a batch must all have one size",
                    expected=f"{self.input_size} (height, width)",
                    received=f"{sample.data.shape[1:]}",
                    where=f"sample {sample.id!r}",
                    fix="end the transform with one of fixed size (Resize, Letterbox, "
                    "RandomCrop...)",
                )
            for head_name, expected in self._expected.items():
                if set(sample.labels[head_name]) != set(expected):
                    raise DataError(
                        f"Head {head_name!r} encodes other labels than it declares",
                        expected=sorted(expected),
                        received=sorted(sample.labels[head_name]),
                        where=f"sample {sample.id!r}",
                    )
            for _, head_name, label in self.labels:
                array = np.asarray(sample.labels[head_name][label.name])
                if array.shape != tuple(label.shape) or array.dtype != np.dtype(label.dtype):
                    raise DataError(
                        f"Head {head_name!r} encodes label {label.name!r} not as it declares it",
                        expected=f"{tuple(label.shape)} {label.dtype}",
                        received=f"{array.shape} {array.dtype}",
                        where=f"sample {sample.id!r}",
                    )

    def collate(self, samples: Sequence[ProcessedSample]) -> Batch:
        """Collate checked samples to a batch."""
        counts: Counter[str] = Counter()
        for sample in samples:
            counts.update(sample.counts)
        labels = {
            name: np.stack([np.asarray(sample.labels[head][label.name]) for sample in samples])
            for name, head, label in self.labels
        }
        return Batch(
            {"data": np.stack([sample.data for sample in samples])},
            labels,
            real=len(samples),
            ids=[sample.id for sample in samples],
            targets=originals(samples),
            geometries=[sample.geometry for sample in samples],
            labelled={
                key: np.array([sample.labelled[key] for sample in samples])
                for key in samples[0].labelled
            },
            index=np.array([sample.index for sample in samples], np.int64),
            counts=dict(counts),
        )

    def without_samples(self) -> Batch:
        """A batch of a rank that has no sample in an update: a row of zeros, which is padding."""
        specs = [*self.data_specs(1), *self.label_specs(1)]
        arrays = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in specs}
        return Batch({"data": arrays.pop("data")}, arrays, real=0, geometries=[], targets=[])


def originals(samples: Sequence[ProcessedSample]) -> list[dict[str, np.ndarray]] | None:
    """The samples' targets before any transform; None if a sample does not carry them."""
    targets = [sample.original for sample in samples if sample.original is not None]
    return targets if len(targets) == len(samples) else None
