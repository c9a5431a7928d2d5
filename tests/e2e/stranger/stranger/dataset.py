"""Pictures of one bar each."""

import zlib

import cv2
import numpy as np

import densefit as df
from densefit.data.sample import datasets


@datasets.register("bars")
class Bars:
    """A bar through the middle of each picture.

    The target `angle` is in degrees, 0 to 180; `label` is whether the bar rises or falls, and
    `lean` whether it is nearer to standing or to lying.
    """

    classes = ()
    label_classes = ("falling", "rising")  # y grows downwards
    lean_classes = ("lying", "standing")

    def __init__(self, length=48, split="train"):
        self.length, self.split = length, split

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"{self.split}-{index:03d}"

    def __getitem__(self, index):
        rng = np.random.default_rng((zlib.crc32(self.split.encode()), index))
        angle = rng.uniform(0, 180)
        turned = np.deg2rad(angle)
        end = np.array([np.cos(turned), np.sin(turned)]) * 12
        image = rng.integers(0, 60, (32, 32, 3), np.uint8)
        points = [np.rint(16 + sign * end).astype(int).tolist() for sign in (-1, 1)]
        cv2.line(image, points[0], points[1], (220, 200, 60), 4)
        targets = {
            "angle": np.float32(angle),
            "label": np.array(angle >= 90, np.int64),
            "lean": np.array(45 <= angle < 135, np.int64),
        }
        return df.Sample(self.id_of(index), image, targets)
