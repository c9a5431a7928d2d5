"""Summary of a network: what each stage of the backbone and each head costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any

from densefit.errors import ConfigError
from densefit.model.complexity import multiply_adds
from densefit.model.network import Network
from densefit.model.output_names import short_name
from densefit.model.parameters import backbone_maps, owners, shapes
from densefit.model.resolution import Layer, layers
from densefit.model.symbol_graph import SymbolGraph
from densefit.symbol import sym

Shape = tuple[int, ...]
Row = tuple[str, str, str, str]
TRAINING = ", in training"  # ending of a stage's name


@dataclass(frozen=True)
class Stage:
    """The layers of one stride of the backbone, or those of one head.

    Attributes:
        name: "stride 8", or the name of a head.
        shape: of the feature map, or of the head's first output; () if unknown. Without the batch.
        parameters: number of trained parameters.
        multiply_adds: for one image, when the network predicts.
    """

    name: str
    shape: Shape
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The stages of a network in the order of the data; as text a table.

    Attributes:
        input_size: (height, width) of the image.
        stages: stages of the backbone by stride, then heads. What a head has in training only (an
            auxiliary head) is a stage of its own.
    """

    input_size: tuple[int, int]
    stages: list[Stage]

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return sum(stage.parameters for stage in self.stages)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image, as `densefit.model.complexity` counts them."""
        return sum(stage.multiply_adds for stage in self.stages)

    def __str__(self) -> str:
        unit, per = ("G", 1e9) if self.multiply_adds >= 1e9 else ("M", 1e6)

        def row(name: str, shape: Shape, parameters: int, products: int) -> Row:
            return (
                name,
                " x ".join(map(str, shape)),
                f"{parameters:,} {_share(parameters, self.parameters)}",
                f"{products / per:,.3f} {unit} {_share(products, self.multiply_adds)}",
            )

        table = [("stage", "output", "parameters  share", "multiply-adds  share")]
        for stage in self.stages:
            name = f"  {TRAINING[2:]}" if stage.name.endswith(TRAINING) else stage.name
            table.append(row(name, stage.shape, stage.parameters, stage.multiply_adds))
        table.append(row("total", (), self.parameters, self.multiply_adds))
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [
            f"{name:{widths[0]}}  {shape:{widths[1]}}  {first:>{widths[2]}}  {second:>{widths[3]}}"
            for name, shape, first, second in table
        ]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _share(part: int, whole: int) -> str:
    """Percent in eight characters."""
    return f"{100 * part / max(1, whole):6.1f} %"


def summary(network: Network, input_size: tuple[int, int]) -> Summary:
    """Summarize a network at an image of (height, width); nothing is computed.

    A layer of the backbone belongs to the stride of its output; one of a vector (a
    squeeze-and-excitation) to that of the map that the vector is of. A copy for some heads has its
    stride.

    >>> import densefit as df
    >>> network = df.Network("resnet18", [df.head("classification", classes=1000)])
    >>> costs = df.summary(network, (224, 224))
    >>> costs.parameters, costs.stages[-1].name, costs.stages[-1].parameters
    (11689512, 'classification', 513000)

    Raises:
        ConfigError: a network of a user's Symbol, which has no backbone.
    """
    if not network.heads:
        raise ConfigError(
            "A summary is of a backbone with heads",
            received="a network of a user's Symbol",
            fix="densefit.model.complexity.multiply_adds(symbol, data=...) counts by layer",
        )
    evaluated, trained = (network.peek(mode, input_size) for mode in ("evaluate", "train"))
    data = (1, 3, *input_size)
    backbone = _backbone_layers(network, input_size)
    head_of = _head_layers(network, evaluated)
    group_of = {
        name: f"stride {layer.stride}"
        if network.copies.get(name, name) in backbone
        else head_of.get(name, "")
        for name, layer in layers(evaluated, data=data).items()
    }
    parameters: Counter[str] = Counter()
    sizes, statistics = shapes(network, input_size), set(trained.list_auxiliary_states())
    for name, owner in owners(network).items():
        if name not in statistics:
            group = group_of.get(name, f"{owner}{TRAINING}")
            parameters[group] += prod(sizes[name])
    products: Counter[str] = Counter()
    for name, count in multiply_adds(evaluated, data=data).items():
        products[group_of[name]] += count
    shape_of = {f"stride {layer.stride}": layer.shape for layer in backbone.values()}
    for head, adapter in network.adapters.items():
        output = _output(evaluated, adapter.outputs("evaluate")[0])
        shape_of[head] = tuple(output.infer_shape_partial(data=data)[1][0] or ())
    groups = [f"stride {stride}" for stride in sorted({b.stride for b in backbone.values()})]
    for head in network.adapters:
        groups += [head, f"{head}{TRAINING}"]
    return Summary(
        input_size,
        [
            Stage(group, shape_of.get(group, ())[1:], parameters[group], products[group])
            for group in groups
            if parameters[group] or products[group]
        ],
    )


def _backbone_layers(network: Network, input_size: tuple[int, int]) -> dict[str, Layer]:
    """The backbone's layers by name, the maps that heads get last of their strides."""
    maps = backbone_maps(network, input_size)
    by_name = layers(sym.Group(list(maps.values())), data=(1, 3, *input_size))
    for symbol in maps.values():
        name = SymbolGraph.of(symbol).heads[0].node.name
        by_name[name] = by_name.pop(name)
    return by_name


def _head_layers(network: Network, symbol: Any) -> dict[str, str]:
    """Name of each layer -> a head that computes with it."""
    head_of: dict[str, str] = {}
    for head, adapter in network.adapters.items():
        outputs = sym.Group([_output(symbol, name) for name in adapter.outputs("evaluate")])
        for node in SymbolGraph.of(outputs).nodes:
            head_of.setdefault(node.name, head)
    return head_of


def _output(symbol: Any, name: str) -> Any:
    names = symbol.list_outputs()
    return symbol[[short_name(full) for full in names].index(name)]
