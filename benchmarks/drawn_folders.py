"""Small folders of noise in the layouts of BCCD (VOC) and CamVid, to try a benchmark."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (48, 64)  # height and width of the pictures
CELLS = ("RBC", "WBC", "Platelets")
MASK_CLASSES = 11  # of CamVid, and 11 marks the pixels without a label
_SPLITS = ("train", "val", "test")
_OBJECT = (
    "<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
    "<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
)


def _noise(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)


def write_bccd(root: Path, count: int) -> None:
    """Write pictures with two boxes each as VOC lays them out; all splits have the same ones."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"cells{index}" for index in range(count)]
    for index, name in enumerate(names):
        cv2.imwrite(str(root / "JPEGImages" / f"{name}.jpg"), _noise(rng))
        objects = "".join(
            _OBJECT.format(name=CELLS[(index + k) % 3], x=x, y=8, right=x + 20, bottom=32)
            for k, x in enumerate((4, 36))
        )
        (root / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename><size><width>{SIZE[1]}</width>"
            f"<height>{SIZE[0]}</height><depth>3</depth></size>{objects}</annotation>"
        )
    for split in _SPLITS:
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names) + "\n")


def write_camvid(root: Path, count: int) -> None:
    """Write pictures and masks of noise as CamVid lays them out, in every split."""
    classes = [*(f"class {index}" for index in range(MASK_CLASSES)), "Unlabelled"]
    (root / "classes.txt").write_text("\n".join(classes))
    rng = np.random.default_rng(0)
    for split in _SPLITS:
        for folder in (split, f"{split}annot"):
            (root / folder).mkdir(parents=True)
        for index in range(count):
            cv2.imwrite(str(root / split / f"{index}.jpg"), _noise(rng))
            mask = rng.integers(0, MASK_CLASSES + 1, SIZE).astype(np.uint8)
            cv2.imwrite(str(root / f"{split}annot" / f"{index}.png"), mask)


WRITERS = {"bccd": write_bccd, "camvid": write_camvid}
