"""What each transform costs alone, and what it saves to join neighbours into one warp.

python benchmarks/transforms_speed.py [--smallest]

Nothing else should run meanwhile. One thread; medians, on a picture of 480 x 360 with boxes,
keypoints, a mask, a map of instances and depths.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from densefit.data.sample import Sample
from densefit.data.transforms import (
    Compose,
    Letterbox,
    RandomAffine,
    RandomFlip,
    RandomPerspective,
    RandomScaleCrop,
    Resize,
    transforms,
)
from densefit.data.transforms.extra_samples import apply_transform
from densefit.datasets import Shapes

CONSOLE = Console(width=100)
SIZE = {"height": 300, "width": 300}
SETTINGS: dict[str, dict[str, Any]] = {
    "color_jitter": {},
    "copy_paste": {"p": 1.0, "drop": ["label"]},
    "cutout": {"p": 1.0},
    "letterbox": SIZE,
    "mixup": {"p": 1.0, "drop": ["label", "mask", "instances", "depth"]},
    "mosaic": {**SIZE, "p": 1.0, "drop": ["label"]},
    "random_affine": {},
    "random_blur": {"p": 1.0},
    "random_box_crop": {},
    "random_crop": SIZE,
    "random_erase": {"p": 1.0},
    "random_expand": {"p": 1.0},
    "random_flip": {"p": 1.0},
    "random_gray": {"p": 1.0},
    "random_jpeg": {"p": 1.0},
    "random_mask_crop": {**SIZE, "focus": 0.5},
    "random_motion_blur": {"p": 1.0},
    "random_noise": {"p": 1.0},
    "random_perspective": {"p": 1.0},
    "random_rotate90": {},
    "random_scale": {},
    "random_scale_crop": SIZE,
    "resize": SIZE,
    "resize_side": {"short": 300},
}
ROWS = {
    "affine, letterbox": [RandomAffine(), Letterbox(300, 300)],
    "affine, flip, stretch": [RandomAffine(), RandomFlip(1.0), Resize(300, 300)],
    "stretch, affine, flip": [Resize(300, 300), RandomAffine(), RandomFlip(1.0)],
    "perspective, flip, letterbox": [
        RandomPerspective(p=1.0),
        RandomFlip(1.0),
        Letterbox(300, 300),
    ],
    "scale and crop, flip": [RandomScaleCrop(300, 300), RandomFlip(1.0)],
}


class InARow:
    """Steps one after the other, none of them joined."""

    def __init__(self, steps: Sequence[Callable[..., Sample]]) -> None:
        self.steps = steps

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample after each step."""
        for step in self.steps:
            sample = step(sample, rng)
        return sample


def picture(index: int) -> Sample:
    """A sample with all that a transform may have to move."""
    sample = Shapes(4, size=(360, 480), empty=0.0, max_objects=8, keypoints=True)[index]
    sample.targets["depth"] = np.ones((360, 480), np.float32)
    return sample


def milliseconds(transform: Callable[..., Sample], rounds: int) -> float:
    """The median over calls with different chance."""
    samples = [picture(index) for index in range(4)]
    spent = []
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        started = time.perf_counter()
        apply_transform(transform, samples[0], rng, lambda count: samples[1 : 1 + count])
        spent.append(time.perf_counter() - started)
    return 1e3 * statistics.median(spent)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.rounds = 1
    cv2.setNumThreads(0)
    cores = os.cpu_count()
    CONSOLE.print(f"{platform.processor() or platform.machine()}, {cores} cores, one thread")
    table = Table("transform", "ms")
    for name, settings in sorted(SETTINGS.items()):
        spent = milliseconds(transforms.create(name, **settings), options.rounds)
        table.add_row(name, f"{spent:.2f}")
    CONSOLE.print(table)
    table = Table("row", "one by one, ms", "as Compose does it, ms")
    for name, steps in ROWS.items():
        both = [milliseconds(way, options.rounds) for way in (InARow(steps), Compose(steps))]
        table.add_row(name, *(f"{spent:.2f}" for spent in both))
    CONSOLE.print(table)


if __name__ == "__main__":
    main()
