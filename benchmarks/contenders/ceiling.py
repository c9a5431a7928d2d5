"""The rate of the fastest single convolution, forward and backward, in Gflop/s."""

from __future__ import annotations

import sys
import time

import numpy as np

import densefit  # noqa: F401
from densefit.backend import mx

# channels in, channels out, side, batch: as in ResNets
SHAPES = ((64, 64, 56, 16), (128, 128, 28, 16), (256, 256, 14, 16), (512, 512, 14, 16))
SMALLEST = ((4, 4, 8, 1),)
ROUNDS, REPEATS = 5, 4


def rate(inputs: int, outputs: int, side: int, batch: int) -> float:
    """Gflop/s of a 3x3 convolution, the best of some rounds."""
    symbol = mx.sym.Convolution(
        mx.sym.Variable("data"), kernel=(3, 3), pad=(1, 1), num_filter=outputs, no_bias=True
    )
    executor = symbol.simple_bind(mx.cpu(), data=(batch, inputs, side, side))
    for array in executor.arg_arrays:
        array[:] = np.random.default_rng(0).normal(size=array.shape)
    gradient = [mx.nd.ones((batch, outputs, side, side))]
    best = float("inf")
    for _ in range(1 + ROUNDS):
        mx.nd.waitall()
        begun = time.perf_counter()
        for _ in range(REPEATS):
            executor.forward(is_train=True)
            executor.backward(gradient)
        mx.nd.waitall()
        best = min(best, (time.perf_counter() - begun) / REPEATS)
    return 3 * 2 * 9 * inputs * outputs * side**2 * batch / best / 1e9


if __name__ == "__main__":
    shapes = SMALLEST if "--smallest" in sys.argv[1:] else SHAPES
    print(max(rate(*shape) for shape in shapes))
