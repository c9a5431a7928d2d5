"""Write a COCO-like dataset of any size: polygons in hundredths of a pixel, and a few crowds.

At its full size it has as many images and annotations as train2017, in a file of 332 MB.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image

IMAGES, OBJECTS = 118_287, 860_001
_SIZES = ((480, 640), (640, 480), (427, 640), (375, 500))  # (height, width)
_CLASSES = 80
_CORNERS = (4, 29)  # of a polygon
_CROWD_EVERY = 100  # objects
_LINKS = 10_000  # of one image file; file systems limit them
_TEXTS = [f"{value / 100:g}" for value in range(64_001)]  # of hundredths


def write_dataset(root: Path, images: int, objects: int, seed: int = 0) -> Path:
    """Write `annotations/instances_train.json` and `images/train/`; return the former.

    Args:
        root: folder to write to.
        images: their number.
        objects: their number.
        seed: of the random numbers.
    """
    (root / "annotations").mkdir(parents=True)
    _write_images(root / "images" / "train", images)
    path = root / "annotations" / "instances_train.json"
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        for i in range(images):
            height, width = _SIZES[i % len(_SIZES)]
            file.write(
                f'{", " if i else ""}{{"license": 3, "file_name": "{i:012}.jpg", '
                f'"coco_url": "http://localhost/train/{i:012}.jpg", "height": {height}, '
                f'"width": {width}, "date_captured": "2013-11-14 17:02:52", "id": {i}}}'
            )
        file.write('], "annotations": [')
        for first in range(0, objects, 10_000):
            count = min(10_000, objects - first)
            texts = _annotations(rng, first, count, images)
            file.write((", " if first else "") + ", ".join(texts))
        categories = [{"id": i + 1, "name": f"class {i + 1}"} for i in range(_CLASSES)]
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return path


def _annotations(rng: np.random.Generator, first: int, count: int, images: int) -> list[str]:
    """Entries of `annotations`, as JSON."""
    owners = rng.integers(images, size=count)
    categories = rng.integers(1, _CLASSES + 1, size=count)
    corners = rng.integers(*_CORNERS, size=count)
    parts = rng.random((count, 4))
    texts = []
    for i in range(count):
        height, width = _SIZES[owners[i] % len(_SIZES)]
        w, h = (
            int(100 * (8 + parts[i, 0] * (width - 9))),
            int(100 * (8 + parts[i, 1] * (height - 9))),
        )
        x, y = int(parts[i, 2] * (100 * width - w)), int(parts[i, 3] * (100 * height - h))
        if (first + i) % _CROWD_EVERY == _CROWD_EVERY - 1:
            runs = [x // 100 * height + y // 100, height // 4, height * width]
            runs[2] -= sum(runs[:2])
            outline = f'{{"counts": {runs}, "size": [{height}, {width}]}}'
            crowd = 1
        else:
            angles = np.sort(rng.random(corners[i])) * (2 * np.pi)
            points = np.empty(2 * corners[i], np.int64)
            points[0::2] = x + w * (0.5 + 0.5 * np.cos(angles))
            points[1::2] = y + h * (0.5 + 0.5 * np.sin(angles))
            outline = f"[[{','.join([_TEXTS[value] for value in points.tolist()])}]]"
            crowd = 0
        texts.append(
            f'{{"segmentation": {outline}, "area": {w * h / 1e4:.4f}, "iscrowd": {crowd}, '
            f'"image_id": {owners[i]}, "bbox": [{_TEXTS[x]},{_TEXTS[y]},{_TEXTS[w]},{_TEXTS[h]}], '
            f'"category_id": {categories[i]}, "id": {first + i + 1}}}'
        )
    return texts


def _write_images(folder: Path, count: int) -> None:
    """Write images of the stated sizes; most are links to a few files."""
    folder.mkdir(parents=True)
    originals: dict[tuple[int, int], Path] = {}
    for i in range(count):
        path, size = folder / f"{i:012}.jpg", _SIZES[i % len(_SIZES)]
        if i % _LINKS < len(_SIZES):
            Image.effect_noise(size[::-1], 40).convert("RGB").save(path, quality=80)
            originals[size] = path
        else:
            os.link(originals[size], path)
