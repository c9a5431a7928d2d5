"""Factor on the gradient of an update, for heads and for a user's Symbol."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.engine.settings import OptimizerSettings
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.model.symbol_graph import Node, SymbolGraph

_log = logging.getLogger("densefit")

# Loss layers with a `normalization` of their own.
_DIVIDING = ("SoftmaxOutput", "Softmax", "MakeLoss")
_LOSSES = ("MakeLoss", "make_loss", "softmax_cross_entropy")


def constant_rescale(
    network: Network,
    optimizer_settings: OptimizerSettings,
    batch_size: int,
    accumulate: int = 1,
) -> float | None:
    """Constant factor on the summed gradient of an update.

    For a Symbol it is the factor of Module.fit: the user's `rescale_grad`, else 1/batch_size of a
    full batch, regardless of the normalization of loss layers and of a batch's rows. With several
    micro-batches per update, a stated factor multiplies their sum, and 1/batch_size becomes their
    mean.

    Args:
        network: network to train.
        optimizer_settings: the optimizer.
        batch_size: rows of a full batch, as the training data announce them.
        accumulate: micro-batches per update.

    Returns:
        None for a network of heads: each update then divides by its number of samples.

    Raises:
        ConfigError: a factor is stated for a network of heads, or it is no number.
    """
    optimizer = optimizer_settings.optimizer
    stated = optimizer_settings.settings.get("rescale_grad")
    if hasattr(optimizer, "rescale_grad"):
        stated = optimizer.rescale_grad
        if network.heads and stated == 1.0:  # MXNet's default
            stated = None
    if network.heads:
        if stated is None:
            return None
        raise ConfigError(
            "rescale_grad is set at each update, from the real number of samples",
            received=f"rescale_grad={stated}",
            fix="leave it out; to weigh a loss, use the head's weight: df.head(..., weight=...)",
        )
    if stated is None:
        return 1.0 / (batch_size * accumulate)
    try:
        factor = float(stated)
    except (TypeError, ValueError):
        factor = float("nan")
    if not np.isfinite(factor):
        raise ConfigError(
            "rescale_grad is not a number",
            expected=f"a finite factor on the gradient, e.g. {1.0 / batch_size}",
            received=repr(stated),
        )
    return factor


def warn_of_rescale(
    symbol: Any,
    shapes: Mapping[str, tuple[int, ...]],
    factor: float,
    optimizer_settings: OptimizerSettings,
    batch_size: int,
) -> None:
    """Warn if a user's loss and the update both divide by the batch, or neither does.

    Args:
        symbol: the train graph.
        shapes: shapes of its outputs for a full batch, by short name.
        factor: see `constant_rescale`.
        optimizer_settings: the optimizer.
        batch_size: rows of a full batch.
    """
    optimizer = optimizer_settings.optimizer
    is_object = hasattr(optimizer, "rescale_grad")
    if is_object and optimizer.wd > 0 and not optimizer.idx2name:
        _log.warning(
            "The wd=%g of the optimizer object decays weights only, as for an optimizer that is "
            "passed by name; Module.fit also decays biases for an object",
            optimizer.wd,
        )
    if "rescale_grad" in optimizer_settings.settings or batch_size == 1:
        return
    line = (
        f"{type(optimizer).__name__}(rescale_grad={{}}, ...)"
        if is_object
        else "optimizer_params={{'rescale_grad': {}, ...}}"
    )
    graph = SymbolGraph.of(symbol)
    dividing = dividing_layers(graph)
    if dividing and factor != 1.0:
        _log.warning(
            "The loss layers %s divide their gradients by the batch themselves, and each update "
            "multiplies by rescale_grad=%g too, as in Module.fit. To divide once: %s",
            ", ".join(f"{name} (normalization={kind!r})" for name, kind in dividing.items()),
            factor,
            line.format(1.0),
        )
    single = single_losses(graph, shapes)
    if single and factor != 1.0:
        _log.warning(
            "The losses %s are a single number per batch, and each update multiplies their "
            "gradients by rescale_grad=%g, as in Module.fit. If they already are means over the "
            "samples: %s",
            ", ".join(single),
            factor,
            line.format(1.0),
        )
    if is_object and factor == 1.0 and not dividing and not single:
        _log.warning(
            "The optimizer object has rescale_grad=1.0, so that an update follows the sum over "
            "the samples of a batch, as in Module.fit. For their mean: %s",
            line.format(f"1 / {batch_size}"),
        )


def dividing_layers(graph: SymbolGraph) -> dict[str, str]:
    """Loss layer -> "batch" or "valid", for layers that divide their gradient themselves."""
    kinds = {
        node.name: node.attr("normalization")
        for node in graph.nodes
        if node.op in _DIVIDING and not _is_monitor(node)
    }
    return {name: kind for name, kind in kinds.items() if kind in ("batch", "valid")}


def single_losses(graph: SymbolGraph, shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """Short names of the losses with a single number per batch."""
    return [
        name
        for name, (node, *_rest) in graph.outputs.items()
        if node.op in _LOSSES and not _is_monitor(node) and np.prod(shapes.get(name, (2,))) == 1
    ]


def _is_monitor(node: Node) -> bool:
    return float(node.attr("grad_scale", "1")) == 0.0
