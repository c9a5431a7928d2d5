"""Random crop and zoom-out for detection, after SSD (Liu et al. 2016, arXiv:1512.02325)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from densefit.data.geometry.box_members import box_names
from densefit.data.geometry.image_ops import GREY, Fill, crop, fill_repr
from densefit.data.geometry.ops import GeometricOp, GeometricTransform, crop_op, resize_op
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError

_MOST_PIXELS = 2**24  # limit of a canvas, more than any input needs


@transforms.register("random_expand")
class RandomExpand(GeometricTransform):
    """Place the image at random on a canvas up to `max_ratio` larger, with probability `p`.

    Makes small objects (section 3.6 of the paper). The canvas keeps the image's aspect ratio. It
    has at most 2^24 pixels (48 MiB), since 16 times a photograph would be a gigabyte: image and
    canvas are shrunk together to that limit.

    Args:
        max_ratio: largest side of the canvas, as a multiple of the image's, at least 1.
        p: probability, 0 to 1.
        fill: colour of the canvas.
    """

    def __init__(self, max_ratio: float = 4.0, p: float = 0.5, fill: Fill = GREY) -> None:
        self.max_ratio = checked_range("max_ratio", max_ratio, 1.0, 100.0, "RandomExpand")
        self.p = checked_range("p", p, 0.0, 1.0, "RandomExpand")
        self.fill = fill

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the canvas; none with probability 1 - p."""
        if rng.random() >= self.p:
            return []
        ratio = rng.uniform(1.0, self.max_ratio)
        shrunk = min(1.0, math.sqrt(_MOST_PIXELS / (size[0] * size[1])) / ratio)
        height, width = (max(1, math.floor(side * shrunk)) for side in size)
        new_height, new_width = round(height * ratio), round(width * ratio)
        if new_height * new_width > _MOST_PIXELS:  # by rounding
            new_height, new_width = int(height * ratio), int(width * ratio)
        top = int(rng.integers(new_height - height + 1))
        left = int(rng.integers(new_width - width + 1))
        canvas = crop_op(-left, -top, new_width, new_height, self.fill)
        return [canvas] if shrunk == 1 else [resize_op(size, height, width), canvas]

    def __repr__(self) -> str:
        return f"RandomExpand({self.max_ratio}, {self.p}{fill_repr(self.fill)})"


@transforms.register("random_box_crop")
class RandomBoxCrop:
    """Crop a random window that overlaps some box by a minimum IoU drawn from `min_ious`.

    Keeping the whole image, and a window without a minimum IoU, are as likely as each minimum.
    Every window contains the centre of a box that it overlaps enough. Window sides are `min_scale`
    to 1 times the image's, with aspect ratios of 1/2 to 2 times the image's. A box is kept if its
    centre is inside, a crowd if any part is. Images without boxes, or for which none of `attempts`
    windows fits, are not changed.

    Args:
        min_ious: minimum IoUs of the window with a box, 0 to 1.
        min_scale: shortest side of a window, as a share of the image's, above 0 to 1.
        attempts: number of windows that are tried.
    """

    def __init__(
        self,
        min_ious: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
        min_scale: float = 0.3,
        attempts: int = 50,
    ) -> None:
        for value in min_ious:
            checked_range("min_ious", value, 0.0, 1.0, "RandomBoxCrop")
        if not 0 < min_scale <= 1 or attempts < 1:
            raise ConfigError(
                "A window needs a scale within (0, 1], and at least one attempt",
                received=f"min_scale={min_scale}, attempts={attempts}",
                where="RandomBoxCrop",
            )
        self.min_ious = tuple(float(value) for value in min_ious)
        self.min_scale, self.attempts = min_scale, attempts

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop the sample, or return it unchanged."""
        boxes = np.concatenate(
            [sample.targets[name] for name in box_names(sample.targets)]
            or [np.zeros((0, 4), np.float32)]
        )
        choice = int(rng.integers(len(self.min_ious) + 2))
        if len(boxes) == 0 or choice == 0:
            return sample
        min_iou = 0.0 if choice == 1 else self.min_ious[choice - 2]
        height, width = sample.image.shape[:2]
        windows = self._windows(height, width, rng)
        good = (_iou(windows, boxes) >= min_iou) & _holds_centre(windows, boxes)
        fits = np.flatnonzero(good.any(axis=1))
        if len(fits) == 0:
            return sample
        x1, y1, x2, y2 = (int(v) for v in windows[fits[0]])
        return crop(sample, x1, y1, x2 - x1, y2 - y1)

    def _windows(self, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """(attempts, 4) random windows of whole pixels inside the image."""
        scale = rng.uniform(self.min_scale, 1.0, self.attempts)
        # Bound aspect ratios so that both sides stay in [min_scale, 1] of the image's.
        most = np.minimum(1 / scale, scale / self.min_scale) ** 2
        ratio = np.sqrt(rng.uniform(np.maximum(0.5, 1 / most), np.minimum(2.0, most)))
        sides = np.array([[width], [height]])
        least = np.ceil(self.min_scale * sides - 1e-6)
        w, h = np.rint(sides * scale * [ratio, 1 / ratio]).clip(least, sides).astype(np.int64)
        x = rng.integers(width - w + 1)
        y = rng.integers(height - h + 1)
        return np.stack([x, y, x + w, y + h], axis=1)

    def __repr__(self) -> str:
        return f"RandomBoxCrop({self.min_ious}{unusual(RandomBoxCrop, vars(self), ('min_ious',))})"


def _iou(windows: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(w, n) intersection over union of windows (w, 4) with boxes (n, 4)."""
    first, second = windows[:, None].astype(np.float64), boxes[None].astype(np.float64)
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(
        first[..., :2], second[..., :2]
    )
    shared = sides.clip(0).prod(axis=-1)
    total = (first[..., 2:] - first[..., :2]).prod(axis=-1)
    total = total + (second[..., 2:] - second[..., :2]).prod(axis=-1) - shared
    return np.asarray(shared / np.maximum(total, 1e-12))


def _holds_centre(windows: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(w, n) bool, whether the centre of the box is inside the window."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    above = centres[None] >= windows[:, None, :2]
    below = centres[None] <= windows[:, None, 2:]
    return np.asarray((above & below).all(axis=-1))
