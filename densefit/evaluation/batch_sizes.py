"""Sizes of batches in which an image's outputs have the same bits, whatever else is in the batch.

Libraries choose their kernels by the shapes of arrays, and a kernel may add in another order at the
edge of a block: outputs of an image then depend on the size of its batch, and on its place there.
What a network does on a machine is measured here, rather than assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.data.sample import Geometry
from densefit.evaluation.image_fit import FittedImage
from densefit.evaluation.predictor import Predictor


@dataclass(frozen=True)
class BatchSizes:
    """Numbers of rows of batches that give equal bits, ascending.

    >>> BatchSizes((1, 4)).parts(6), BatchSizes((4,)).parts(6)
    ([(4, 4), (1, 1), (1, 1)], [(4, 4), (2, 4)])
    """

    rows: tuple[int, ...] = (1,)

    @property
    def most(self) -> int:
        """Rows of the largest batch."""
        return self.rows[-1]

    def parts(self, count: int) -> list[tuple[int, int]]:
        """Divide images into batches: (images, rows) each; rows without an image are filled up."""
        parts = []
        while count:
            fitting = [rows for rows in self.rows if rows <= count]
            rows = fitting[-1] if fitting else self.rows[0]
            parts.append((min(rows, count), rows))
            count -= parts[-1][0]
        return parts


def equal_batch_sizes(
    predictor: Predictor, input_size: tuple[int, int], most: int, prefers_large: bool = False
) -> BatchSizes:
    """Measure which sizes, of the powers of two up to `most`, give equal bits.

    Each of several images is computed at each place of a batch, among different neighbours.

    Args:
        predictor: computes.
        input_size: (height, width) of the network's input.
        most: largest number of rows.
        prefers_large: whether the result contains the largest size whose places agree, as GPUs
            need; else it contains 1.
    """
    sizes = [1 << power for power in range(most.bit_length())]
    images = _images(input_size, sizes[-1])
    bits = {rows: _bits(predictor, images[:rows], rows) for rows in sizes}
    reference = max(rows for rows in sizes if bits[rows] is not None) if prefers_large else 1
    expected = bits[reference] or []
    equal = [
        rows
        for rows, found in bits.items()
        if found is not None and all(a == b for a, b in zip(found, expected))
    ]
    return BatchSizes(tuple(equal))


def _bits(predictor: Predictor, images: Sequence[FittedImage], rows: int) -> list[bytes] | None:
    """Outputs of each image as bytes; None if they depend on its place."""
    found: list[bytes] = [b""] * rows
    for shift in range(rows):
        order = [(place + shift) % rows for place in range(rows)]
        outputs = predictor.outputs([images[index] for index in order], rows)
        for place, index in enumerate(order):
            bits = b"".join(
                np.ascontiguousarray(array.reshape(rows, -1)[place]).tobytes()
                for array in outputs.values()
            )
            if shift and found[index] != bits:
                return None
            found[index] = bits
    return found


def _images(size: tuple[int, int], count: int) -> list[FittedImage]:
    """Different images: noise, on gradients of different directions."""
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(*(np.linspace(0, 1, side) for side in size), indexing="ij")
    images = []
    for _ in range(count):
        slope, noise = rng.normal(0, 90, (2, 3)), rng.normal(0, 40, (3, *size))
        smooth = slope[0][:, None, None] * y + slope[1][:, None, None] * x
        row = (128 + smooth + noise).clip(0, 255).astype(np.uint8)
        images.append(FittedImage(size, [row], [Geometry.identity(*size)]))
    return images
