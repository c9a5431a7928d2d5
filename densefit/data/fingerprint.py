"""Fingerprint of a dataset, to detect whether two trainings use the same data."""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import Any

import numpy as np

from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_classes, sample_id

LOOKED_AT = 4


def fingerprint(dataset: Dataset) -> dict[str, Any]:
    """Fingerprint of a dataset: {"samples": number of samples, "sha256": hash of its contents}.

    Hashes the ids of all samples in order, the class names, and the pixels and targets of 4
    samples spread over the dataset: enough to detect another folder, split, settings or classes,
    but not a single modified image among thousands. A dataset may have a hash of its ids,
    `ids_digest`, which then stands for them.
    """
    digest = hashlib.sha256()
    count = len(dataset)
    ids_digest = getattr(dataset, "ids_digest", None)
    if isinstance(ids_digest, str):
        digest.update(f"{ids_digest}\n".encode())
    for index in range(0 if isinstance(ids_digest, str) else count):
        digest.update(f"{sample_id(dataset, index)}\n".encode())
    digest.update(repr(dataset_classes(dataset, "classes")).encode())
    for index in sorted({round(k * (count - 1) / (LOOKED_AT - 1)) for k in range(LOOKED_AT)}):
        try:
            sample = dataset[index]
            arrays = {**sample.targets, "": sample.image}
        except Exception as error:  # a broken sample is reported, or skipped, in the epoch
            digest.update(type(error).__name__.encode())
            continue
        for name, array in sorted(arrays.items(), key=itemgetter(0)):
            _take_in(digest, name, array)
    return {"samples": count, "sha256": digest.hexdigest()}


def _take_in(digest: Any, name: str, array: Any) -> None:
    array = np.asarray(array)
    digest.update(f"{name} {array.shape} {array.dtype}".encode())
    if array.dtype == object:  # e.g. RLE masks
        digest.update(repr(array.tolist()).encode())
    else:
        digest.update(np.ascontiguousarray(array).tobytes())
