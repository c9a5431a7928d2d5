"""Texts around pictures: lists of ids and classes, tables, recipes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fuzz.annotations import voc_xml
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, unlike, write_picture
from fuzz.text_changes import change_lines, change_yaml
from PIL import Image

from densefit.config import read
from densefit.datasets.image_folder import ImageFolder
from densefit.datasets.mask_folder import MaskFolder
from densefit.datasets.voc.voc import VOC
from densefit.tools.recipes.multi_recipe import MultiRecipe
from densefit.yaml_files.document import read_document


def _lines(data: bytes) -> list[str] | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return [line.strip() for line in text.splitlines() if line.strip()]


class Lines(Kind):
    """A text of lines."""

    told = ("/",)  # what a line names is a file below the folder

    def structural(self) -> Change:
        return change_lines


class VocList(Lines):
    """The ids of a split of VOC."""

    name = "VOC list"
    target = "ImageSets/Main/target.txt"

    def clean(self) -> list[bytes]:
        return [b"a\nb\nc\n", b"a\r\nc\r\n", b"b"]

    def write(self, root: Path) -> None:
        for folder in ("Annotations", "ImageSets/Main"):
            (root / folder).mkdir(parents=True)
        for seed, name in enumerate("abc"):
            write_picture(root / f"JPEGImages/{name}.png", seed)
            (root / f"Annotations/{name}.xml").write_text(voc_xml(name, [(2, 2, 8, 8)]))

    def open(self, root: Path) -> Any:
        return VOC(root, "target")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        lines = _lines(data)
        if lines is None or any(len(line.split()) != 1 for line in lines):
            return None
        return unlike("ids", [samples[i].id for i in sorted(samples)], lines)


class VocTable(Lines):
    """A table of labels."""

    name = "labels CSV"
    target = "target.csv"

    def clean(self) -> list[bytes]:
        return [
            b"id,label\na,red\nb,blue\nc,red\n",
            b'label,id,other\r\n"red, dark",a,1\r\nblue,b,\r\n,c,3\r\n',
        ]

    def write(self, root: Path) -> None:
        VocList.write(self, root)  # type: ignore[arg-type]
        (root / "ImageSets/Main/train.txt").write_text("a\nb\nc\n")

    def open(self, root: Path) -> Any:
        return VOC(root, labels_csv=self.target)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:
            rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
            told = {(row["id"] or "").strip(): (row["label"] or "").strip() for row in rows}
        except (UnicodeDecodeError, csv.Error, KeyError):
            return None
        for sample in samples.values():
            label = sample.targets.get("label")
            named = "" if label is None else dataset.label_classes[int(label)]
            said = unlike(f"label of {sample.id}", named, told.get(sample.id, ""))
            if said:
                return said
        return ""


class ClassList(Lines):
    """Names of classes."""

    name = "class list"
    target = "classes.txt"

    def clean(self) -> list[bytes]:
        names = "cat\ndog\néléphant\n".encode("utf-8-sig")
        return [b"cat\ndog\n", b"dog\r\ncat\r\nbird", names]

    def write(self, root: Path) -> None:
        write_picture(root / "train/cat/a.png")
        write_picture(root / "train/dog/b.png", 1)

    def open(self, root: Path) -> Any:
        return ImageFolder(root, "train")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        lines = _lines(data)
        if lines is None:
            return None
        said = unlike("classes", dataset.classes, lines)
        for sample in samples.values():
            name = lines[int(sample.targets["label"])] if not said else ""
            said = said or unlike("label", sample.id.split("/")[0], name)
        return said


class MaskList(Lines):
    """Pictures and their masks, a pair a line."""

    name = "mask list"
    target = "target.txt"

    def clean(self) -> list[bytes]:
        pairs = [f"images/{name}.png masks/{name}.png" for name in "ab"]
        return ["\n".join(pairs).encode(), pairs[1].replace(" ", "\t").encode()]

    def write(self, root: Path) -> None:
        (root / "masks").mkdir()
        for seed, name in enumerate("ab"):
            write_picture(root / f"images/{name}.png", seed)
            Image.fromarray(np.full(SIZE, seed, np.uint8)).save(root / f"masks/{name}.png")

    def open(self, root: Path) -> Any:
        return MaskFolder(root, "target", classes=["ground", "line"])

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        lines = _lines(data)
        if lines is None or any(len(line.split()) != 2 for line in lines):
            return None
        for index, line in enumerate(lines):
            mask = line.split()[1]
            expected = np.full(SIZE, {"masks/a.png": 0, "masks/b.png": 1}.get(mask, -1))
            said = unlike("mask", samples[index].targets["mask"], expected)
            if said and (expected >= 0).all():
                return said
        return unlike("samples", len(samples), len(lines))


class Recipe(Kind):
    """A recipe."""

    name = "YAML recipe"
    target = "target.yaml"

    def clean(self) -> list[bytes]:
        folder = Path(__file__).parents[2] / "configs"
        return [path.read_bytes() for path in sorted(folder.glob("*.yaml"))]

    def structural(self) -> Change:
        return change_yaml

    def open(self, root: Path) -> Any:
        recipe = read(MultiRecipe, root / self.target)
        return _NoSamples(recipe, read_document(root / self.target).value)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        try:  # all words as texts: PyYAML reads some as another YAML
            expected = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506 - texts only
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
            return None
        return _same_words(dataset.value, expected, "")


class _NoSamples:
    """A recipe in the place of a dataset."""

    def __init__(self, recipe: MultiRecipe, value: Any) -> None:
        self.recipe, self.value = recipe, value

    def __len__(self) -> int:
        return 0


def _same_words(found: Any, expected: Any, key: str) -> str:
    if isinstance(expected, dict):
        if "<<" in expected:
            return ""
        if not isinstance(found, dict) or list(map(str, found)) != list(expected):
            if not isinstance(found, dict) or len(found) != len(expected):
                return f"{key}: {repr(found)[:60]}, another reader has {repr(expected)[:60]}"
        pairs = zip(found.items(), expected.items())
        said = (_same_words(one, two, f"{key}.{name}") for (_, one), (name, two) in pairs)
        return next(filter(None, said), "")
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{key}: {repr(found)[:60]}, another reader has {repr(expected)[:60]}"
        said = (_same_words(one, two, key) for one, two in zip(found, expected))
        return next(filter(None, said), "")
    if isinstance(found, str):
        same = found == expected
    elif found is None or isinstance(found, bool):
        same = (
            str(expected).lower()
            in {None: ("", "~", "null"), True: ("true",), False: ("false",)}[found]
        )
    else:
        same = _number(str(expected)) == found or found != found
    return "" if same else f"{key}: {repr(found)[:60]}, another reader has {repr(expected)[:60]}"


def _number(text: str) -> float:
    try:
        return int(text, 0)
    except ValueError:
        try:
            return float(text.replace("_", "").lower().replace(".inf", "inf"))
        except ValueError:
            return float("nan")
