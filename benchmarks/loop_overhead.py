"""What the loop costs: seconds per update of `fit` and of MXNet's `Module.fit` over a bare loop.

    python benchmarks/loop_overhead.py [--rounds 9] [--updates 40] [--network resnet18|small]
    python benchmarks/loop_overhead.py --smallest

All three train the same symbol on the same batches, with the same optimizer; both fits keep an
accuracy, the bare loop (forward, backward, update) keeps nothing. A round runs each of them once,
in rotating order; the ratio of a round compares neighbours in time, and the median over rounds is
reported. Binding and the first updates are not counted.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import densefit as df
from densefit.backend import mx

WARM_UP = 5


def small(classes: int) -> Any:
    """A few convolutions: an update takes some ten milliseconds, so overhead shows."""
    x = mx.sym.Variable("data")
    for index, channels in enumerate((32, 64, 64)):
        x = mx.sym.Convolution(
            x, num_filter=channels, kernel=(3, 3), pad=(1, 1), name=f"conv{index}"
        )
        x = mx.sym.Activation(mx.sym.BatchNorm(x, name=f"bn{index}"), act_type="relu")
        x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")
    x = mx.sym.FullyConnected(mx.sym.flatten(x), num_hidden=classes, name="dense")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def resnet18(classes: int) -> Any:
    """ResNet-18 with a classifier."""
    from densefit.model.backbones import backbones

    x = backbones.create("resnet18").features(mx.sym.Variable("data"), (64, 64), 32).maps[32]
    x = mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1))
    x = mx.sym.FullyConnected(mx.sym.flatten(x), num_hidden=classes, name="dense")
    return mx.sym.SoftmaxOutput(x, name="softmax")


NETWORKS: dict[str, tuple[Callable[[int], Any], int, int]] = {
    "small": (small, 32, 32),  # builder, picture side, batch size
    "resnet18": (resnet18, 64, 16),
}


class Timer(df.Callback):
    """Seconds between the end of the warm-up and the end of the last update."""

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.seconds = 0.0
        self._started = 0.0

    def update_ended(self, state: Any, control: Any) -> None:
        """Read the clock where it counts, when the engine is done."""
        if state.update == WARM_UP:
            mx.nd.waitall()
            self._started = time.perf_counter()
        elif state.update == self.updates:
            mx.nd.waitall()
            self.seconds = time.perf_counter() - self._started


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--network", choices=NETWORKS, default="small")
    parser.add_argument("--smallest", action="store_true", help="a few seconds, to try the program")
    options = parser.parse_args(arguments)
    build, side, batch_size = NETWORKS[options.network]
    if options.smallest:
        options.rounds, options.updates, batch_size = 1, 2, 2
    updates = options.updates + WARM_UP
    rng = np.random.default_rng(0)
    data = rng.normal(size=(updates * batch_size, 3, side, side)).astype(np.float32)
    label = rng.integers(0, 10, updates * batch_size).astype(np.float32)
    symbol = build(10)
    settings = {"momentum": 0.9, "learning_rate": 0.01}

    def batches() -> Any:
        return mx.io.NDArrayIter(data, label, batch_size)

    def bare() -> float:
        iterator = batches()
        module = mx.mod.Module(symbol)
        module.bind(iterator.provide_data, iterator.provide_label)
        module.init_params(mx.init.Xavier())
        module.init_optimizer(optimizer="sgd", optimizer_params=settings)
        started = 0.0
        for index, batch in enumerate(iterator):
            if index == WARM_UP:
                mx.nd.waitall()
                started = time.perf_counter()
            module.forward_backward(batch)
            module.update()
        mx.nd.waitall()
        return (time.perf_counter() - started) / options.updates

    def theirs() -> float:
        started = 0.0

        def batch_end(param: Any) -> None:
            nonlocal started
            if param.nbatch == WARM_UP - 1:
                mx.nd.waitall()
                started = time.perf_counter()
            elif param.nbatch == updates - 1:
                mx.nd.waitall()
                ended.append(time.perf_counter())

        ended: list[float] = []
        mx.mod.Module(symbol, logger=logging.getLogger("quiet")).fit(
            batches(),
            eval_metric="acc",
            initializer=mx.init.Xavier(),
            optimizer="sgd",
            optimizer_params=settings,
            num_epoch=1,
            batch_end_callback=batch_end,
        )
        return (ended[0] - started) / options.updates

    def ours() -> float:
        clock = Timer(updates)
        df.fit(
            symbol,
            batches(),
            epochs=1,
            optimizer="sgd",
            optimizer_params=settings,
            callbacks=[clock],
            heads={
                "picture": df.Route(
                    outputs=["softmax"], labels=["softmax_label"], metrics=["accuracy"]
                )
            },
        )
        return clock.seconds / options.updates

    contenders = {"bare loop": bare, "densefit.fit": ours, "Module.fit": theirs}
    names = list(contenders)
    for name in names:
        contenders[name]()  # memory pools, thread pools
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(options.rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            seconds[name].append(contenders[name]())
    print(
        f"{options.network}, {side}x{side}, batch {batch_size}, {options.updates} updates, "
        f"{options.rounds} rounds, {os.cpu_count()} cores, "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}"
    )
    print(f"{'':14} {'ms/update':>10} {'over bare':>10} {'(quartiles)':>16}")
    for name in names:
        ratios = [run / base for run, base in zip(seconds[name], seconds["bare loop"])]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(
            f"{name:14} {1e3 * statistics.median(seconds[name]):10.2f} {middle:10.3f} "
            f"{f'{low:.3f} .. {high:.3f}':>16}"
        )


if __name__ == "__main__":
    main()
