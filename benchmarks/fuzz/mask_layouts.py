"""Masks in colours and their tables, and lists of depth maps, beside Pillow and a plain reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.kind import SIZE, encoded, unlike, write_picture
from fuzz.lists import Lines
from fuzz.pictures import Maps
from PIL import Image

from densefit.datasets.depth.kitti import KITTIDepth
from densefit.datasets.depth_folder import DepthFolder
from densefit.datasets.files.color_table import color_table
from densefit.datasets.mask_folder import MaskFolder

_COLORS = {"ground": (0, 0, 0), "line": (255, 0, 0), "dot": (0, 128, 255)}
_VOID = (255, 255, 255)
_TABLE = "\n".join(f"{name},{r},{g},{b}" for name, (r, g, b) in _COLORS.items())


def _color_masks() -> list[bytes]:
    mask = np.zeros(SIZE, np.uint8)
    mask[2:12, 3:20], mask[15:20, 5:9], mask[0] = 1, 2, 3
    palette = np.array([*_COLORS.values(), _VOID], np.uint8)
    image = Image.fromarray(palette[mask])
    indexed = Image.fromarray(mask, "P")
    indexed.putpalette(palette.tobytes())
    return [
        *(encoded(each, "PNG") for each in (image, image.convert("RGBA"), indexed)),
        encoded(indexed, "PNG", bits=2),
    ]


def _color_classes(image: Image.Image, data: bytes) -> np.ndarray | None:
    """Classes by Pillow's colours, one comparison a colour."""
    if image.format != "PNG" or data[24] > 8:
        return None
    colors = np.asarray(image.convert("RGBA"))[..., :3].astype(int)
    classes = np.full(colors.shape[:2], -1)
    for index, color in enumerate([*_COLORS.values(), _VOID]):
        classes[(colors == color).all(axis=2)] = 255 if color == _VOID else index
    return classes


COLOR_MASKS = Maps(
    *("colour mask", "trainannot", _color_masks),
    *(
        lambda root: MaskFolder(
            root, colors={k: list(v) for k, v in _COLORS.items()}, ignore_colors=[list(_VOID)]
        ),
        "mask",
        _color_classes,
    ),
)


class ColorTable(Lines):
    """A table of colours, in the forms of CamVid, class_dict.csv and CVAT."""

    name = "colour table"
    target = "colors.txt"

    def clean(self) -> list[bytes]:
        camvid = "\n".join(f"{r} {g} {b}\t{name}" for name, (r, g, b) in _COLORS.items())
        cvat = "\n".join(f"{name}:{r},{g},{b}::" for name, (r, g, b) in _COLORS.items())
        header = "# label:color_rgb:parts:actions\n"
        texts = [_TABLE, f"name,r,g,b\n{_TABLE}", camvid, header + cvat]
        return [text.encode() for text in texts]

    def write(self, root: Path) -> None:
        for folder in ("train", "trainannot"):
            write_picture(root / f"{folder}/a.png")
        Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(root / "trainannot/a.png")

    def open(self, root: Path) -> Any:
        self._table = color_table("colors.txt", root)
        return MaskFolder(root, colors="colors.txt")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        """Where the numbers of a plain line are not those of the table, in order."""
        try:
            lines = data.decode("ascii").splitlines()
        except UnicodeDecodeError:
            return None
        plain = [re.fullmatch(r"(\w+),(\d{1,3}),(\d{1,3}),(\d{1,3})", line) for line in lines]
        if not all(plain):
            return None
        rows = [(m[1], (int(m[2]), int(m[3]), int(m[4]))) for m in plain if m is not None]
        read = [(name, color) for name, colors in self._table.items() for color in colors]
        return unlike("colours", sorted(set(rows)), sorted(set(read)))


class DepthList(Lines):
    """Images and their depth maps, a pair a line."""

    name = "depth list"
    target = "target.txt"

    def clean(self) -> list[bytes]:
        lines = [f"rgb/{name}.png depth/{name}.png 518.8579" for name in "ab"]
        return ["\n".join(lines).encode(), lines[1].encode(), b"rgb/a.png,depth/a.png"]

    def write(self, root: Path) -> None:
        (root / "depth").mkdir()
        for seed, name in enumerate("ab"):
            write_picture(root / f"rgb/{name}.png", seed)
            depth = np.full(SIZE, 1000 * (seed + 1), np.uint16)
            Image.fromarray(depth).save(root / f"depth/{name}.png")

    def open(self, root: Path) -> Any:
        return DepthFolder(root, "target", images=".", depths=".")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        metres = {"depth/a.png": 1.0, "depth/b.png": 2.0}
        try:
            lines = [line.split() for line in data.decode("ascii").splitlines() if line.strip()]
        except UnicodeDecodeError:
            return None
        if not all(len(words) == 3 and words[1] in metres for words in lines):
            return None
        expected = [np.full(SIZE, metres[words[1]]) for words in lines]
        if len(samples) != len(expected):
            return unlike("samples", len(samples), len(expected))
        for index, depth in enumerate(expected):
            said = unlike("depth", samples[index].targets["depth"], depth, 1e-6)
            if said:
                return said
        return ""


class KittiList(Lines):
    """A list of KITTI: folder, frame and camera, or paths."""

    name = "KITTI list"
    target = "target.txt"

    def clean(self) -> list[bytes]:
        drives = [f"2011_09_26/2011_09_26_drive_000{k}_sync" for k in (1, 2)]
        paths = [
            f"{drive}/image_02/data/{5:010d}.png "
            f"{drive.split('/')[1]}/proj_depth/groundtruth/image_02/{5:010d}.png 721.5"
            for drive in drives
        ]
        return ["\n".join(f"{d} 5 l" for d in drives).encode(), "\n".join(paths).encode()]

    def write(self, root: Path) -> None:
        for number in (1, 2):
            drive = f"2011_09_26_drive_000{number}_sync"
            write_picture(root / f"raw/2011_09_26/{drive}/image_02/data/{5:010d}.png", number)
            path = root / f"train/{drive}/proj_depth/groundtruth/image_02/{5:010d}.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(np.full(SIZE, 256 * number, np.uint16)).save(path)

    def open(self, root: Path) -> Any:
        return KITTIDepth(root, "target")

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        """Where a sample's depth is not that of its own drive."""
        for sample in samples.values():
            number = int(sample.id.split("_drive_000")[1][0])
            said = unlike("depth", sample.targets["depth"], np.full(SIZE, float(number)), 1e-6)
            if said and number in (1, 2):
                return said
        return ""
