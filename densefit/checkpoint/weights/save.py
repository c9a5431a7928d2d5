"""Saving of a network's weights alone, as a checkpoint that `load` reads."""

from __future__ import annotations

from pathlib import Path

from densefit.checkpoint.storage import store
from densefit.checkpoint.storage.content import SUFFIX
from densefit.checkpoint.weights.class_names import names_of
from densefit.checkpoint.weights.load import adapted_network
from densefit.engine.types import Model
from densefit.errors import CheckpointError
from densefit.model.network import Network


def save(network: Model, path: str | Path) -> Path:
    """Write a network's weights, atomically; `load(path)` reads them.

    The directory holds safetensors and JSON: the weights, the class names, and the network's spec
    if its backbone and heads have registered names. Other networks are loaded by
    `load(path, network)`. To resume a training, use a `Saver`.

    Args:
        network: a Network with parameters, an MXNet Module, or a gluon HybridBlock.
        path: directory to write. Weights of an earlier `save` are replaced.

    Returns:
        The path.

    Raises:
        BindError: the network has no parameters yet.
        CheckpointError: the path holds something other than saved weights, or the disk refuses.
        ConfigError: `network` is not a network.
    """
    weights = network
    if not isinstance(weights, Network):
        weights = adapted_network(
            network,
            "The weights of this cannot be saved",
            "a df.Network, an MXNet Module, or a gluon HybridBlock",
        )
    weights.check_initialized()
    path = Path(path)
    _check_replaceable(path)
    arrays = {f"arg:{name}": value for name, value in weights.parameters.items()}
    arrays.update({f"aux:{name}": value for name, value in weights.statistics.items()})
    content = {"network": weights.spec, "names": names_of(weights)}
    return store.write(path.parent, path.name, {"model": arrays}, content)


def _check_replaceable(path: Path) -> None:
    """Raise CheckpointError if a path holds anything but weights that `save` wrote."""
    location = store.names(path.parent).get(path.name) if path.parent.is_dir() else None
    if location is None and not path.exists():
        return
    parts = [] if location is None else sorted(file.name for file in location.glob(f"*{SUFFIX}"))
    if parts != [f"model{SUFFIX}"]:
        raise CheckpointError(
            "Weights would replace something else",
            expected="a path where nothing is, or weights written by df.save",
            received="the checkpoint of a training" if parts else "a file or folder",
            where=path,
            fix="choose another path",
        )
