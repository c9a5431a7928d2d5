"""Pack a dataset: `python tools/pack.py --data.dataset voc --data.root VOC --out packed/train.rec`.

The records are MXNet's im2rec records with all targets and a checksum behind the image, which
MXNet's readers skip. `densefit.datasets.Record` reads them back bit-equal. With
`--shard-size 512MB` there are several files of about this size, which `densefit.datasets.Shards`
reads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.data.io.cache import parse_bytes
from densefit.errors import ConfigError
from densefit.tools.formats.packed_records import pack
from densefit.tools.formats.packed_shards import pack_shards
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.plugins import parse_and_import
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.tools.recipes.words.command_line import completed
from densefit.yaml_files.paths import files_field

_LEAST = 1000  # bytes of a shard; images of a few pixels have more


@dataclass
class Packing:
    """Settings of packing.

    Args:
        data: dataset to pack.
        split: split of the dataset; null for data.train.
        out: path NAME.rec; NAME.idx and NAME.json are written beside it. With shard_size the files
            are NAME-00000.rec and so on, and NAME.shards.json lists them.
        shard_size: most bytes of a file with their unit, such as 512MB or 1GiB; null for one file.
        shuffle: whether shards are filled in a random order (always the same), so that a shard is
            a sample of the whole dataset.
        plugins: Python files that register a custom dataset (docs/plugins.md).
    """

    data: Data = field(default_factory=Data)
    split: str | None = None
    out: str = "packed/train.rec"
    shard_size: str | None = None
    shuffle: bool = True
    plugins: list[str] = files_field()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Pack a dataset into one file of records (RecordIO), which reads back bit-equal."
    words = completed(sys.argv[1:] if arguments is None else arguments)
    return program(lambda: run(parse_and_import(Packing, words, text)))


def run(packing: Packing) -> None:
    """Pack the dataset, and print its size."""
    dataset = make_dataset(packing.data, packing.split or packing.data.train)
    if packing.shard_size is not None:
        shard_bytes = shard_bytes_of(packing.shard_size)
        written = pack_shards(dataset, Path(packing.out), shard_bytes, packing.shuffle)
        files = f"{written.shards} shards of {packing.out}"
        _print(len(dataset), written.bytes, files, written.copied)
        return
    copied = pack(dataset, Path(packing.out))
    _print(len(dataset), Path(packing.out).stat().st_size, packing.out, copied)


def shard_bytes_of(text: str) -> int:
    """Most bytes of a shard, of a size with a unit.

    Raises:
        ConfigError: no unit, which would be bytes, or too small for any image.
    """
    size = parse_bytes(text)
    if text.strip().isdecimal():
        raise ConfigError(
            "The size of shards has no unit",
            expected="such as 512MB or 1GiB",
            received=f"--shard-size {text}",
            fix=f"--shard-size {text.strip()}MB",
        )
    if size < _LEAST:
        raise ConfigError(
            "Shards of this size hold no sample",
            expected=f"at least {_LEAST} bytes; hundreds of MB are usual",
            received=f"--shard-size {text}, {size} bytes",
            fix="--shard-size 512MB",
        )
    return size


def _print(records: int, size: int, files: str, copied: int) -> None:
    print(
        f"wrote {records} records, {size / 2**20:.1f} MiB, to {files} "
        f"({copied} image files unchanged, {records - copied} as PNG)"
    )


if __name__ == "__main__":
    sys.exit(main())
