"""densefit's update, as `fit` makes it; run by train_speed.py.

With `--export FILE` it first writes initial parameters and a batch, for others to train the same
network on the same input, and the losses that it has itself on them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from replayed import Replayed
from side_by_side import asked, tell_done, tell_ready
from train_cases import CASES, Case, Drawn

import densefit as df
from densefit.backend import mx

WARM_UP = 3


class Served(df.Callback):
    """Holds the training after each piece of work, until the next is asked for."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._left = WARM_UP
        self._begun: float | None = None

    def update_ended(self, state: Any, control: Any) -> None:
        """Count updates."""
        self._left -= 1
        if self._left:
            return
        mx.nd.waitall()
        if self._begun is None:
            tell_ready(self._facts)
        else:
            tell_done(time.perf_counter() - self._begun)
        self._left = asked()
        self._begun = time.perf_counter()


def initial(case: Case, network: df.Network, batch: Any) -> dict[str, np.ndarray]:
    """Give the network parameters; its losses on the batch, (B,) each, with BatchNorm training."""
    symbol = network.graph("train", case.size)
    given = {name: array.shape for name, array in batch.arrays.items()}
    adapters = network.adapters.values()
    weights = {name: (case.batch_size,) for adapter in adapters for name in adapter.weights}
    executor = symbol.simple_bind(
        mx.cpu(), grad_req="null", data=given.pop("data"), **given, **weights
    )
    rng = np.random.default_rng(0)
    for name, array in executor.arg_dict.items():
        if name in given or name in weights or name == "data":
            continue
        value = np.zeros(array.shape) if name.endswith(("beta", "bias")) else np.ones(array.shape)
        if name.endswith("weight"):
            fan_in = int(np.prod(array.shape[1:]))
            value = rng.normal(size=array.shape) * np.sqrt(2.0 / fan_in)
        array[:] = value
    for name, array in executor.aux_dict.items():
        array[:] = 1.0 if name.endswith("var") else 0.0
    arguments = {n: a for n, a in executor.arg_dict.items() if n not in given and n != "data"}
    arguments = {name: array for name, array in arguments.items() if name not in weights}
    network.set_params(arguments, executor.aux_dict)
    executor.arg_dict["data"][:] = batch.data["data"].astype("float32")
    for name, array in batch.labels.items():
        executor.arg_dict[name][:] = array
    for name in weights:
        executor.arg_dict[name][:] = 1.0
    outputs = executor.forward(is_train=True)
    return {name: out.asnumpy() for name, out in zip(symbol.list_outputs(), outputs)}


def operations(case: Case, network: df.Network) -> float:
    """Floating point operations of the convolutions and dense layers in an update's passes.

    A multiplication and an addition are two. The backward pass takes twice the forward pass, but
    for the first layer, whose input has no gradient.
    """
    inside = network.graph("train", case.size).get_internals()
    shapes = {"data": (case.batch_size, 3, *case.size)}
    known, outputs, _ = inside.infer_shape_partial(**shapes)
    by_name = dict(zip(inside.list_outputs(), outputs))
    arguments = dict(zip(inside.list_arguments(), known))
    total, first = 0.0, True
    for name in inside.list_outputs():
        weight = arguments.get(f"{name[: -len('_output')]}_weight")
        if not name.endswith("_output") or weight is None:
            continue
        out = by_name[name]
        forward = 2.0 * float(np.prod(out)) * float(np.prod(weight[1:]))
        total += forward * (2 if first else 3)
        first = False
    return total


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--engine", default="mxnet", choices=["mxnet", "torch"])
    options = parser.parse_args()
    case = CASES[options.case]
    network = case.network()
    data = Drawn(case, case.batch_size)
    with df.Loader(data, batch_size=case.batch_size, heads=network.heads) as loader:
        batches = Replayed(loader, 10**9)
    batch = batches.batches[0]
    losses = initial(case, network, batch)
    facts = {
        "loss": float(sum(value.mean() for value in losses.values())),
        "parameters": sum(int(value.size) for value in network.parameters.values()),
        "operations": operations(case, network),
    }
    if options.export is not None:
        arrays = dict(batch.arrays)
        for values in (network.parameters, network.statistics):
            arrays.update({f"param:{name}": value for name, value in values.items()})
        np.savez(options.export, **arrays)
    df.fit(
        network,
        batches,
        updates=10**9,
        optimizer=case.optimizer,
        optimizer_params=case.optimizer_params,
        callbacks=[Served(facts)],
        engine=options.engine,
    )


if __name__ == "__main__":
    main()
