"""The train graph and the eval graphs of a backbone with heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from densefit.errors import BindError
from densefit.model.backbones import Backbone
from densefit.model.head_names import weight_name
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.features import Features
from densefit.model.heads.head import Head
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.weighted_losses import head_losses
from densefit.model.name_collisions import check_inputs, check_outputs
from densefit.model.sharing.branches import ShareUntil, branched
from densefit.model.sharing.normalization_by_head import normalized_by_head
from densefit.model.sharing.sharing import make_sharing
from densefit.symbol import NameManager, sym

Weigh = Callable[[str, Any, Any], Any]
SIZE = (64, 64)  # at which graphs are checked
_OUTPUTS = {"evaluate": "evaluate_outputs", "raw": "raw_outputs", "views": "view_outputs"}


@dataclass(frozen=True)
class Trunk:
    """The backbone in a graph.

    Attributes:
        features: head -> the feature maps that it reads.
        copies: layer or parameter that some heads have of their own -> its name in the backbone.
    """

    features: Mapping[str, Features]
    copies: Mapping[str, str]


def build_trunk(
    backbone: Backbone,
    output_stride: int,
    input_size: tuple[int, int],
    heads: Sequence[str],
    share_until: ShareUntil | None = None,
    normalize_by_head: bool = False,
    adapt_by_head: bool = False,
    sharing: Mapping[str, Any] | None = None,
) -> Trunk:
    """Build the feature maps of the Variable `data`, (B, 3, height, width), for each head."""
    features = _features(backbone, output_stride, input_size)
    trunk = Trunk(dict.fromkeys(heads, features), {})
    if sharing is not None:
        whole = features if output_stride == 32 else _features(backbone, 32, input_size)
        with NameManager(), backbone.normalization.in_effect():
            return Trunk(*make_sharing(sharing, heads).share(features, whole, heads))
    if share_until is not None:
        whole = features if output_stride == 32 else _features(backbone, 32, input_size)
        trunk = Trunk(*branched(features, whole, share_until, heads))
    if normalize_by_head or adapt_by_head:
        trunk = Trunk(*normalized_by_head(trunk.features, trunk.copies, adapt_by_head))
    return trunk


def _features(backbone: Backbone, output_stride: int, input_size: tuple[int, int]) -> Features:
    with NameManager():
        return backbone.features(sym.Variable("data"), input_size, output_stride)


def build_graph(
    features: Mapping[str, Features],
    adapters: Mapping[str, HeadAdapter],
    mode: str,
    input_size: tuple[int, int],
    weigh: Weigh | None,
) -> Any:
    """Build the Symbol of a backbone and all heads, outputs named `<head>_<output>`.

    Args:
        features: of the backbone, by head.
        adapters: the heads by name; they note their outputs.
        mode: one of `densefit.model.network.MODES`.
        input_size: (height, width).
        weigh: see `Network.graph`.
    """
    outputs = []
    for adapter in adapters.values():
        if not isinstance(adapter, NetworkHead):
            continue
        with _HeadNames(adapter.head.name):
            if mode == "train":
                outputs += _losses(adapter, features[adapter.head.name], input_size, weigh)
            else:
                outputs += _predictions(adapter, features[adapter.head.name], mode)
    return sym.Group(outputs)


def build_teacher(features: Features, head: Head) -> Any:
    """Build the Symbol of a head's `teacher_outputs`, named `<head>_<output>`."""
    with _HeadNames(head.name):
        outputs = head.teacher_outputs(features)
        named = [sym.identity(each, name=f"{head.name}_{key}") for key, each in outputs.items()]
    return sym.Group(named)


def built_mode(adapters: Mapping[str, HeadAdapter], mode: str) -> str:
    """The mode whose graph is built: `evaluate` for all in which every head evaluates."""
    if mode not in ("raw", "views"):
        return mode
    heads = [adapter for adapter in adapters.values() if isinstance(adapter, NetworkHead)]
    return "evaluate" if all(_evaluates_in(mode, head) for head in heads) else mode


def _evaluates_in(mode: str, adapter: NetworkHead) -> bool:
    """Whether the outputs of an eval graph are those of the head's `evaluate`."""
    if mode == "raw":
        return not adapter.head.has_postprocess
    return mode == "evaluate" or not adapter.head.has_view_outputs


def _losses(
    adapter: NetworkHead, features: Any, input_size: tuple[int, int], weigh: Weigh | None
) -> list[Any]:
    """The loss terms of a head in the train graph."""
    head = adapter.head
    terms, trained = head_losses(head, adapter.teaching, features, input_size, weigh)
    adapter.terms = list(terms)
    # If the loss is one, the first of its terms carries it.
    return [
        sym.MakeLoss(_trained_by(term, loss), grad_scale=head.weight, name=f"{head.name}_{name}")
        for (name, term), loss in zip_longest(terms.items(), trained)
    ]


def _predictions(adapter: NetworkHead, features: Any, mode: str) -> list[Any]:
    """The outputs of a head in an eval graph."""
    head = adapter.head
    if _evaluates_in(mode, adapter):
        outputs = head.evaluate(features)
        for each in ("evaluate", "raw", "views"):
            if _evaluates_in(each, adapter):
                setattr(adapter, _OUTPUTS[each], list(outputs))
    elif mode == "raw":
        outputs = head.raw_outputs(features)
        adapter.raw_outputs = list(outputs)
    else:
        outputs = head.view_outputs(features)
        adapter.view_outputs = list(outputs)
    return [sym.identity(symbol, name=f"{head.name}_{name}") for name, symbol in outputs.items()]


def check_graphs(
    graph_of: Callable[[str, tuple[int, int]], Any], adapters: Mapping[str, HeadAdapter]
) -> None:
    """Check that names are distinct, and that eval graphs compute with trained parameters.

    Args:
        graph_of: (mode, input size) -> Symbol.
        adapters: the heads by name.

    Raises:
        BindError: an eval graph has a parameter that the train graph lacks.
        ConfigError: two outputs, labels or layers have one name.
    """

    def outputs(mode: str) -> dict[str, list[str]]:
        return {name: adapter.outputs(mode) for name, adapter in adapters.items()}

    train = graph_of("train", SIZE)
    trained = set(train.list_inputs())
    claims = {
        name: [*adapter.labels, *adapter.weights, weight_name(name)]
        for name, adapter in adapters.items()
    }
    check_outputs(outputs("train"))
    check_inputs(train, outputs("train"), claims)
    for mode in ("evaluate", "raw", "views"):
        graph = graph_of(mode, SIZE)
        check_outputs(outputs(mode))
        untrained = [name for name in graph.list_inputs() if name not in trained]
        if untrained:
            raise BindError(
                "Heads evaluate with parameters that they do not train",
                expected=f"the same names in `train` and `{mode}`",
                received=untrained,
                where=f"heads {', '.join(adapters)}",
                fix="name the layers, or build them in one method that both call",
            )


class _HeadNames(NameManager):  # type: ignore[misc]
    """Name the unnamed layers of a head after the head.

    With MXNet's counter for all, a layer that one head has in one graph only would shift the
    names of the heads behind it, and their parameters with them.
    """

    def __init__(self, head: str) -> None:
        super().__init__()
        self._head = head

    def get(self, name: str | None, hint: str) -> str:
        """`name`, or one made of the head's and `hint`."""
        return name or f"{self._head}_{super().get(None, hint)}"


def _trained_by(term: Any, loss: Any | None) -> Any:
    """The value of the (B,) loss `term`, with the gradient of `loss`, or no gradient for None.

    A sample's weight in `loss` of 0 sends exactly no gradient.
    """
    value = sym.BlockGrad(term)
    return value if loss is None else value + (loss - sym.BlockGrad(loss))
