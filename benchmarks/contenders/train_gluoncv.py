"""The step of GluonCV's SSD training script; run by train_speed.py with a Python that has gluoncv.

Its own network of the same trunk (ssd_512_resnet18_v1_voc's, at our input size), its own loss,
hybridised, trained by its own loop: record, SSDMultiBoxLoss, autograd.backward, trainer.step.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from side_by_side import serve

import densefit  # noqa: F401  for MXNet to work with this numpy
from densefit.backend import mx

import gluoncv as gcv  # isort: skip
from gluoncv.data.transforms.presets.ssd import SSDDefaultTrainTransform  # isort: skip

WARM_UP = 3


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--batch-size", type=int, default=8)
    options = parser.parse_args()
    net = gcv.model_zoo.get_model("ssd_512_resnet18_v1_voc", pretrained_base=False)
    net.initialize()
    net.reset_class(["a", "b", "c"])
    net.hybridize(static_alloc=True, static_shape=True)
    height, width = options.height, options.width
    with mx.autograd.train_mode():
        _, _, anchors = net(mx.nd.zeros((1, 3, height, width)))
    transform = SSDDefaultTrainTransform(width, height, anchors)
    rng = np.random.default_rng(0)
    images, classes, boxes = [], [], []
    for _ in range(options.batch_size):
        corner = rng.uniform(0, 0.8, (15, 2)) * (width, height)
        other = (corner + rng.uniform(25, 80, (15, 2))).clip(0, (width, height))
        truth = np.concatenate([corner, other, rng.integers(0, 3, (15, 1))], 1)
        picture = mx.nd.array(rng.integers(0, 256, (height, width, 3)), dtype="uint8")
        image, class_target, box_target = transform(picture, truth)
        images.append(image)
        classes.append(class_target)
        boxes.append(box_target)
    data, class_targets, box_targets = (mx.nd.stack(*arrays) for arrays in (images, classes, boxes))
    trainer = mx.gluon.Trainer(
        net.collect_params(), "sgd", {"learning_rate": 1e-3, "wd": 5e-4, "momentum": 0.9}
    )
    loss = gcv.loss.SSDMultiBoxLoss()

    def update() -> Any:
        with mx.autograd.record():
            class_rows, box_rows, _ = net(data)
            total, _, _ = loss([class_rows], [box_rows], [class_targets], [box_targets])
            mx.autograd.backward(total)
        trainer.step(1)

    for _ in range(WARM_UP):
        update()
    mx.nd.waitall()

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            update()
        mx.nd.waitall()
        return time.perf_counter() - begun

    trained = net.collect_params().values()
    parameters = sum(int(np.prod(one.shape)) for one in trained if one.grad_req != "null")
    serve({"parameters": parameters}, work)


if __name__ == "__main__":
    main()
