"""Loading of the network of an exported model, NAME.onnx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit import engine
from densefit.checkpoint.weights.class_names import take_saved_names
from densefit.errors import CheckpointError, ConfigError, DensefitError
from densefit.metrics.spec import metric_of
from densefit.model.heads.head import Head
from densefit.model.heads.route import Route
from densefit.model.network import Network, heads_of_spec


def is_exported(path: str | Path) -> bool:
    """Whether a path names an exported model, and no checkpoint."""
    return Path(path).suffix.lower() == ".onnx"


def load_exported(
    path: str | Path, network: Any = None, routes: Mapping[str, Route] | None = None
) -> Network:
    """Load an exported model, ready to score and predict by ONNX Runtime.

    Args:
        path: the file.
        network: the Network that was exported, if its heads were not created by name.
        routes: routes of the model of a user's Symbol; by default those that it was exported with.

    Raises:
        CheckpointError: the file is missing, damaged, or was not exported by densefit.
        EngineError: ONNX Runtime cannot be imported.
    """
    file = engine.read_exported(path)
    if not file.metadata.version and routes is None:
        raise CheckpointError(
            "The ONNX model was not exported by densefit: it does not say what its outputs mean",
            received=f"outputs {', '.join(file.outputs)}",
            where=path,
            fix="df.load(path, heads={'name': df.Route(outputs=[...], labels=[...], "
            "metrics=[...])}), or export it by df.export",
        )
    if file.metadata.image_size is None:
        saved = {name: _route(name, entry, path) for name, entry in file.metadata.routes.items()}
        return engine.exported_network(file, [], saved if routes is None else routes)
    if routes is not None:
        raise ConfigError(
            "Routes are for the model of a Symbol, and this one has heads",
            received=list(routes),
            where=path,
        )
    heads = _heads(network, file.metadata.spec, path)
    exported = engine.exported_network(file, heads)
    take_saved_names(exported, file.metadata.names, path)
    return exported


def _heads(network: Any, spec: Mapping[str, Any] | None, path: object) -> Sequence[Head]:
    """Heads of a given network, else of the spec in the file."""
    if network is not None:
        return list(network.heads)
    if spec is None or spec.get("heads") == []:
        raise CheckpointError(
            "The exported model does not say how its heads were made: they were not made by name",
            where=path,
            fix="load(path, network=...) with the Network that was exported",
        )
    try:
        return heads_of_spec(spec)
    except (
        *(KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError),
        *(RuntimeError, DensefitError),
    ) as error:
        raise CheckpointError(
            "The exported model does not say rightly how its heads were made "
            f"({type(error).__name__}: {getattr(error, 'what', error)})",
            where=path,
            fix=f"{getattr(error, 'fix', None) or 'export the network again'}; heads of a plugin "
            "are registered when it is imported (--plugins FILE)",
        ) from error


def _route(name: str, entry: Mapping[str, Any], path: object) -> Route:
    try:
        metrics = [
            metric if isinstance(metric, str) else metric_of(metric)
            for metric in entry.get("metrics", ())
        ]
        return Route(**{**entry, "metrics": metrics})
    except (TypeError, KeyError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"The exported model does not say rightly what its head {name!r} is: {error}",
            received=dict(entry),
            where=path,
            fix="df.load(path, heads={...}) with routes",
        ) from error
