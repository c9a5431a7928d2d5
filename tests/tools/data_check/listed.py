"""A small dataset of annotated images in a folder, which tests break."""

from pathlib import Path

import numpy as np
from PIL import Image

from densefit.datasets.objects import ImageAnnotation, ObjectAnnotation, ObjectDataset
from densefit.errors import DataError, MissingSplitError

SIZE = (60, 80)


def write_image(path, seed, size=SIZE, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(path, **settings)


class Listed(ObjectDataset):
    """`<split>.txt`: a line an image, with class and corners of each object."""

    def __init__(self, root, split="train", exif=True):
        self.root, self.split = Path(root), split
        path = self.root / f"{split}.txt"
        if not path.is_file():
            raise MissingSplitError(f"There is no split {split!r}", where=path)
        images = [annotation(line.split(), path) for line in path.read_text().splitlines()]
        super().__init__(images, ["cat", "dog"], self.root, exif=exif)

    def __repr__(self):
        return f"Listed({str(self.root)!r}, {self.split!r})"


def annotation(words, path):
    name, *words = words
    if words == ["broken"]:
        error = DataError("The line is broken", received="broken", where=path)
        return ImageAnnotation(name, name, source=path, error=error)
    objects = [
        ObjectAnnotation(words[i], tuple(map(float, words[i + 1 : i + 5])))
        for i in range(0, len(words), 5)
    ]
    return ImageAnnotation(name, name, objects, path, SIZE)


def write_split(root, split, count):
    """Write sound images of a split with two objects each."""
    lines = []
    for index in range(count):
        name = f"{split}{index}.png"
        write_image(root / name, seed=index + 100 * len(split))
        lines.append(f"{name} cat 5 5 {20 + index} 25 dog 30 30 60 50")
    (root / f"{split}.txt").write_text("\n".join(lines))


def change(root, name, text):
    """Replace the line of an image in its split's list."""
    split = name.partition(".")[0].rstrip("0123456789")
    path = root / f"{split}.txt"
    lines = path.read_text().splitlines()
    lines = [f"{name} {text}".strip() if line.startswith(name) else line for line in lines]
    path.write_text("\n".join(lines))
