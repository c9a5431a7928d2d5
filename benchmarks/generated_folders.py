"""Write datasets of any size in layouts with a file an image: YOLO, masks, classes, records.

Images are links to a few files, as in `generated_coco.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from densefit.datasets.record.recordio import frame, with_header

_LINKS = 10_000  # of one file; file systems limit them
_CLASSES = 80
_SIZE = (48, 64)  # (height, width)
_LABELS = 1000  # different label files


def write_yolo(root: Path, images: int, objects: int) -> None:
    """Images, a label file each, and data.yaml.

    Args:
        root: folder to write to.
        images: their number.
        objects: their number.
    """
    _link(root / "images" / "train", ".jpg", _image("JPEG"), images)
    names = ", ".join(f"class_{i}" for i in range(_CLASSES))
    (root / "data.yaml").write_text(f"train: images/train\nnames: [{names}]\n")
    folder = root / "labels" / "train"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(_LABELS):
        rows = rng.uniform(0.2, 0.4, (max(1, objects // images), 4))
        labels = rng.integers(_CLASSES, size=len(rows)).tolist()
        lines = [f"{k} " + " ".join(f"{v:.6f}" for v in row) for k, row in zip(labels, rows)]
        texts.append("\n".join(lines))
    for i in range(images):
        (folder / f"{i:012}.txt").write_text(texts[i % _LABELS])


def write_masks(root: Path, images: int, objects: int) -> None:
    """Images, a mask each, and classes.txt; see `write_yolo`."""
    del objects
    _link(root / "images" / "train", ".jpg", _image("JPEG"), images)
    _link(root / "masks" / "train", ".png", _image("PNG"), images)
    (root / "classes.txt").write_text("background\nfigure\n")


def write_classes(root: Path, images: int, objects: int) -> None:
    """A folder of images for each class; see `write_yolo`."""
    del objects
    for k in range(min(_CLASSES, images)):
        count = len(range(k, images, _CLASSES))
        _link(root / "train" / f"class_{k}", ".jpg", _image("JPEG"), count)


def write_records(root: Path, images: int, objects: int) -> None:
    """Records with boxes, as im2rec writes them; see `write_yolo`."""
    root.mkdir(parents=True)
    image = _image("JPEG")
    each = max(1, objects // images)
    with open(root / "train.rec", "wb") as records, open(root / "train.idx", "w") as index:
        for i in range(images):
            rows = np.tile([0, 0.1, 0.1, 0.6, 0.7], each)
            rows[::5] = (i + np.arange(each)) % _CLASSES
            index.write(f"{i}\t{records.tell()}\n")
            records.write(frame(with_header(np.array([2, 5, *rows], np.float32), i, image)))


#: Layout -> what writes it.
WRITERS: dict[str, Callable[[Path, int, int], None]] = {
    "yolo": write_yolo,
    "mask_folder": write_masks,
    "image_folder": write_classes,
    "record": write_records,
}


def make_old(root: Path) -> None:
    """Set all times of files back: what has just changed is not stored."""
    for folder, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(folder, name), (1e9, 1e9))


def _image(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (*_SIZE, 3), np.uint8)
    image = Image.fromarray(pixels if kind == "JPEG" else np.zeros(_SIZE, np.uint8))
    buffer = BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def _link(folder: Path, ending: str, data: bytes, count: int) -> None:
    """Write a file so many times, as links where that is possible."""
    folder.mkdir(parents=True)
    original = folder
    for i in range(count):
        path = folder / f"{i:012}{ending}"
        if i % _LINKS == 0:
            path.write_bytes(data)
            original = path
        else:
            os.link(original, path)
