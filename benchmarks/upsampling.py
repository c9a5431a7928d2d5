"""Bilinear enlargement by 4, forward and backward: our two matrix products beside MXNet's ways.

python benchmarks/upsampling.py [--smallest]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

from densefit.backend import mx
from densefit.model.layers import upsample

BATCH, CHANNELS, HEIGHT, WIDTH, FACTOR = 8, 64, 15, 20, 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    smallest = parser.parse_args(arguments).smallest
    batch, channels, rounds = (1, 2, 1) if smallest else (BATCH, CHANNELS, 20)
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
            num_filter=channels,
            num_group=channels,
            no_bias=True,
        ),
    }
    print(
        f"({batch}, {channels}, {HEIGHT}, {WIDTH}) enlarged by {FACTOR}, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}"
    )
    for name, symbol in ways.items():
        executor = symbol.simple_bind(mx.cpu(), data=(batch, channels, HEIGHT, WIDTH))
        times = [seconds(executor) for _ in range(rounds)]
        print(f"{name:28} {1e3 * statistics.median(times):8.2f} ms")


def seconds(executor: Any) -> float:
    """Wall seconds of one forward and backward."""
    started = time.perf_counter()
    outputs = executor.forward(is_train=True)
    executor.backward(mx.nd.ones(outputs[0].shape))
    mx.nd.waitall()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
