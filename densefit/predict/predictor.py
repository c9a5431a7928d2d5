"""Predictions of a network, sample by sample, in original image coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from densefit.model.network import Network
from densefit.train.feed import Feeder
from densefit.train.learner import Learner


def predict(
    network: Network, data: Any, *, devices: Sequence[Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, {head: prediction}) of every sample, in the data's order.

    Args:
        network: with parameters, made of a backbone and heads.
        data: a densefit Loader; its heads' labels are not needed.
        devices: MXNet contexts; the CPU by default.
    """
    learner = Learner(network, devices)
    feeder = Feeder(data, list(network.wires.values()), "prediction")
    for batch in feeder.batches():
        outputs = learner.evaluate(batch, feeder)
        found = {
            head.name: head.decode(
                {
                    name: outputs[f"{head.name}_{name}"]
                    for name in network.wires[head.name].evaluated  # type: ignore[attr-defined]
                },
                batch.geometries or [],
            )
            for head in network.heads
        }
        for row, key in enumerate(batch.ids):
            yield key, {name: predictions[row] for name, predictions in found.items()}
