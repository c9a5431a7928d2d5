"""Files of MXNet 1.x: `prefix-symbol.json` and `prefix-0000.params`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np

from densefit.checkpoint.storage import atomic, plain_file, space
from densefit.checkpoint.weights.files import mxnet_params
from densefit.errors import CheckpointError, ConfigError
from densefit.interop.files import mxnet_symbol
from densefit.interop.mxnet import is_installed, mx
from densefit.model.heads.route import Route
from densefit.model.network import Network

Parts: TypeAlias = "tuple[Any, Mapping[str, Any], Mapping[str, Any]]"


def save_mxnet(
    network: Network | Parts,
    prefix: str | Path,
    epoch: int = 0,
    *,
    mode: str = "evaluate",
    input_size: tuple[int, int] | None = None,
) -> tuple[Path, Path]:
    """Save a network for programs that use MXNet without densefit.

    `mx.model.load_checkpoint(prefix, epoch)` and `mx.mod.Module.load(prefix, epoch)` read it. Each
    of the two files is replaced atomically.

    Args:
        network: a Network, or (symbol, arg_params, aux_params) of NDArrays or numpy arrays.
        prefix: prefix of the files' names, with their folder.
        epoch: number in the name of the parameters' file.
        mode: "evaluate" (without losses and labels) or "train"; for a Network of a backbone and
            heads.
        input_size: (height, width) of the graph, for such a Network.

    Returns:
        The paths of the symbol and of the parameters. Parameters that the symbol lacks are not
        written.

    Raises:
        BindError: there are no parameters yet, or the size is missing.
        CheckpointError: MXNet's files cannot hold a parameter, or the disk has no room or refuses.
    """
    if isinstance(network, Network):
        network.check_initialized()
        graph = network.graph(mode, input_size)
        network = graph, network.parameters, network.statistics
    symbol, arguments, auxiliary = network
    names = {*symbol.list_arguments(), *symbol.list_auxiliary_states()}
    arrays = {
        f"{kind}:{name}": _numpy(value)
        for kind, values in (("arg", arguments), ("aux", auxiliary))
        for name, value in values.items()
        if name in names
    }
    symbol_path, params_path = paths(prefix, epoch)
    pieces = mxnet_params.pieces(arrays)
    text = symbol.tojson().encode("utf-8")
    sizes = [len(text), sum(len(piece) for piece in pieces)]
    for path, content in ((params_path, pieces), (symbol_path, [text])):
        try:
            if path is params_path:
                space.check_room(path.parent, sizes)
            atomic.replace_file(path, content)
        except OSError as error:
            raise space.refused(path, error, sizes) from error
    return symbol_path, params_path


@overload
def load_mxnet(prefix: str | Path, epoch: int = ...) -> tuple[Any, dict, dict]: ...


@overload
def load_mxnet(prefix: str | Path, epoch: int = ..., *, routes: Mapping[str, Route]) -> Network: ...


def load_mxnet(
    prefix: str | Path, epoch: int = 0, *, routes: Mapping[str, Route] | None = None
) -> tuple[Any, dict, dict] | Network:
    """Load files that `save_mxnet`, `mx.model.save_checkpoint` or `Module.save_checkpoint` wrote.

    Args:
        prefix: prefix of the files' names, with their folder.
        epoch: number in the name of the parameters' file.
        routes: name -> Route, to make a Network of the symbol.

    Returns:
        (symbol, arg_params, aux_params) as `mx.model.load_checkpoint` returns them, where MXNet
        cannot be imported of numpy arrays; with `routes` a Network, ready to score, predict and
        train.

    Raises:
        CheckpointError: a file is missing, damaged, or of sparse arrays.
        BindError: a route names an output that the symbol does not have.
    """
    symbol_path, params_path = paths(prefix, epoch)
    try:
        symbol = mxnet_symbol.load(bytes(_content(symbol_path, prefix)))
    except ValueError as error:
        raise _unreadable(symbol_path, "a symbol", error) from error
    values: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    try:
        for key, value in mxnet_params.load(_content(params_path, prefix)).items():
            kind, colon, name = key.partition(":")
            if kind not in values or not colon:
                raise ValueError(f"{key!r:.80} is neither arg: nor aux:")
            values[kind][name] = _array(value)
    except ValueError as error:
        raise _unreadable(params_path, "parameters", error) from error
    if routes is None:
        return symbol, values["arg"], values["aux"]
    network = Network(symbol=symbol, routes=routes)
    network.set_params(values["arg"], values["aux"])
    return network


def paths(prefix: str | Path, epoch: int) -> tuple[Path, Path]:
    """Return the paths of the symbol and of the parameters of `prefix`.

    Raises:
        ConfigError: the epoch is negative.
    """
    if epoch < 0:
        raise ConfigError("An epoch is 0 or more", received=epoch)
    path = Path(prefix)
    return path.parent / f"{path.name}-symbol.json", path.parent / f"{path.name}-{epoch:04d}.params"


def _content(path: Path, prefix: str | Path) -> bytearray:
    """Read a file, which may be a link."""
    target = Path(os.path.realpath(path))
    if not target.exists():
        pattern = re.compile(re.escape(Path(prefix).name) + r"-(\d{4,})\.params")
        folder = path.parent
        names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
        epochs = [match[1] for match in map(pattern.fullmatch, names) if match]
        raise CheckpointError(
            "There is no such file of MXNet",
            where=path,
            fix=f"of this prefix there are epochs: {', '.join(epochs) or 'none'}",
        )
    return plain_file.read(target)


def _array(value: np.ndarray) -> Any:
    """An NDArray; a numpy array where MXNet cannot be imported."""
    return mx.nd.array(value, dtype=value.dtype) if is_installed else np.array(value)


def _numpy(value: Any) -> np.ndarray:
    array: np.ndarray = value.asnumpy() if isinstance(value, mx.nd.NDArray) else np.asarray(value)
    return array


def _unreadable(path: Path, what: str, error: ValueError) -> CheckpointError:
    return CheckpointError(f"The file does not hold {what} of MXNet: {error}", where=path)
