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

    Each of several images is computed at each place of a batch, among different neighbours. Of
    several groups of sizes that agree, the one that spans most is taken: 2, 4 and 8, say, where a
    batch of 1 has other bits.

    Args:
        predictor: computes.
        input_size: (height, width) of the network's input.
        most: largest number of rows.
        prefers_large: take the group of the largest size whose places agree, as GPUs need, which
            fill a batch in no time.
    """
    sizes = [1 << power for power in range(most.bit_length())]
    images = _images(input_size, sizes[-1])
    groups: list[dict[int, list[bytes]]] = []
    for rows in sizes:
        bits = _bits(predictor, images[:rows], rows)
        if bits is None:
            continue
        for group in groups:
            if all(a == b for by_image in group.values() for a, b in zip(by_image, bits)):
                group[rows] = bits
                break
        else:
            groups.append({rows: bits})
    spans = [tuple(group) for group in groups]  # that of 1 is the first
    return BatchSizes(max(spans, key=max if prefers_large else lambda rows: rows[-1] / rows[0]))


def _bits(predictor: Predictor, images: Sequence[FittedImage], rows: int) -> list[bytes] | None:
    """Outputs of each image as bytes; None if they depend on its place."""
    by_image: list[bytes] = [b""] * rows
    for shift in range(rows):
        order = [(position + shift) % rows for position in range(rows)]
        outputs = predictor.outputs([images[index] for index in order], rows)
        for position, index in enumerate(order):
            bits = b"".join(
                np.ascontiguousarray(array.reshape(rows, -1)[position]).tobytes()
                for array in outputs.values()
            )
            if shift and by_image[index] != bits:
                return None
            by_image[index] = bits
    return by_image


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
