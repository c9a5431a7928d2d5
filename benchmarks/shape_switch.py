"""What it costs a training that batches change their shapes: milliseconds an update.

`python benchmarks/shape_switch.py` trains a network of 20 convolutions on pictures of one size, of
two in turn, and of sizes that were never met, by Module.fit's own calls and by densefit's.
"""

import argparse
import time

import mxnet as mx
import numpy as np

import densefit as df

SIDE = 64


def network():
    x = mx.sym.Variable("data")
    for number in range(20):
        x = mx.sym.Convolution(
            x, num_filter=16, kernel=(3, 3), pad=(1, 1), name=f"conv{number}", no_bias=True
        )
        x = mx.sym.BatchNorm(x, fix_gamma=False, name=f"norm{number}")
        x = mx.sym.Activation(x, act_type="relu")
    x = mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1))
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=2, name="fc"), name="softmax")


class Pictures(mx.io.DataIter):
    """One picture a batch, of the given sides."""

    def __init__(self, sides):
        super().__init__(1)
        self.sides, self.at = sides, 0
        self.provide_data = [mx.io.DataDesc("data", (1, 3, SIDE, SIDE))]
        self.provide_label = [mx.io.DataDesc("softmax_label", (1,))]
        self.batches = {side: mx.nd.array(np.random.rand(1, 3, side, side)) for side in set(sides)}
        self.label = mx.nd.zeros((1,))

    def reset(self):
        self.at = 0

    def next(self):
        if self.at == len(self.sides):
            raise StopIteration
        data = self.batches[self.sides[self.at]]
        self.at += 1
        return mx.io.DataBatch(
            [data],
            [self.label],
            provide_data=[mx.io.DataDesc("data", data.shape)],
            provide_label=self.provide_label,
        )


def by_module(sides):
    """Seconds of each update."""
    data = Pictures(sides)
    module = mx.mod.Module(network())
    module.bind(data.provide_data, data.provide_label)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.01})
    seconds = []
    for batch in data:
        begun = time.perf_counter()
        module.forward_backward(batch)
        module.update()
        mx.nd.waitall()
        seconds.append(time.perf_counter() - begun)
    return seconds


class Clock(df.Callback):
    def __init__(self):
        self.seconds, self.last = [], None

    def epoch_started(self, state, control):
        self.last = time.perf_counter()

    def update_ended(self, state, control):
        mx.nd.waitall()
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now


def by_densefit(sides):
    """Seconds of each update."""
    clock = Clock()
    df.fit(
        network(), Pictures(sides), epochs=1, callbacks=[clock],
        heads={"softmax": df.Route(["softmax"])}, optimizer_params={"learning_rate": 0.01},
    )  # fmt: skip
    return clock.seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    count = given.updates
    kinds = {
        "one size": [SIDE] * count,
        "two sizes in turn": [SIDE, SIDE + 8] * (count // 2),
        "sizes never met before": [SIDE + number for number in range(count)],
    }
    print("| batches | Module, ms | densefit, ms |\n|---|---|---|")
    for name, sides in kinds.items():
        cells = []
        for train in (by_module, by_densefit):
            runs = [np.median(train(sides)[10:]) * 1000 for _ in range(given.rounds)]
            cells.append(f"{np.median(runs):.1f} ({min(runs):.1f} to {max(runs):.1f})")
        print(f"| {name} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
