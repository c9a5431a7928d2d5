"""Convert a dataset to another layout.

`python tools/convert_data.py --data.dataset voc --data.root VOC --to coco --out converted`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from densefit.tools.conversion.convert import WRITERS, Conversion, convert
from densefit.tools.recipes.data.division import read_once
from densefit.tools.recipes.data.split_dataset import existing_splits, make_dataset
from densefit.tools.recipes.plugins import parse_and_import
from densefit.tools.recipes.program import program
from densefit.tools.recipes.recipe import Data
from densefit.yaml_files.paths import files_field

_SPLITS = {f"--data.{key}" for key in ("train", "validation", "test", "splits")}


@dataclass
class Converting:
    """What is converted, and to what.

    Args:
        data: the dataset; its splits train, validation and test are converted, but for null. If all
            are null, the dataset is converted as a whole, as split all.
        to: coco, voc, labelimg, yolo, mask_folder, nyuv2 or record.
        out: new folder that is written.
        lossy: go on where the layout cannot keep something, which is counted either way.
        verify: read everything back and compare it.
        plugins: Python files that register the dataset, if it is your own (docs/plugins.md).
    """

    data: Data = field(default_factory=Data)
    to: str = "coco"
    out: str = "converted"
    lossy: bool = False
    verify: bool = True
    plugins: list[str] = files_field()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program."""
    text = "Convert a dataset to the layout of COCO, VOC, YOLO, a mask folder or records."
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = {word.partition("=")[0] for word in words}

    def work() -> None:
        converting = parse_and_import(Converting, words, text)
        run(converting, "--data" in named and not named & _SPLITS)

    return program(work)


def run(converting: Converting, finds_splits: bool = False) -> None:
    """Convert the dataset, and print what was written, lost and verified.

    Args:
        converting: the settings.
        finds_splits: whether the splits are those that the dataset has, if any.
    """
    data = converting.data
    names = list(dict.fromkeys(n for n in (data.train, data.validation, data.test) if n))
    if data.train == "null":
        names = names[1:]
    if finds_splits:
        names = existing_splits(data)
    if not names:  # as a whole
        data, names = replace(data, splits={"all": 1.0}, train="all"), ["all"]
    with read_once():
        splits = {name: make_dataset(data, name) for name in names}
    conversion = convert(
        splits,
        converting.to,
        Path(converting.out),
        lossy=converting.lossy,
        verify=converting.verify,
    )
    print(summary(conversion, converting))


def summary(conversion: Conversion, converting: Converting) -> str:
    """Describe a conversion, with the options that read it."""
    total = sum(conversion.samples.values())
    counts = ", ".join(f"{name} {count}" for name, count in conversion.samples.items())
    images = f"{conversion.copied} files copied, {total - conversion.copied} written as "
    lines = [
        f"wrote {total} samples ({counts}) to {converting.out}",
        f"images: {images}{WRITERS[converting.to].images_as}",
    ]
    for what, count in sorted(conversion.lost.items()):
        lines.append(f"lost: {count} {what}")
    if conversion.verified:
        lines.append(f"verified: {conversion.verified} of {total} samples read back equal")
    options = f"--data.dataset {converting.to} --data.root {converting.out}"
    if conversion.settings:
        options += f' --data.settings "{_flow(conversion.settings)}"'
    return "\n".join([*lines, f"read it with: {options}"])


def _flow(settings: dict[str, object]) -> str:
    """Settings as YAML of one line."""
    texts = [
        f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in settings.items()
    ]
    return "{" + ", ".join(texts) + "}"


if __name__ == "__main__":
    sys.exit(main())
