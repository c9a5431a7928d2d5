"""How far two engines agree, for every built-in network.

    python benchmarks/engine_parity.py [--networks "resnet18 detection"] [--updates 50]
        [--engines mxnet torch]

Both engines begin with the same parameters and compute the same batches of generated shapes. The
columns are relative differences, the largest of an array over its largest number (at least 1e-3):

- outputs of the eval graph, without the largest percent: peaks that are equal but for rounding
  change places;
- losses, and BatchNorm's moving statistics after one update;
- the gradient's norm, with softplus for ReLU and averages for maxima (see parity_networks.py);
- the mean loss of each of some updates with Adam, as in the recipe of the shapes: of the network,
  where an activation near 0 flips sooner or later, and of the smooth one.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from parity_networks import Pictures, networks, smooth_copy

import densefit as df
from densefit.engine import make
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.engine.settings import BindSettings, OptimizerSettings

BATCH = 4
COLUMNS = ("outputs", "losses", "gradient", "statistics", "updates", "smooth updates")
Values = Mapping[str, Mapping[str, np.ndarray]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="", help="part of the names of networks")
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--engines", nargs=2, default=["mxnet", "torch"])
    parser.add_argument("--smallest", action="store_true", help="one network, two updates")
    options = parser.parse_args(arguments)
    if options.smallest:
        options.networks, options.updates = "resnet18 classification", 2
    logging.getLogger("densefit").setLevel(logging.ERROR)  # not of rare classes
    print(f"{'network':32}" + "".join(f"{column:>15}" for column in COLUMNS) + f"{'seconds':>9}")
    worst = dict.fromkeys(COLUMNS, 0.0)
    for name, network in networks(options.networks):
        began = time.perf_counter()
        row = compare(network, options.engines, options.updates)
        worst = {column: max(worst[column], row[column]) for column in COLUMNS}
        seconds = f"{time.perf_counter() - began:>9.1f}"
        print(f"{name:32}" + "".join(f"{row[c]:>15.1e}" for c in COLUMNS) + seconds, flush=True)
    print(f"{'largest':32}" + "".join(f"{worst[column]:>15.1e}" for column in COLUMNS))


def compare(network: df.Network, engines: Sequence[str], updates: int) -> dict[str, float]:
    """Relative differences by column.

    Args:
        network: network without parameters.
        engines: names of two engines.
        updates: number of updates to train.
    """
    learner, _ = _bound(network, engines[0])
    learner.release()
    values: Values = {
        "parameters": dict(network.parameters),
        "statistics": dict(network.statistics),
    }
    first = [_passes(_copy(network, values), engine) for engine in engines]
    smooth = [_passes(smooth_copy(network, values), engine) for engine in engines]
    trained, smoothly = (
        [_trained(copy(network, values), engine, updates) for engine in engines]
        for copy in (_copy, smooth_copy)
    )
    return {
        "outputs": _difference([result["outputs"] for result in first], share=0.99),
        "losses": _difference([result["losses"] for result in first]),
        "gradient": _difference([result["norm"] for result in smooth]),
        "statistics": _difference([result["statistics"] for result in first]),
        "updates": _difference(trained),
        "smooth updates": _difference(smoothly),
    }


def _copy(network: df.Network, values: Values) -> df.Network:
    copy = df.Network.from_spec(network.spec or {})
    copy.set_params(values["parameters"], values["statistics"])
    return copy


def _bound(network: df.Network, engine: str) -> tuple[Engine, BatchReader]:
    reader = BatchReader(_loader(network), list(network.adapters.values()), "train")
    learner = make(network, engine=engine)
    learner.bind(reader, BindSettings(seed=0))
    return learner, reader


def _loader(network: df.Network, length: int = BATCH) -> df.Loader:
    return df.Loader(
        Pictures(length), batch_size=BATCH, heads=network.heads, workers=0, last="drop"
    )


def _passes(network: df.Network, engine: str) -> dict[str, dict[str, np.ndarray]]:
    """Outputs, losses, norm of the gradient, and statistics after a pass, of one engine."""
    learner, reader = _bound(network, engine)
    ((_, outputs),) = learner.evaluate(reader)
    (batch,) = reader.batches()
    before = {name: value.copy() for name, value in network.statistics.items()}
    learner.compute(batch)
    losses, norm = learner.outputs(), learner.gradients.norm()
    learner.settle()
    moved = {
        key.partition(":")[2]: value - before[key.partition(":")[2]]
        for key, value in learner.parameters.training_values().items()
        if key.startswith("aux:")
    }
    learner.release()
    numbers = {"norm": np.array([norm])}
    return {"outputs": outputs, "losses": losses, "norm": numbers, "statistics": moved}


def _trained(network: df.Network, engine: str, updates: int) -> dict[str, np.ndarray]:
    """Mean loss of each update of a training."""
    reader = BatchReader(_loader(network, 4 * BATCH), list(network.adapters.values()), "train")
    learner = make(network, engine=engine)
    learner.bind(reader, BindSettings(seed=0))
    settings = OptimizerSettings("adam", {"wd": 1e-4}, has_schedule=True)
    learner.check_optimizer(settings, BATCH, 1)
    learner.start_optimizer(settings)
    schedule = df.Cosine(lr=2e-3, warmup="5%").resolve(updates)
    batches = list(reader.batches())
    losses = []
    for update in range(updates):
        learner.seed(0, 0, update + 1)
        learner.compute(batches[update % len(batches)])
        losses.append(sum(float(values.mean()) for values in learner.outputs().values()))
        learner.update(schedule(update), updates=update)
    learner.release()
    return {"losses": np.array(losses)}


def _difference(results: Sequence[Mapping[str, Any]], share: float = 1.0) -> float:
    """Largest relative difference of all arrays, of a share of their numbers."""
    first, second = results
    worst = 0.0
    for name, array in first.items():
        expected, received = np.asarray(array, np.float64), np.asarray(second[name], np.float64)
        scale = max(float(np.abs(expected).max(initial=0.0)), 1e-3)
        if expected.size:
            worst = max(worst, float(np.quantile(np.abs(expected - received), share)) / scale)
    return worst


if __name__ == "__main__":
    main()
