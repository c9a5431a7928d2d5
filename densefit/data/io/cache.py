"""Cache decoded samples in memory or on disk, within a budget of bytes."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from densefit.data.annotated import all_targets, targets_of
from densefit.data.checks.sample import read_sample
from densefit.data.io.disk_cache import DiskCache
from densefit.data.io.memory_cache import MemoryCache
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import sample_id
from densefit.errors import ConfigError, DataError

_UNITS = {
    **{"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40},
    **{"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12},
}
_log = logging.getLogger("densefit")


def parse_bytes(size: int | str) -> int:
    """Parse a number of bytes.

    >>> parse_bytes("2GiB"), parse_bytes("1.5 MB"), parse_bytes(7)
    (2147483648, 1500000, 7)

    Raises:
        ConfigError: it is no number of bytes.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(size))
    if not match or match[2].lower() not in _UNITS:
        raise ConfigError(
            "This is not a number of bytes", expected="such as 500MiB or 2GiB", received=size
        )
    return int(float(match[1]) * _UNITS[match[2].lower()])


class Cached:
    """Wrap a dataset to decode its samples once, as far as they fit.

    Samples beyond the budget are read again each time; nothing is evicted, since an epoch reads
    everything once and would evict each sample before it is used again. Callers may modify a
    sample. All other attributes are those of the dataset.

    Args:
        dataset: to read. It must return the same sample each time.
        memory: the largest number of bytes of arrays kept in memory, such as "2GiB", in each
            process that reads.
        folder: keeps them on disk instead, for later processes too. Each dataset (by its `repr`,
            which must name its settings) has one state, which is replaced when the dataset changes:
            its `fingerprint`, or the time and size of the image files or of its `data_files`. A
            change of annotations is seen only in the 4 samples of the fingerprint.
        disk: with `folder`, the largest number of bytes of this dataset's files there.

    Raises:
        ConfigError: not exactly one of `memory` and `folder` with `disk` is given; or, with
            `folder`, the dataset has no `repr` that is the same in another process.
    """

    #: A checkpoint written without the cache resumes with it.
    described_by = "dataset"

    def __init__(
        self,
        dataset: Dataset,
        memory: int | str | None = None,
        folder: str | Path | None = None,
        disk: int | str | None = None,
    ) -> None:
        if (memory is None) == (folder is None) or (folder is None) != (disk is None):
            raise ConfigError(
                "A cache is in memory or on disk, and has a budget",
                expected="memory, or folder and disk",
                received=f"memory={memory!r}, folder={folder!r}, disk={disk!r}",
                where="Cached",
            )
        self.dataset = dataset
        self._broken = False
        self._store: MemoryCache | DiskCache
        if memory is not None:
            self._store = MemoryCache(parse_bytes(memory))
        else:
            self._store = DiskCache(Path(str(folder)), parse_bytes(disk or 0), dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __repr__(self) -> str:
        return repr(self.dataset)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "dataset":  # not set while it is unpickled
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def id_of(self, index: int) -> str:
        """As of the wrapped dataset."""
        return sample_id(self.dataset, index)

    def targets_of(self, index: int) -> Collection[str] | None:
        """As of the wrapped dataset."""
        return targets_of(self.dataset, index)

    def all_targets(self) -> Sequence[frozenset[str]] | None:
        """As of the wrapped dataset."""
        return all_targets(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        arrays = self._store.get(index)
        if arrays is None:
            sample = read_sample(self.dataset, index)
            self._keep(index, sample)
            return replace(sample, id=self.id_of(index))  # as it will be from the cache
        image = arrays.pop("")
        return Sample(self.id_of(index), image, arrays)

    def _keep(self, index: int, sample: Sample) -> None:
        """Store a sample; if that fails, warn and store no more."""
        if self._broken:
            return
        try:
            self._store.put(index, {"": sample.image, **sample.targets})
        except (OSError, DataError) as error:
            self._broken = True
            _log.warning(
                "Samples are no longer kept in the cache, from sample %r on: %s", sample.id, error
            )

    @property
    def used(self) -> int:
        """Bytes in the cache now."""
        return self._store.used


def cached(dataset: Dataset, settings: Mapping[str, Any] | None, where: str) -> Dataset:
    """Wrap a dataset in the cache that `settings` describe, if there are any.

    Raises:
        ConfigError: unknown settings.
    """
    unknown = set(settings or ()) - {"memory", "folder", "disk"}
    if unknown:
        raise ConfigError(
            "These are not the settings of a cache",
            expected="memory, or folder and disk",
            received=settings,
            where=where,
        )
    return Cached(dataset, **settings) if settings else dataset
