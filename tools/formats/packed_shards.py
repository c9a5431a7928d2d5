"""Write a dataset as shards: files of records of limited size, with a list of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage.atomic import replace_file
from densefit.data.sample import Dataset
from densefit.datasets.shards.shard_list import FORMAT, LIST_SUFFIX, MOST_SHARDS, list_crc
from densefit.datasets.shards.shard_targets import deflated
from densefit.errors import ConfigError, DataError
from densefit.tools.formats.packed_records import (
    PackedSample,
    RecordFileSummary,
    check_extension,
    packed_attributes,
    packed_samples,
    write_records,
)


@dataclass(frozen=True)
class WrittenShards:
    """Figures of the shards that were written.

    Attributes:
        shards: their number.
        bytes: of all files of records.
        copied: number of image files that were copied unchanged.
    """

    shards: int
    bytes: int
    copied: int


def pack_shards(
    dataset: Dataset, out: Path, shard_bytes: int, shuffle: bool = True
) -> WrittenShards:
    """Write `dataset` to NAME-00000.rec, NAME-00001.rec, ... and the list NAME.shards.json.

    Each shard is a file of records with an index and a description, and can be read by itself.
    The list of an earlier packing is removed before the first file is replaced, and the new one
    is written last. Shards of an earlier packing that are not replaced are removed.

    Args:
        dataset: any dataset.
        out: NAME.rec.
        shard_bytes: most bytes of a file of records; a larger record has a shard of its own.
        shuffle: divide samples in a random order, always the same, so that a shard of data that
            are sorted by class is a sample of all of them.

    Raises:
        ConfigError: `out` has another extension or is what `dataset` reads, the size is below one
            byte, or there would be too many shards.
        DataError: the dataset is empty, or a sample is broken.
    """
    check_extension(out)
    if shard_bytes < 1:
        raise ConfigError(
            "A shard has a size",
            expected="1 byte or more",
            received=shard_bytes,
            where="shard_size",
        )
    count = len(dataset)
    if not count:
        raise DataError("The dataset is empty", where=repr(dataset))
    list_path = out.with_name(out.stem + LIST_SUFFIX)
    _refuse_source(dataset, list_path)
    order = np.random.default_rng(0).permutation(count).tolist() if shuffle else range(count)
    kinds: dict[tuple[str, ...], int] = {}
    entries: list[dict[str, Any]] = []
    copied = 0
    for number, samples in groupby(packed_samples(dataset, order), _by_size(shard_bytes)):
        if number >= MOST_SHARDS:
            raise ConfigError(
                "There would be too many shards",
                expected=f"at most {MOST_SHARDS}",
                where="shard_size",
                fix="a larger shard_size",
            )
        path = _files(out, number)[-1]
        summary = write_records(_without_list(samples, list_path), dataset, path)
        entries.append(_entry(path.stem, summary, kinds))
        copied += summary.copied
    description = {
        "format": FORMAT,
        "from": repr(dataset),
        "samples": count,
        "targets": list(map(list, kinds)),
        "shards": entries,
        "dataset": packed_attributes(dataset),
    }
    description["crc32"] = list_crc(description)
    replace_file(list_path, [json.dumps(description, indent=1).encode()])
    _remove_from(out, len(entries))
    size = sum(entry["files"][f"{entry['name']}.rec"][0] for entry in entries)
    return WrittenShards(len(entries), size, copied)


def _by_size(most: int) -> Callable[[PackedSample], int]:
    """Number of the shard of each sample, in order of packing."""
    number = used = 0

    def shard_of(sample: PackedSample) -> int:
        nonlocal number, used
        if used and used + len(sample.record) > most:
            number, used = number + 1, 0
        used += len(sample.record)
        return number

    return shard_of


def _entry(
    name: str, summary: RecordFileSummary, kinds: dict[tuple[str, ...], int]
) -> dict[str, Any]:
    """Entry of a shard in the list; new lists of targets are added to `kinds`."""
    return {
        "name": name,
        "samples": len(summary.ids),
        "files": {file: list(state) for file, state in summary.files.items()},
        "ids": sha256("\n".join(summary.ids).encode("utf-8", "surrogatepass")).hexdigest(),
        "targets_of": deflated([kinds.setdefault(t, len(kinds)) for t in summary.targets]),
    }


def _refuse_source(dataset: Dataset, list_path: Path) -> None:
    """Raise ConfigError if the dataset reads the shards that would be replaced."""
    sources = [Path(path).resolve() for path in getattr(dataset, "data_files", ())]
    if list_path.resolve() in sources:
        raise ConfigError(
            "The dataset reads the shards that would be replaced",
            received=list_path,
            where="out",
            fix="another folder or name",
        )


def _without_list(samples: Iterable[PackedSample], list_path: Path) -> Iterator[PackedSample]:
    """Pass samples through, and remove an earlier list before their file is put in place."""
    yield from samples
    list_path.unlink(missing_ok=True)


def _remove_from(out: Path, first: int) -> None:
    """Remove shards number `first` and after of an earlier packing, the last ones first."""
    last = first
    while any(path.exists() for path in _files(out, last)):
        last += 1
    for number in reversed(range(first, last)):
        for path in _files(out, number):
            path.unlink(missing_ok=True)


def _files(out: Path, number: int) -> list[Path]:
    """Files of a shard."""
    return [out.with_name(f"{out.stem}-{number:05d}{end}") for end in (".json", ".idx", ".rec")]
