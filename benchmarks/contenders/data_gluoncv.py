"""GluonCV's loader of its SSD training script over BCCD; run by data_speed.py.

The pictures and boxes come from the VOC layout; transform, batches and workers are the script's.
"""

from __future__ import annotations

import argparse
import time
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import serve

import densefit  # noqa: F401  for MXNet to work with this numpy
from densefit.backend import mx

import gluoncv as gcv  # isort: skip
from gluoncv.data.batchify import Stack, Tuple  # isort: skip
from gluoncv.data.transforms.presets.ssd import SSDDefaultTrainTransform  # isort: skip

CLASSES = ("RBC", "WBC", "Platelets")


class Cells(mx.gluon.data.Dataset):  # type: ignore[misc]
    """Pictures and (n, 6) boxes, as gluoncv's VOCDetection gives them."""

    def __init__(self, root: Path) -> None:
        names = (root / "ImageSets" / "Main" / "train.txt").read_text().split()
        self._rows = []
        for name in names:
            boxes = []
            tree = xml.etree.ElementTree.parse(root / "Annotations" / f"{name}.xml")
            for one in tree.iter("object"):
                box = one.find("bndbox")
                places = [float(box.find(key).text) - 1 for key in ("xmin", "ymin", "xmax", "ymax")]
                boxes.append([*places, CLASSES.index(one.find("name").text), 0])
            self._rows.append((str(root / "JPEGImages" / f"{name}.jpg"), np.array(boxes)))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        path, boxes = self._rows[index]
        return mx.image.imread(path, 1), boxes


def main() -> None:
    """Serve epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--batch-size", type=int, default=8)
    options = parser.parse_args()
    net = gcv.model_zoo.get_model("ssd_512_resnet18_v1_voc", pretrained_base=False)
    net.initialize()
    net.reset_class(CLASSES)
    with mx.autograd.train_mode():
        _, _, anchors = net(mx.nd.zeros((1, 3, options.height, options.width)))
    data = Cells(options.root)
    loader = mx.gluon.data.DataLoader(
        data.transform(SSDDefaultTrainTransform(options.width, options.height, anchors)),
        options.batch_size,
        True,
        batchify_fn=Tuple(Stack(), Stack(), Stack()),
        last_batch="discard",
        num_workers=options.workers,
    )

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            for _ in loader:
                pass
        mx.nd.waitall()
        return time.perf_counter() - begun

    work(1)
    serve({"images": len(data) // options.batch_size * options.batch_size}, work)


if __name__ == "__main__":
    main()
