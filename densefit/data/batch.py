"""A batch: named numpy arrays, with ids, ground truth and geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from densefit.data.sample import Geometry

if TYPE_CHECKING:
    from densefit.data.classes.target_mapping import TargetMapping


class ArraySpec(NamedTuple):
    """Name, shape, type and layout of an array that every full batch has.

    MXNet takes it for a DataDesc: `mx.io.DataDesc(*spec)`, `Module.bind(specs)`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Any = np.float32
    layout: str | None = "NCHW"

    @property
    def batch_axis(self) -> int:
        """The axis that counts the samples; -1 if the layout has none."""
        return self.layout.find("N") if self.layout else 0


@dataclass
class Batch:
    """Samples as named arrays; rows after the first `real` ones are padding.

    Attributes:
        data: input name -> array, all rows, padding included: numpy, or a `CSRArray`.
        labels: label name -> array, all rows.
        real: number of rows that are samples.
        ids: sample ids; if empty, the reader numbers the samples.
        targets: ground truth of the samples before any transform; None if not available.
        geometries: map from each original image to the network's input; None if unknown.
        labelled: head -> (real,) bool, whether each sample has the head's targets; all have if the
            head is missing. Also `<head>/<term>` for heads whose loss terms have different
            targets; a missing term has the value of its head.
        position: samples of the epoch's order up to the end of this batch, including skipped ones;
            None if the loader does not count them.
        counts: object counts, see `densefit.data.loader.object_counts`.
        index: (rows,) or (real,) indices of the samples in their dataset, or None.
        matches: head -> mapping of the dataset's classes to the head's; set by the reader.
    """

    data: dict[str, Any]
    labels: dict[str, Any]
    real: int
    ids: list[str] = field(default_factory=list)
    targets: list[dict[str, Any]] | None = None
    geometries: list[Geometry] | None = None
    labelled: Mapping[str, np.ndarray] = field(default_factory=dict)
    position: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    index: Sequence[int] | np.ndarray | None = None
    matches: Mapping[str, TargetMapping] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the inputs, padding included; 0 without inputs."""
        return next((int(array.shape[0]) for array in self.data.values()), 0)

    @property
    def arrays(self) -> dict[str, Any]:
        """Inputs and labels by name."""
        return {**self.data, **self.labels}

    def real_rows(self, array: Any) -> Any:
        """Remove padding from an array with one or more rows per sample."""
        rows = self.rows
        return array if self.real == rows else array[: array.shape[0] // rows * self.real]
