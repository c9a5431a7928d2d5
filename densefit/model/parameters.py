"""Owner (the trunk or a head) and shape of each parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.registry import nearest
from densefit.symbol import NameManager, sym

SIZE = (64, 64)  # a Network checks its graphs at this size; names do not depend on it


def owners(network: Network) -> dict[str, str | None]:
    """Return parameter or moving statistic -> owning head, None for the trunk, in graph order.

    The trunk is the backbone; in a symbol, the parameters that no route or several routes use.

    Args:
        network: a network; one of a symbol needs parameters, as otherwise only `data` and the
            routes' labels are known to be inputs.
    """
    symbol, valued = network.peek("train", SIZE), {*network.value_shapes}
    outputs = {short_name(name): name for name in symbol.list_outputs()}
    inputs = {"data"}
    users: dict[str, set[str]] = {}
    for head, adapter in network.adapters.items():
        inputs.update(adapter.labels, adapter.weights)
        head_graph = sym.Group([symbol[outputs[name]] for name in adapter.outputs("train")])
        for name in _names(head_graph):
            users.setdefault(name, set()).add(head)
    names = [name for name in _names(symbol) if name not in inputs]
    trunk: set[str] = set()
    if network.heads:
        trunk.update(backbone_parameters(network))
        shared = [head.name for head in network.heads]
        layers = (network.backbone.name, "expert")
        starts = tuple(f"{head}_{prefix}" for head in shared for prefix in layers)
        trunk.update(name for name in network.copies if not name.startswith(starts))
    elif valued:
        names = [name for name in names if name in valued]
    return {
        name: next(iter(users[name]))
        if len(users.get(name, ())) == 1 and name not in trunk
        else None
        for name in names
    }


def backbone_parameters(network: Network) -> list[str]:
    """Return parameters and moving statistics of the whole backbone of a network with heads.

    Layers of maps that no head reads are not in the network's graphs, nor in `owners`.
    """
    names = _names(sym.Group(list(backbone_maps(network, SIZE).values())))
    return [name for name in names if name != "data"]


def backbone_maps(network: Network, input_size: tuple[int, int]) -> Mapping[int, Any]:
    """Build all maps of a network's backbone, stride -> Symbol, named as in its graphs."""
    with NameManager():
        data = sym.Variable("data")
        return network.backbone.features(data, input_size, network.output_stride).maps


def heads_owning(network: Network, parameters: Iterable[str]) -> list[str]:
    """Return the heads that own any of these parameters, in network order."""
    owner_of = owners(network)
    heads = {owner_of.get(name) for name in parameters}
    return [name for name in network.adapters if name in heads]


def trunk_parameters(network: Network) -> list[str]:
    """Return names of the trunk's trained parameters, for `fit(freeze=...)` or `groups`.

    Example:
        >>> import densefit as df
        >>> network = df.Network("resnet18", [df.head("classification", classes=3)])
        >>> df.surgery.trunk_parameters(network)[:2]
        ['resnet18_stem_weight', 'resnet18_stem_bn_gamma']
    """
    return _of(network, None)


def head_parameters(network: Network, head: str) -> list[str]:
    """Return names of the trained parameters that belong to one head alone.

    Example:
        >>> import densefit as df
        >>> network = df.Network("resnet18", [df.head("classification", classes=3, name="kind")])
        >>> df.surgery.head_parameters(network, "kind")
        ['kind_class_weight', 'kind_class_bias']

    Raises:
        ConfigError: there is no such head.
    """
    check_head(network, head)
    return _of(network, head)


def check_head(network: Network, head: str) -> None:
    """Raise ConfigError unless the network has a head of this name."""
    if head not in network.adapters:
        raise ConfigError(
            f"The network has no head {head!r}",
            expected=f"one of {', '.join(network.adapters)}",
            fix=nearest(head, network.adapters),
        )


def shapes(
    network: Network, input_size: tuple[int, int] | None = None
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter and statistic that can be inferred without data.

    Args:
        network: network of a symbol, only parameters with a value have a shape.
        input_size: (height, width) of the train graph. It matters to heads with a dense layer over
            a whole map, and only while they have no value.
    """
    value_shapes = network.value_shapes
    if not network.heads:
        return value_shapes
    size = input_size or SIZE
    input_shapes: dict[str, tuple[int, ...]] = {"data": (1, 3, *size)}
    for head in network.heads:
        for label in head.labels(size):
            input_shapes[f"{head.name}_{label.name}"] = (1, *label.shape)
    symbol = network.peek("train", size)
    arguments, _, auxiliary = symbol.infer_shape_partial(
        **{name: shape for name, shape in input_shapes.items() if name in symbol.list_arguments()}
    )
    inferred_shapes = dict(zip(symbol.list_arguments(), arguments))
    inferred_shapes.update(zip(symbol.list_auxiliary_states(), auxiliary))
    owner_of = owners(network)
    inferred = {
        n: tuple(s) for n, s in inferred_shapes.items() if n in owner_of and s and 0 not in s
    }
    return {
        **inferred,
        **{name: shape for name, shape in value_shapes.items() if name in owner_of},
    }


def _of(network: Network, head: str | None) -> list[str]:
    trained = set(network.peek("train", SIZE).list_arguments())
    return [name for name, owner in owners(network).items() if owner == head and name in trained]


def _names(symbol: Any) -> list[str]:
    return [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
