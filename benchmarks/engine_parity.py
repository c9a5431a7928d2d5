"""How far two engines agree, for every built-in network.

    python benchmarks/engine_parity.py [--networks "resnet18 detection"] [--updates 50]
        [--engines mxnet torch]

Both engines begin with the same parameters, and with the moving statistics of some batches, and
compute the same batches of generated shapes. The columns are relative differences, the largest of
an array over its largest number (at least 1e-3; of rows of few numbers, such as boxes with scores,
of each column):

- outputs of the eval graph, without the largest percent: peaks that are equal but for rounding
  change places. The places of keypoints' peaks of score 0 are not compared;
- losses, and BatchNorm's moving statistics after one update;
- the gradient's norm, and the largest difference of a parameter's gradient over its norm (at least
  a thousandth of the whole), with softplus for ReLU and averages for maxima (see
  parity_networks.py);
- the mean loss of each of some updates with Adam, as in the recipe of the shapes: of the network,
  where an activation near 0 flips sooner or later, and of the smooth one.

A number that is not finite on one engine only counts as an infinite difference.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from parity_networks import Pictures, networks, smooth_copy
from quiet import errors_only

import densefit as df
from densefit.engine import make
from densefit.engine.batch_reader import BatchReader
from densefit.engine.engine import Engine
from densefit.engine.settings import BindSettings, OptimizerSettings

BATCH = 4
COLUMNS = (
    *("outputs", "losses", "statistics", "norm", "gradients"),
    *("updates", "smooth updates"),
)
#: Passes until the moving statistics are those of the data; 0.9 ** 40 of the initial value is left.
PASSES = 40
#: Peaks of lower scores are alike.
LEAST_SCORE = 1e-6
#: Rate of an update that moves parameters by their gradient, and rounds them away.
RATE = 2.0**20
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
    print(f"{'network':32}" + "".join(f"{column:>15}" for column in COLUMNS) + f"{'seconds':>9}")
    worst = dict.fromkeys(COLUMNS, 0.0)
    for name, network in networks(options.networks):
        began = time.perf_counter()
        with errors_only():
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
    _start(network, engines[0]).release()
    values: Values = {"parameters": dict(network.parameters)}
    settled = _settled(_copy(network, values), engines[0])
    outputs = [_outputs(_copy(network, settled), engine) for engine in engines]
    first, slopes = (
        [_passes(copy(network, values), engine) for engine in engines] for copy in COPIES
    )
    trained, smoothly = (
        [_trained(copy(network, values), engine, updates) for engine in engines] for copy in COPIES
    )
    gradients = [result["gradients"] for result in slopes]
    return {
        "outputs": difference(outputs, share=0.99),
        "losses": difference([result["losses"] for result in first]),
        "statistics": difference([result["statistics"] for result in first]),
        "norm": difference([{"norm": _norm(result.values())} for result in gradients]),
        "gradients": largest_of_norms(*gradients),
        "updates": difference(trained),
        "smooth updates": difference(smoothly),
    }


def _copy(network: df.Network, values: Values) -> df.Network:
    copy = df.Network.from_spec(network.spec or {})
    copy.set_params(values["parameters"], values.get("statistics"))
    return copy


COPIES = (_copy, smooth_copy)


def _loader(network: df.Network, length: int) -> BatchReader:
    loader = df.Loader(
        Pictures(length), batch_size=BATCH, heads=network.heads, workers=0, last="drop"
    )
    return BatchReader(loader, list(network.adapters.values()), "train")


def _start(
    network: df.Network, engine: str, optimizer: str = "adam", length: int = BATCH, **settings: Any
) -> Engine:
    """Bind a network to data, with a new optimizer."""
    learner = make(network, engine=engine)
    learner.bind(_loader(network, length), BindSettings(seed=0))
    chosen = OptimizerSettings(optimizer, settings, has_schedule=True)
    learner.check_optimizer(chosen, BATCH, 1)
    learner.start_optimizer(chosen)
    return learner


def _settled(network: df.Network, engine: str) -> Values:
    """Parameters of a network, and moving statistics of the data.

    With the initial statistics deep networks' activations explode or vanish, and outputs show
    nothing.
    """
    learner = _start(network, engine)
    batches = list(_loader(network, 4 * BATCH).batches())
    for number in range(PASSES):
        learner.compute(batches[number % len(batches)])
        learner.outputs()
    learner.settle()
    values = learner.parameters.training_values()
    learner.release()
    return {
        kind: {
            key.partition(":")[2]: value for key, value in values.items() if key.startswith(prefix)
        }
        for kind, prefix in (("parameters", "arg:"), ("statistics", "aux:"))
    }


def _outputs(network: df.Network, engine: str) -> dict[str, np.ndarray]:
    """Outputs of the eval graph."""
    learner = make(network, engine=engine)
    ((_, outputs),) = learner.evaluate(_loader(network, BATCH))
    learner.release()
    for name, array in outputs.items():
        if name.endswith("_peaks"):
            array[array[..., 2] < LEAST_SCORE] = 0
    return outputs


def _passes(network: df.Network, engine: str) -> dict[str, dict[str, np.ndarray]]:
    """Losses, gradients and moves of the statistics, of a pass of one engine."""
    learner = _start(network, engine, "sgd")
    (batch,) = _loader(network, BATCH).batches()
    before = learner.parameters.training_values()
    learner.compute(batch)
    losses = learner.outputs()
    learner.update(RATE)
    learner.settle()
    moves = {
        key: np.asarray(value, np.float64) - before[key]
        for key, value in learner.parameters.training_values().items()
    }
    learner.release()
    return {
        "losses": losses,
        "statistics": {key: move for key, move in moves.items() if key.startswith("aux:")},
        "gradients": {key: move / RATE for key, move in moves.items() if key.startswith("arg:")},
    }


def _trained(network: df.Network, engine: str, updates: int) -> dict[str, np.ndarray]:
    """Mean loss of each update of a training."""
    learner = _start(network, engine, "adam", 4 * BATCH, wd=1e-4)
    schedule = df.Cosine(lr=2e-3, warmup="5%").resolve(updates)
    batches = list(_loader(network, 4 * BATCH).batches())
    losses = []
    for update in range(updates):
        learner.seed(0, 0, update + 1)
        learner.compute(batches[update % len(batches)])
        losses.append(sum(float(values.mean()) for values in learner.outputs().values()))
        learner.update(schedule(update), updates=update)
    learner.release()
    return {"losses": np.array(losses)}


def difference(results: Sequence[Mapping[str, Any]], share: float = 1.0) -> float:
    """Largest relative difference of all arrays, of a share of their numbers.

    Raises:
        ValueError: the arrays have other names or shapes, or there is none.
    """
    worst = 0.0
    for expected, received in _pairs(*results):
        is_row = expected.ndim > 2 and expected.shape[-1] <= 16
        columns = tuple(range(expected.ndim - 1)) if is_row else None
        scale = np.abs(expected).max(axis=columns, keepdims=True, initial=1e-3)
        with np.errstate(invalid="ignore"):
            errors = np.abs(expected - received) / scale
        errors[~np.isfinite(errors)] = np.inf
        errors[np.isnan(expected) & np.isnan(received)] = 0
        worst = max(worst, float(np.quantile(errors, share, method="higher")))
    return worst


def largest_of_norms(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    """Largest norm of a difference over the norm of the array, at least 1e-3 of that of all."""
    least = 1e-3 * float(_norm(first.values())[0])
    errors = [
        float(_norm([expected - received])[0]) / max(float(_norm([expected])[0]), least)
        for expected, received in _pairs(first, second)
    ]
    return max(math.inf if math.isnan(error) else error for error in errors)


def _pairs(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The arrays of the same names, of one dimension or more, in float64."""
    if not first or first.keys() != second.keys():
        raise ValueError(f"arrays {sorted(first)} and {sorted(second)}")
    pairs = [(_float64(array), _float64(second[name])) for name, array in first.items()]
    for name, (expected, received) in zip(first, pairs):
        if expected.shape != received.shape or not expected.size:
            raise ValueError(f"{name}: shapes {expected.shape} and {received.shape}")
    return pairs


def _float64(array: Any) -> np.ndarray:
    return np.atleast_1d(np.asarray(array, np.float64))


def _norm(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.sqrt([sum(float(np.square(array).sum()) for array in arrays)])


if __name__ == "__main__":
    main()
