"""Predictions of a network, sample by sample, in original image coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from densefit.errors import ConfigError, DataError
from densefit.model.head_wire import HeadWire
from densefit.model.network import Network
from densefit.train.feed import Feeder
from densefit.train.learner import Learner
from densefit.train.viewer import views_of


def predict(
    network: Network, data: Any, *, devices: Sequence[Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, {head: prediction}) of every sample, in the order of the data's batches.

    Args:
        network: with parameters, made of a backbone and heads.
        data: a densefit Loader; its heads' labels are not needed. Or an
            OriginalSizeLoader, or a ViewLoader.
        devices: MXNet contexts; the CPU by default.

    Raises:
        ConfigError: the network is a symbol's: it has no heads that could decode its outputs.
        DataError: the data do not say where the original pictures lie in the batches.
    """
    wires = [wire for wire in network.wires.values() if isinstance(wire, HeadWire)]
    if not wires:
        raise ConfigError(
            "Predictions are decoded by heads, and this network has none",
            received="a Network made of a symbol",
            fix="read the outputs of its Module",
        )
    learner = Learner(network, devices)
    feeder = Feeder(data, wires, "prediction")
    if views_of(data, wires):
        for sample in learner.view(feeder):
            yield sample.id, sample.predictions
        return
    for batch, outputs in learner.evaluate(feeder):
        if batch.geometries is None:
            raise DataError(
                "The batches do not say where the original pictures lie in them",
                received=f"{type(data).__name__}",
                fix="predict with a densefit Loader",
            )
        found = {wire.name: wire.decode(outputs, batch.geometries) for wire in wires}
        for row, key in enumerate(batch.ids):
            yield key, {name: predictions[row] for name, predictions in found.items()}
