"""Bilinear enlargement by 4, forward and backward: our two matrix products beside MXNet's ways.

python benchmarks/upsampling.py
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from densefit.backend import mx
from densefit.model.layers import upsample

BATCH, CHANNELS, HEIGHT, WIDTH, FACTOR = 8, 64, 15, 20, 4


def main() -> None:
    """Measure and print a table."""
    data = mx.sym.Variable("data")
    size, out = (HEIGHT, WIDTH), (HEIGHT * FACTOR, WIDTH * FACTOR)
    ways = {
        "two matrix products (ours)": upsample(data, FACTOR, size, out),
        "BilinearResize2D": mx.sym.contrib.BilinearResize2D(
            data, height=out[0], width=out[1], align_corners=False
        ),
        "Deconvolution, depthwise": mx.sym.Deconvolution(
            data,
            kernel=(2 * FACTOR, 2 * FACTOR),
            stride=(FACTOR, FACTOR),
            pad=(FACTOR // 2, FACTOR // 2),
            num_filter=CHANNELS,
            num_group=CHANNELS,
            no_bias=True,
        ),
    }
    print(
        f"({BATCH}, {CHANNELS}, {HEIGHT}, {WIDTH}) enlarged by {FACTOR}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}"
    )
    for name, symbol in ways.items():
        executor = symbol.simple_bind(mx.cpu(), data=(BATCH, CHANNELS, HEIGHT, WIDTH))
        print(f"{name:28} {1e3 * statistics.median(seconds(executor) for _ in range(20)):8.2f} ms")


def seconds(executor: Any) -> float:
    """Wall seconds of one forward and backward."""
    started = time.perf_counter()
    outputs = executor.forward(is_train=True)
    executor.backward(mx.nd.ones(outputs[0].shape))
    mx.nd.waitall()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
