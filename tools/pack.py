"""Pack a dataset: `python tools/pack.py --data.dataset voc --data.root VOC --out packed/train.rec`.

The records are MXNet's im2rec records with all targets and a checksum behind the image, which
MXNet's readers skip. `densefit.datasets.Record` reads them back bit-equal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from densefit.tools.formats.packed_records import pack
from densefit.tools.recipes.data.loaders import make_dataset
from densefit.tools.recipes.plugins import parse_and_import
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.yaml_files.paths import files_field


@dataclass
class Packing:
    """Settings of packing.

    Args:
        data: dataset to pack.
        split: split of the dataset; null for data.train.
        out: path NAME.rec; NAME.idx and NAME.json are written beside it.
        plugins: Python files that register a custom dataset (docs/plugins.md).
    """

    data: Data = field(default_factory=Data)
    split: str | None = None
    out: str = "packed/train.rec"
    plugins: list[str] = files_field()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Pack a dataset into one file of records (RecordIO), which reads back bit-equal."
    return program(lambda: run(parse_and_import(Packing, arguments, text)))


def run(packing: Packing) -> None:
    """Pack the dataset, and print its size."""
    dataset = make_dataset(packing.data, packing.split or packing.data.train)
    copied = pack(dataset, Path(packing.out))
    size = Path(packing.out).stat().st_size / 2**20
    print(
        f"wrote {len(dataset)} records, {size:.1f} MiB, to {packing.out} "
        f"({copied} image files unchanged, {len(dataset) - copied} as PNG)"
    )


if __name__ == "__main__":
    sys.exit(main())
