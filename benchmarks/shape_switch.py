"""What it costs a training that batches change their shapes: milliseconds an update.

    python benchmarks/shape_switch.py [--updates 60] [--rounds 3]
    python benchmarks/shape_switch.py --smallest

A network of 20 convolutions trains on pictures of one size, of two in turn, and of sizes that are
all different, by the calls of Module.fit and by `df.fit`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import densefit as df
from densefit.backend import mx

SIDE = 64
WARM_UP = 10  # updates that are not counted


def network(depth: int) -> Any:
    """Build convolutions with BatchNorm and ReLU, and a classifier of two classes."""
    x = mx.sym.Variable("data")
    for number in range(depth):
        x = mx.sym.Convolution(
            x, num_filter=16, kernel=(3, 3), pad=(1, 1), name=f"conv{number}", no_bias=True
        )
        x = mx.sym.BatchNorm(x, fix_gamma=False, name=f"norm{number}")
        x = mx.sym.Activation(x, act_type="relu")
    x = mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1))
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="fc"), name="softmax")


class Pictures(mx.io.DataIter):  # type: ignore[misc]
    """One square picture a batch.

    Args:
        sides: of the pictures, in order.
    """

    def __init__(self, sides: Sequence[int]) -> None:
        super().__init__(1)
        self.sides, self.position = sides, 0
        self.provide_data = [mx.io.DataDesc("data", (1, 3, SIDE, SIDE))]
        self.provide_label = [mx.io.DataDesc("softmax_label", (1,))]
        self.batches = {side: mx.nd.array(np.random.rand(1, 3, side, side)) for side in set(sides)}
        self.label = mx.nd.zeros((1,))

    def reset(self) -> None:
        """Begin an epoch."""
        self.position = 0

    def next(self) -> Any:
        """Give the next batch."""
        if self.position == len(self.sides):
            raise StopIteration
        data = self.batches[self.sides[self.position]]
        self.position += 1
        return mx.io.DataBatch(
            [data],
            [self.label],
            provide_data=[mx.io.DataDesc("data", data.shape)],
            provide_label=self.provide_label,
        )


def by_module(sides: Sequence[int], depth: int) -> list[float]:
    """Seconds of each update of MXNet's Module."""
    data = Pictures(sides)
    module = mx.mod.Module(network(depth))
    module.bind(data.provide_data, data.provide_label)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.01})
    seconds = []
    for batch in data:
        started = time.perf_counter()
        module.forward_backward(batch)
        module.update()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - started)
    return seconds


class Clock(df.Callback):
    """Keep the seconds of each update."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.last = 0.0

    def epoch_started(self, state: Any, control: Any) -> None:
        """Read the clock before the first update."""
        self.last = time.perf_counter()

    def update_ended(self, state: Any, control: Any) -> None:
        """Read the clock when the device is done."""
        mx.nd.waitall()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now


def by_densefit(sides: Sequence[int], depth: int) -> list[float]:
    """Seconds of each update of `df.fit`."""
    clock = Clock()
    df.fit(
        network(depth),
        Pictures(sides),
        epochs=1,
        callbacks=[clock],
        heads={"softmax": df.Route(["softmax"])},
        optimizer_params={"learning_rate": 0.01},
    )
    return clock.seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table in markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.updates, options.rounds = WARM_UP + 2, 1
    count, depth = options.updates, 2 if options.smallest else 20
    kinds = {
        "one size": [SIDE] * count,
        "two sizes in turn": [SIDE, SIDE + 8] * (count // 2),
        "sizes all different": [SIDE + number for number in range(count)],
    }
    print("| batches | Module, ms | densefit, ms |\n|---|---|---|")
    for name, sides in kinds.items():
        cells = []
        for train in (by_module, by_densefit):
            runs = [1000 * np.median(train(sides, depth)[WARM_UP:]) for _ in range(options.rounds)]
            cells.append(f"{np.median(runs):.1f} ({min(runs):.1f} to {max(runs):.1f})")
        print(f"| {name} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
