"""A batch: arrays for the network, and what the metrics need beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.sample import Geometry


class Batch(mx.io.DataBatch):  # type: ignore[misc]
    """An `mx.io.DataBatch` that knows its samples.

    Attributes:
        data: list of NDArray, in `provide_data` order.
        label: list of NDArray, in `provide_label` order.
        pad: rows at the end that are no samples.
        index: (B,) int64, places of the samples in their dataset, or None.
        provide_data: list of DataDesc of this very batch (the last one may be smaller).
        provide_label: the same for `label`.
        ids: the samples' ids.
        targets: the samples' targets before any transform, on the host; None if the loader does
            not carry them.
        geometries: where each original image lies in the network's input.
        position: samples of the epoch's order that are behind its end, left out ones included;
            None if the loader does not tell.
        labelled: head -> (samples,) bool, which of them have the head's targets; a head that is
            not told of has labels for all. Of a head whose loss terms learn from different targets
            also `<head>/<term>` -> the same; one that is not told of is as its head.
        counts: of objects in the samples, see `densefit.data.loader.object_counts`.
    """

    def __init__(
        self,
        data: list[Any],
        label: list[Any],
        *,
        ids: Sequence[str],
        targets: Sequence[Mapping[str, np.ndarray]] | None,
        geometries: Sequence[Geometry],
        labelled: Mapping[str, np.ndarray] | None = None,
        pad: int = 0,
        index: np.ndarray | None = None,
        provide_data: list[Any] | None = None,
        provide_label: list[Any] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(
            data=data,
            label=label,
            pad=pad,
            index=index,
            provide_data=provide_data,
            provide_label=provide_label,
        )
        self.ids = list(ids)
        self.targets = None if targets is None else [dict(one) for one in targets]
        self.geometries = list(geometries)
        self.labelled = dict(labelled or {})
        self.counts = dict(counts or {})
        self.position: int | None = None
