"""Some samples of a dataset, with all that it says of them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.annotated import all_targets, targets_of
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id

#: What a dataset says of its order and of all ids; a subset has others.
_OF_THE_WHOLE = ("order", "dropping_order", "parts", "datasets", "ids_digest")

#: Optional methods of a dataset that take an index (see `densefit.data.sample.Dataset`).
_OF_A_SAMPLE = (
    *("picture_file", "image_bytes", "label_files", "annotations_of", "size_of", "mask_of"),
)


class Subset:
    """Select samples of a dataset by index; other attributes are those of the dataset.

    Methods that the framework does not know are left out: they may take indices of the whole.

    Args:
        dataset: the whole dataset.
        indices: of the samples, in the subset's order.
        name: which samples they are, for the repr, which caches and resumed trainings compare;
            by default a hash of the indices.
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int], name: str | None = None) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, np.int64)
        if name is None:
            digest = hashlib.sha256(self.indices.tobytes()).hexdigest()[:16]
            name = f"{len(self.indices)} samples {digest}"
        self.name = name

    def __repr__(self) -> str:
        return f"Subset({self.dataset!r}, {self.name})"

    def __len__(self) -> int:
        return len(self.indices)

    def __getattr__(self, name: str) -> Any:
        if name == "order" and hasattr(self.dataset, "order_of_part") and self._is_ascending():
            return self._order
        # The first two are not set while it is unpickled.
        if name in ("dataset", "indices", *_OF_THE_WHOLE) or name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self.dataset, name)
        if name in _OF_A_SAMPLE:
            return lambda index, *rest: value(int(self.indices[index]), *rest)
        if name == "faults":
            return self._own_faults(value)
        if inspect.isroutine(value):  # it may take an index of the whole dataset
            raise AttributeError(name)
        return value

    def _is_ascending(self) -> bool:
        return bool((np.diff(self.indices) > 0).all())

    def _order(self, shuffle: bool, batch_size: int) -> Any:
        """Order of a loader's epochs; the dataset says in which order it is read best."""
        return self.dataset.order_of_part(self.indices, shuffle, batch_size)  # type: ignore[attr-defined]

    def _own_faults(self, faults: Mapping[int, Any]) -> dict[int, Any]:
        if not faults:
            return {}
        indices = enumerate(self.indices.tolist())
        return {number: faults[index] for number, index in indices if index in faults}

    def id_of(self, index: int) -> str:
        """Id of a sample."""
        return sample_id(self.dataset, int(self.indices[index]))

    def targets_of(self, index: int) -> Collection[str] | None:
        """Target names of a sample; see `densefit.data.annotated.targets_of`."""
        return targets_of(self.dataset, int(self.indices[index]))

    def all_targets(self) -> list[frozenset[str]] | None:
        """Target names of all samples; see `densefit.data.annotated.all_targets`."""
        targets = all_targets(self.dataset)
        return None if targets is None else [targets[int(index)] for index in self.indices]

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[int(self.indices[index])]
