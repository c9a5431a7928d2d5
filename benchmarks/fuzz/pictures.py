"""Pictures, masks, ids, depths and normals, beside Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from fuzz.annotations import voc_xml
from fuzz.byte_changes import Change
from fuzz.kind import SIZE, Kind, encoded, picture, unlike, write_picture
from fuzz.picture_changes import change_picture
from PIL import Image, ImageOps

from densefit.datasets.depth_folder import DepthFolder
from densefit.datasets.image_folder import ImageFolder
from densefit.datasets.mask_folder import MaskFolder
from densefit.datasets.voc.voc import VOC

_HEIGHT, _WIDTH = SIZE
_EXIF = Image.Exif()
_EXIF[274] = 6  # turned


def _pillow(data: bytes) -> Image.Image | None:
    """The picture as Pillow reads it, nothing of PostScript."""
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF"))
        image.load()
    except Exception:  # whatever it is, Pillow does not read the file
        return None
    return image


class Pictures(Kind):
    """Photographs of a format.

    Args:
        kind: as Pillow calls it.
        ending: of the file.
        settings: of each content.
        tolerance: of the mean of the differences, where the format loses something.
    """

    def __init__(
        self, kind: str, ending: str, settings: list[dict[str, Any]], tolerance: float = 0.0
    ) -> None:
        self.name, self.target = f"{kind} picture", f"cat/target{ending}"
        self._kind, self._settings, self._tolerance = kind, settings, tolerance

    def clean(self) -> list[bytes]:
        found = []
        for settings in self._settings:
            more = dict(settings)
            image = Image.fromarray(picture()).convert(more.pop("mode", "RGB"))
            found.append(encoded(image, self._kind, **more))
        return found

    def structural(self) -> Change:
        return change_picture

    def write(self, root: Path) -> None:
        write_picture(root / "dog/other.png", 1)
        (root / "cat").mkdir()

    def open(self, root: Path) -> Any:
        return ImageFolder(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        image = _pillow(data)
        found = next((one for one in samples.values() if one.id.startswith("cat/")), None)
        if found is None:
            return "the picture is left out"
        if image is None or image.mode in ("CMYK", "YCbCr", "LAB") or image.mode[0] in "IF":
            return None  # what their colours are is a matter of taste
        if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
            return None
        if self._kind == "BMP" and data[14:15] == b"\x28" and data[46:50] != bytes(4):
            if int.from_bytes(data[46:50], "little") != 1 << data[28]:
                return None  # indices of colours that nobody has stated
        try:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except Exception:  # broken EXIF, say
            return None
        if not self._tolerance:
            return unlike("picture", found.image, expected)
        if found.image.shape != expected.shape:
            return unlike("picture", found.image, expected)
        far = float(np.abs(found.image.astype(int) - expected).mean())
        return (
            ""
            if far <= self._tolerance
            else f"picture: {far:.1f} from another reader's, on average"
        )


PICTURES = (
    Pictures(
        "JPEG",
        ".jpg",
        [
            {},
            {"progressive": True},
            {"mode": "L"},
            {"exif": _EXIF},
            {"quality": 95, "subsampling": 0},
        ],
        2.0,
    ),
    Pictures("JPEG", ".jpeg", [{"mode": "CMYK"}, {"restart_marker_rows": 1}], 2.0),
    Pictures(
        "PNG",
        ".png",
        [{}, {"mode": "L"}, {"mode": "P"}, {"mode": "1"}, {"mode": "RGBA"}, {"mode": "I;16"}],
    ),
    Pictures("BMP", ".bmp", [{}, {"mode": "P"}, {"mode": "L"}, {"mode": "1"}]),
    Pictures("WEBP", ".webp", [{}, {"lossless": True}, {"lossless": True, "mode": "RGBA"}], 2.0),
    Pictures("GIF", ".gif", [{"mode": "P"}, {"mode": "L"}]),
    Pictures(
        "TIFF",
        ".tif",
        [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"mode": "L"}],
    ),
)
PICTURES[1].name = "JPEG, unusual"


class Maps(Kind):
    """Maps beside pictures.

    Args:
        name: of the kind.
        folder: of the maps.
        make: the contents.
        read: the dataset of a folder.
        target: name of the target.
        values: what Pillow's pixels mean, None for nothing that can be compared.
        ending: of the files.
    """

    def __init__(
        self,
        name: str,
        folder: str,
        make: Callable[[], list[bytes]],
        read: Callable[[Path], Any],
        target: str,
        values: Callable[[Image.Image, bytes], np.ndarray | None],
        ending: str = ".png",
    ) -> None:
        self.name, self.target = name, f"{folder}/target{ending}"
        self._make, self._read, self._target, self._values = make, read, target, values

    def clean(self) -> list[bytes]:
        return self._make()

    def structural(self) -> Change:
        return change_picture

    def write(self, root: Path) -> None:
        for folder in ("train", "JPEGImages", "rgb"):
            write_picture(root / f"{folder}/target.png")
        for folder in ("Annotations", "ImageSets/Main", "ImageSets/Segmentation"):
            (root / folder).mkdir(parents=True)
        (root / self.target).parent.mkdir(exist_ok=True)
        boxes = [(1, 1, 8, 12), (9, 1, 16, 12), (17, 1, 24, 12)]
        (root / "Annotations/target.xml").write_text(voc_xml("target", boxes))
        for kind in ("Main", "Segmentation"):
            (root / f"ImageSets/{kind}/train.txt").write_text("target\n")

    def open(self, root: Path) -> Any:
        return self._read(root)

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        image = _pillow(data)
        expected = None if image is None else self._values(image, data)
        if expected is None:
            return None
        return unlike(self._target, samples[0].targets[self._target], expected, 1e-4)


def _classes() -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[2:12, 3:20], mask[15:20, 5:9], mask[0] = 1, 2, 255
    return mask


def _masks() -> list[bytes]:
    mask = _classes()
    grey = Image.fromarray(mask)
    palette = grey.copy()
    palette.putpalette(list(np.random.default_rng(0).integers(0, 256, 768)))
    few = Image.fromarray(np.minimum(mask, 2))
    few.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    made = [encoded(grey, "PNG"), encoded(palette, "PNG"), encoded(few, "PNG", bits=2)]
    return [*made, encoded((mask == 1), "PNG"), encoded(mask.astype(np.uint16), "PNG")]


def _mask_values(image: Image.Image, data: bytes) -> np.ndarray | None:
    values = np.asarray(image)
    if values.ndim != 2:
        return values[..., 0].astype(int) if image.mode == "RGB" else None
    values = values.astype(int)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[25] == 0 and data[24] in (2, 4):
        values = values // {2: 85, 4: 17}[data[24]]  # Pillow stretches few bits
    return values


def _ids() -> list[bytes]:
    ids = np.zeros(SIZE, np.uint16)
    for place in range(3):
        ids[:12, 8 * place : 8 * place + 8] = place + 1
    return [encoded(ids, "PNG"), encoded(ids.astype(np.uint8), "PNG")]


def _id_values(image: Image.Image, data: bytes) -> np.ndarray | None:
    values = _mask_values(image, data)
    if values is not None and image.mode in ("L", "P", "1"):
        values = np.where(values == 255, 65535, values)
    return values


def _depths() -> list[bytes]:
    return [encoded((np.arange(_HEIGHT * _WIDTH).reshape(SIZE) * 50).astype(np.uint16), "PNG")]


def _float_depths() -> list[bytes]:
    metres = (np.arange(_HEIGHT * _WIDTH).reshape(SIZE) / 100).astype(np.float32)
    return [encoded(metres, "TIFF"), encoded((metres * 1000).astype(np.uint16), "TIFF")]


def _depth_values(image: Image.Image, data: bytes) -> np.ndarray | None:
    if image.mode not in ("I;16", "L", "F"):
        return None
    depth = np.asarray(image).astype(np.float32)
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0)


def _normals() -> list[bytes]:
    flat = np.full((*SIZE, 3), (128, 128, 255), np.uint8)
    return [encoded(flat, "PNG"), encoded(picture(smooth=False), "PNG")]


def _normal_values(image: Image.Image, data: bytes) -> np.ndarray | None:
    if image.mode != "RGB" or data[24] != 8:
        return None
    vectors = np.asarray(image).astype(np.float64) * 2 / 255 - 1
    length = np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.where((length > 0.5) & (length < 1.5), vectors / np.maximum(length, 1e-9), 0)


MAPS = (
    Maps(
        *("mask", "trainannot", _masks),
        *(lambda root: MaskFolder(root, classes=["ground", "line", "dot"]), "mask", _mask_values),
    ),
    Maps(
        *("instance ids", "SegmentationObject", _ids),
        *(lambda root: VOC(root, instances=True), "instances", _id_values),
    ),
    Maps(
        *("depth PNG", "depth", _depths, lambda root: DepthFolder(root, scale=1.0)),
        *("depth", _depth_values),
    ),
    Maps(
        *("depth TIFF", "depth", _float_depths, lambda root: DepthFolder(root, scale=1.0)),
        *("depth", _depth_values, ".tif"),
    ),
    Maps(
        *(
            "normals",
            "normal",
            _normals,
            lambda root: DepthFolder(root, depths=None, normals="normal"),
        ),
        *("normals", _normal_values),
    ),
)
