"""Loading of a network from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit import adapters
from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.class_names import saved_names, take_saved_names
from densefit.checkpoint.weights.exported import is_exported, load_exported
from densefit.checkpoint.weights.parameters import parameters_of
from densefit.engine.types import Model
from densefit.errors import CheckpointError, ConfigError, DensefitError
from densefit.model.heads.route import Route
from densefit.model.network import Network
from densefit.plugin_files import imported
from densefit.symbol import is_symbol


def load(
    path: str | Path, network: Model | None = None, heads: Mapping[str, Route] | None = None
) -> Network:
    """Load the network of a checkpoint or of an exported model, ready to score and predict.

    Args:
        path: a checkpoint, e.g. "runs/voc/checkpoints/best", or a run's folder (the newest); or an
            exported model NAME.onnx, which ONNX Runtime then computes.
        network: network to load into, if it was not built from registered parts alone: a
            Network, or the Symbol, Module or HybridBlock that was trained.
        heads: routes of a Symbol or Module; by default one for each loss output.

    Raises:
        CheckpointError: the checkpoint is missing or damaged, or does not hold the network's spec.
    """
    if is_exported(path):
        return load_exported(path, network, heads)
    location = store.resolve(path, Path(path))
    if location is None:
        raise CheckpointError("There is no checkpoint", where=path)
    parts, content = store.read(location, only=["model"])
    if not isinstance(content, dict) or "network" not in content:
        raise CheckpointError("The checkpoint was not written by a training", where=location)
    if network is None:
        if content["network"] is None:
            raise CheckpointError(
                "The checkpoint does not say how its network was built: it had a symbol, or "
                "heads that were not made by name",
                where=location,
                fix="load(path, network=...) with a network of the same kind",
            )
        try:
            network = Network.from_spec(content["network"])
        except (
            *(KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError),
            *(RuntimeError, DensefitError),  # MXNet's errors are RuntimeErrors
        ) as error:
            raise CheckpointError(
                "The checkpoint does not say rightly how its network was built "
                f"({type(error).__name__}: {_message(error)})",
                where=location,
                fix=_plugins_to_import(content)
                or getattr(error, "fix", None)
                or "load(path, network=...) with a network of the same kind",
            ) from error
    elif not isinstance(network, Network):
        network = _network_of(network, heads)
    take_saved_names(network, saved_names(content), location)
    network.set_params(*parameters_of(parts, "model", location, network))
    return network


def _plugins_to_import(content: Mapping[str, Any]) -> str | None:
    """Name the plugin files of the training that are not imported; a checkpoint imports none."""
    extra = content.get("extra")
    entries = extra.get("plugins") if isinstance(extra, Mapping) else None
    hashes = {file.sha256 for file in imported()}
    missing = [
        ascii(entry.get("file"))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and entry.get("sha256") not in hashes
    ]
    if not missing:
        return None
    call = f"import_plugins([{', '.join(missing)}])"
    return f"if you trust the code: {call} of densefit.plugin_files, before load"


def _message(error: BaseException) -> str:
    """Return an error's message, without MXNet's source locations."""
    if isinstance(error, DensefitError):
        return error.what
    return (str(error).strip().splitlines() or [""])[-1][:300]


def _network_of(model: Any, heads: Mapping[str, Route] | None) -> Network:
    """Return the Network of a Symbol, or of a model with a registered adapter."""
    if is_symbol(model):
        return Network(symbol=model, routes=heads)
    return adapted_network(
        model,
        "A checkpoint cannot be loaded into this",
        "a df.Network, an MXNet Symbol or Module, or a gluon HybridBlock",
        heads=heads,
    )


def adapted_network(model: Any, refusal: str, expected: str, **context: Any) -> Network:
    """Return the Network of a model with a registered adapter.

    Args:
        model: the model.
        refusal: message of the error for any other object.
        expected: models that are accepted, for the error.
        context: passed to the adapter.

    Raises:
        ConfigError: no adapter accepts it.
    """
    adapted = adapters.models.adapt(model, **context)
    if adapted is None:
        raise ConfigError(
            refusal,
            expected=expected,
            received=f"{type(model).__module__}.{type(model).__name__}",
        )
    network: Network = adapted.network
    return network
