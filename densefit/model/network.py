"""A network: one train graph and one eval graph that share parameters by name."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import BindError, ConfigError
from densefit.model.backbones import Backbone, backbones
from densefit.model.head_names import check_head_names, weight_name
from densefit.model.heads.adapter import Wire
from densefit.model.heads.head import Head, heads
from densefit.model.heads.loss_layers import loss_heads
from densefit.model.heads.network_head import HeadWire
from densefit.model.heads.route import Route
from densefit.model.heads.routed_head import wire
from densefit.model.loss_weights import check_weight
from densefit.model.name_collisions import check_inputs, check_outputs, check_variables

MODES = ("train", "evaluate", "raw", "views")
KEPT = 64  # graphs, of a network
Weigh = Callable[[str, Any, Any], Any]


class Network:
    """A backbone with heads, or any multi-output Symbol with routes.

    `Network(backbone="resnet18", heads=[...])` builds, for each input size that it meets, a
    train graph (backbone, and each head's losses) and an eval graph (backbone, and each head's
    small outputs: no loss, no label). Outputs are named `<head>_<output>`; parameters are the
    same arrays by name. `Network(symbol=..., routes={...})` uses one Symbol as both.

    Args:
        backbone: a registered name or a Backbone.
        heads: Heads, of distinct names, which neither `/ ~ * ? [ ]` nor what cannot be printed is
            in: they begin the names of scores, parameters, outputs and files.
        symbol: a user's Symbol, instead of a backbone and heads.
        routes: name -> Route, for `symbol`; by default one for each loss output, see
            `densefit.model.heads.loss_layers`.
        output_stride: of the backbone; by default the smallest that a head asks for.
        settings: of the backbone, when given by name (`{"width": 32}`).

    Raises:
        ConfigError: both or neither kind of network, a name that no head may have, or two outputs,
            labels or layers of one name: `cells` with `class_loss` and `cells_class` with `loss`.
        BindError: a route names an output that the symbol does not have.
    """

    def __init__(
        self,
        backbone: str | Backbone | None = None,
        heads: Sequence[Head] = (),
        *,
        symbol: Any = None,
        routes: Mapping[str, Route] | None = None,
        output_stride: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if (symbol is None) == (backbone is None):
            raise ConfigError(
                "A network is either a backbone with heads or a symbol with routes",
                received=f"backbone={backbone!r}, symbol={symbol!r}",
            )
        self._parameters: dict[str, np.ndarray] = {}
        self._statistics: dict[str, np.ndarray] = {}
        self._refresh: Callable[[], None] | None = None  # of an engine that trains the network
        # Those used last; pictures scored at their own sizes have hundreds.
        self._graphs: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._symbol = symbol
        self._train: Any = None  # the train graph that was used last
        self.heads = list(heads)
        self._spec: dict[str, Any] | None = None
        if symbol is not None:
            if heads:
                raise ConfigError("A symbol takes routes, not heads", received=heads)
            check_variables(symbol)
            outputs = symbol.list_outputs()
            check_head_names(routes or (), "route")
            self.wires: dict[str, Wire] = {
                name: wire(name, route, outputs)
                for name, route in (loss_heads(symbol) if routes is None else routes).items()
            }
            return
        if not heads:
            raise ConfigError("A network needs at least one head", fix="heads=[df.head(...)]")
        check_head_names(head.name for head in heads)
        self.backbone = self._make_backbone(backbone, settings)
        for head in heads:
            check_weight(head.weight, "weight", f"head {head.name!r}")
        self.output_stride = output_stride or min(head.output_stride for head in heads)
        self.wires = {head.name: wire(head.name, head) for head in heads}
        self._check_graphs()  # so that mistakes in a head show here, not in fit
        self._record_spec(backbone, settings)

    @staticmethod
    def _make_backbone(
        backbone: str | Backbone | None, settings: Mapping[str, Any] | None
    ) -> Backbone:
        if isinstance(backbone, Backbone):
            if settings:
                raise ConfigError("Settings go with a backbone's name, not with a Backbone")
            return backbone
        return backbones.create(str(backbone), **(settings or {}))

    def _record_spec(self, backbone: Any, settings: Any) -> None:
        """Keep what is needed to rebuild the network, if it was all built by name."""
        specs = [getattr(head, "spec", None) for head in self.heads]
        if isinstance(backbone, str) and all(spec is not None for spec in specs):
            self._spec = {
                "backbone": backbone,
                "settings": dict(settings or {}),
                "output_stride": self.output_stride,
                "heads": specs,
            }

    @property
    def spec(self) -> dict[str, Any] | None:
        """What `Network.from_spec` rebuilds the network of, as checkpoints keep it.

        None if it cannot be rebuilt: it, or one of its heads, was not made by name.
        """
        return self._spec

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Network:
        """The network that `spec` describes, without parameters."""
        made = [heads.create(entry["task"], **entry["settings"]) for entry in spec["heads"]]
        for head, entry in zip(made, spec["heads"]):
            head.spec = dict(entry)
            head.learned_names = dict(entry.get("names", {}))
        return cls(
            spec["backbone"],
            made,
            settings=spec["settings"],
            output_stride=spec["output_stride"],
        )

    @property
    def symbol(self) -> Any:
        """The train graph as one Symbol (at the input size that was used last)."""
        if self._symbol is not None:
            return self._symbol
        return self._train

    def graph(
        self, mode: str, input_size: tuple[int, int] | None = None, weigh: Weigh | None = None
    ) -> Any:
        """The Symbol for one of `MODES` at an input of (height, width).

        Args:
            mode: one of `MODES`.
            input_size: of the input; a user's Symbol needs none.
            weigh: in training, (head's name, Symbol (B,) of its loss, Symbol (B,) of the samples'
                weights) -> the Symbol (B,) that is trained, in place of their product. For weights
                that are learned with the network.
        """
        found = self.peek(mode, input_size, weigh)
        if mode == "train":
            self._train = found
        return found

    def peek(self, mode: str, input_size: Any = None, weigh: Weigh | None = None) -> Any:
        """What `graph` gives, without being the `symbol` that was used last."""
        if mode not in MODES:
            raise ConfigError("Unknown mode", expected=MODES, received=mode)
        if self._symbol is not None:
            return self._symbol
        if input_size is None:
            raise BindError("A backbone with heads needs the input's (height, width)")
        key = (mode, input_size, weigh)
        if key in self._graphs:
            self._graphs.move_to_end(key)
            return self._graphs[key]
        while len(self._graphs) >= KEPT:
            self._graphs.popitem(last=False)
        self._graphs[key] = self._build(mode, input_size, weigh)
        return self._graphs[key]

    def _build(self, mode: str, input_size: tuple[int, int], weigh: Weigh | None) -> Any:
        with mx.name.NameManager():
            data = mx.sym.Variable("data")
            features = self.backbone.features(data, input_size, self.output_stride)
        outputs = []
        for own in self.wires.values():
            if not isinstance(own, HeadWire):
                continue
            head = own.head
            with _HeadNames(head.name):
                if mode != "train":
                    if mode == "evaluate":
                        found = head.evaluate(features)
                        own.evaluated = list(found)
                    elif mode == "raw":
                        found = (
                            head.raw_outputs(features) if own.finishes else head.evaluate(features)
                        )
                        own.unfinished = list(found)
                    else:
                        found = head.view_outputs(features)
                        own.viewed = list(found)
                    outputs += [
                        mx.sym.identity(symbol, name=f"{head.name}_{name}")
                        for name, symbol in found.items()
                    ]
                    continue
                labels = {
                    label.name: mx.sym.Variable(f"{head.name}_{label.name}")
                    for label in head.labels(input_size)
                }
                found = head.train(features, labels)
                own.terms = list(found)
                own.check_terms(found, input_size)
                trained = own.trained(found, weigh)
                # If the loss is one, the first of its terms carries it.
                outputs += [
                    mx.sym.MakeLoss(
                        _trained_by(term, own_loss),
                        grad_scale=head.weight,
                        name=f"{head.name}_{name}",
                    )
                    for (name, term), own_loss in zip_longest(found.items(), trained)
                ]
        return mx.sym.Group(outputs)

    def _check_graphs(self) -> None:
        """Whether names are distinct, and the eval graphs compute with what is trained."""
        train = self.graph("train", (64, 64))
        trained = {*train.list_arguments(), *train.list_auxiliary_states()}
        claims = {
            name: [*own.labels, *own.weights, weight_name(name)] for name, own in self.wires.items()
        }
        check_outputs(self._outputs("train"))
        check_inputs(train, self._outputs("train"), claims)
        for mode in ("evaluate", "raw", "views"):
            graph = self.graph(mode, (64, 64))
            check_outputs(self._outputs(mode))
            used = [*graph.list_arguments(), *graph.list_auxiliary_states()]
            strange = [name for name in used if name not in trained]
            if not strange:
                continue
            raise BindError(
                "Heads evaluate with parameters that they do not train",
                expected=f"the same names in `train` and `{mode}`",
                received=strange,
                where=f"heads {', '.join(self.wires)}",
                fix="name the layers, or build them in one method that both call",
            )

    def _outputs(self, mode: str) -> dict[str, list[str]]:
        return {name: own.outputs(mode) for name, own in self.wires.items()}

    @property
    def initialized(self) -> bool:
        """Whether the network has parameters."""
        return bool(self._parameters)

    def check_initialized(self) -> None:
        """Raise BindError if the network has no parameters yet."""
        if self._refresh is not None:
            self._refresh()
        if not self.initialized:
            raise BindError(
                "The network has no parameters yet",
                fix="train it with fit, or give it some with set_params or load",
            )

    @property
    def parameters(self) -> Mapping[str, np.ndarray]:
        """Trained parameters by name, current at any moment; arrays cannot be written to.

        Empty before a training or `set_params`. An array stays as it is when training goes on.
        """
        if self._refresh is not None:
            self._refresh()
        return MappingProxyType(self._parameters)

    @property
    def statistics(self) -> Mapping[str, np.ndarray]:
        """BatchNorm's moving statistics by name, like `parameters`."""
        if self._refresh is not None:
            self._refresh()
        return MappingProxyType(self._statistics)

    @property
    def value_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter and statistic that has a value; reads no device."""
        return {n: v.shape for n, v in [*self._parameters.items(), *self._statistics.items()]}

    def set_params(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any] | None = None
    ) -> None:
        """Replace all parameters by copies of these.

        `fit` initialises what a later bind misses; `score` refuses it.

        Args:
            parameters: name -> numpy array or NDArray.
            statistics: BatchNorm's moving statistics, the same.

        Raises:
            ConfigError: the network is in training: the next update would overwrite them.
        """
        if self._refresh is not None:
            raise ConfigError(
                "Parameters cannot be set while the network is being trained",
                fix="set them before fit, or end the training first",
            )
        self._parameters = host_copies(parameters)
        self._statistics = host_copies(statistics or {})

    def lend(
        self, refresh: Callable[[], None]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Hand the parameters to an engine that trains them, until `take_back`.

        Args:
            refresh: writes the current values into the dicts; called before they are read.

        Returns:
            (parameters, statistics); the engine replaces entries, and writes to no array.
        """
        self._refresh = refresh
        return self._parameters, self._statistics

    def take_back(self, refresh: Callable[[], None]) -> None:
        """End what `lend` began with the same function; another engine's loan stays."""
        if self._refresh == refresh:
            self._refresh = None

    @property
    def arg_params(self) -> dict[str, Any]:
        """Deprecated: `parameters`, or NDArrays by `df.interop.arg_params(network)`."""
        return _ndarrays(self, "arg_params", "parameters")

    @property
    def aux_params(self) -> dict[str, Any]:
        """Deprecated: `statistics`, or NDArrays by `df.interop.aux_params(network)`."""
        return _ndarrays(self, "aux_params", "statistics")

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Deprecated: `parameters` and `statistics`, or NDArrays by `df.interop`.

        Raises:
            BindError: the network has no parameters yet.
        """
        self.check_initialized()
        return (
            _ndarrays(self, "arg_params", "parameters", "get_params()"),
            _ndarrays(self, "aux_params", "statistics", None),
        )


def is_symbol(model: Any) -> bool:
    """Whether a model is a Symbol."""
    return isinstance(model, mx.sym.Symbol)


def host_copies(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Copies in host memory that cannot be written to.

    Args:
        arrays: numpy arrays, or NDArrays.
    """
    copies = {}
    for name, array in arrays.items():
        values = array.asnumpy() if hasattr(array, "asnumpy") else array
        copies[name] = np.array(np.atleast_1d(values), order="C")
        copies[name].setflags(write=False)
    return copies


def _ndarrays(network: Network, kind: str, new: str, old: str | None = "") -> dict[str, Any]:
    """What a deprecated attribute returns: NDArrays, made by `densefit.interop`.

    Args:
        network: whose parameters are read.
        kind: of parameters, as MXNet calls it.
        new: attribute that has them as numpy arrays.
        old: how the caller reads them, for the warning; "": by the attribute; None: no warning.
    """
    if old is not None:
        warnings.warn(
            f"Network.{old or kind}: Network.{new} has numpy arrays, and "
            f"densefit.interop.{kind}(network) NDArrays",
            DeprecationWarning,
            stacklevel=3,
        )
    arrays: dict[str, Any] = getattr(import_module("densefit.interop"), kind)(network)
    return arrays


class _HeadNames(mx.name.NameManager):  # type: ignore[misc]
    """Names what a head leaves unnamed after the head.

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
    """The (B,) loss `term` as it is, with the gradient of `loss`; with none of None.

    A sample's weight in `loss` of 0 sends exactly no gradient.
    """
    shown = mx.sym.BlockGrad(term)
    return shown if loss is None else shown + (loss - mx.sym.BlockGrad(loss))
