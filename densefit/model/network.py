"""A network: one train graph and one eval graph that share parameters by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import RLock
from types import MappingProxyType
from typing import Any

from densefit.errors import BindError, ConfigError
from densefit.model.backbones import Backbone, backbones
from densefit.model.head_names import check_head_names
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.heads.head import Head, heads
from densefit.model.heads.loss_layers import loss_heads
from densefit.model.heads.route import Route
from densefit.model.heads.routed_head import head_adapter
from densefit.model.loss_weights import check_weight
from densefit.model.name_collisions import check_variables
from densefit.model.network_graph import (
    SIZE,
    Trunk,
    Weigh,
    build_graph,
    build_trunk,
    built_mode,
    check_graphs,
)
from densefit.model.network_parameters import NetworkParameters
from densefit.model.sharing.branches import ShareUntil
from densefit.model.sharing.sharing import SharingSpec, check_alone, sharing_spec
from densefit.symbol import is_symbol as is_symbol

MODES = ("train", "evaluate", "raw", "views")
KEPT = 64  # cached graphs of a network
_BUILDING = RLock()  # threads may predict with one network, each with an engine


class Network(NetworkParameters):
    """A backbone with heads, or any multi-output Symbol with routes.

    `Network(backbone="resnet18", heads=[...])` builds a train graph (backbone, and each head's
    losses) and an eval graph (backbone, and each head's small outputs: no loss, no label) for each
    input size. Outputs are named `<head>_<output>`; the graphs share parameters by name.
    `Network(symbol=..., routes={...})` uses one Symbol as both graphs.

    Args:
        backbone: a registered name or a Backbone.
        heads: Heads with distinct printable names without `/ ~ * ? [ ]`: names of scores,
            parameters, outputs and files start with them.
        symbol: a user's Symbol, instead of a backbone and heads.
        routes: name -> Route, for `symbol`; by default one for each loss output, see
            `densefit.model.heads.loss_layers`.
        output_stride: output stride of the backbone; by default the smallest that a head requires.
        settings: settings of a backbone that is given by name (`{"width": 32}`); `mean` and `std`
            of RGB in [0, 255] are settings of every backbone.
        share_until: "stage1" to "stage4" (maps at strides 4 to 32), or the stride: behind this
            stage each head has the rest of the backbone for itself. Or a tree: stage -> groups of
            heads that part there, `{"stage2": [["boxes", "masks"]], "stage3": [["boxes"]]}`; heads
            that are in no group stay together. None: all share the whole backbone.
        normalize_by_head: each head has scales, shifts and moving statistics of the backbone's
            normalizations for itself; filters stay shared.
        adapt_by_head: likewise, and each head has adapters: 1x1 convolutions, 0 at first, beside
            the wider ones. Freeze what is shared with `fit(freeze=["resnet18_*"])`.

        sharing: how heads share the backbone otherwise: a name of `df.sharing.sharings`, or a dict
            of name and settings. Goes without the three before it.

    Raises:
        ConfigError: both or neither kind of network, an invalid head name, or two outputs, labels
            or layers of one name: `cells` with `class_loss` and `cells_class` with `loss`.
        BindError: a route names an output that the symbol does not have.
    """

    #: Name of the only engine that computes the network; None: any.
    engine_name: str | None = None
    #: Transform that fits images to the only size that an exported model takes; None: any size.
    fitting: Any = None
    #: Names of the inputs of an exported model, which has no Symbol.
    input_names: Sequence[str] | None = None
    _trunk: Trunk | None = None  # of all graphs at SIZE, while these are checked
    #: Layer or parameter that some heads have of their own -> its name in the backbone.
    copies: Mapping[str, str] = MappingProxyType({})
    share_until: ShareUntil | None = None
    normalize_by_head: bool = False
    adapt_by_head: bool = False
    #: Name and settings of how heads share the backbone.
    sharing: Mapping[str, Any] | None = None

    #: Engines that `predict` keeps; not copied with the network.
    _predictors: dict[Any, Any] | None = None

    def __init__(
        self,
        backbone: str | Backbone | None = None,
        heads: Sequence[Head] = (),
        *,
        symbol: Any = None,
        routes: Mapping[str, Route] | None = None,
        output_stride: int | None = None,
        settings: Mapping[str, Any] | None = None,
        share_until: ShareUntil | None = None,
        normalize_by_head: bool = False,
        adapt_by_head: bool = False,
        sharing: SharingSpec | None = None,
    ) -> None:
        if (symbol is None) == (backbone is None):
            raise ConfigError(
                "A network is either a backbone with heads or a symbol with routes",
                received=f"backbone={backbone!r}, symbol={symbol!r}",
            )
        super().__init__()
        # Least recently used first; images scored at original size need hundreds of graphs.
        self._graphs: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._symbol = symbol
        self._train: Any = None  # the latest train graph
        self.heads = list(heads)
        self._spec: dict[str, Any] | None = None
        if symbol is not None:
            if heads:
                raise ConfigError("A symbol takes routes, not heads", received=heads)
            check_variables(symbol)
            outputs = symbol.list_outputs()
            check_head_names(routes or (), "route")
            self.adapters: dict[str, HeadAdapter] = {
                name: head_adapter(name, route, outputs)
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
        self.share_until, self.adapt_by_head = share_until, adapt_by_head
        self.normalize_by_head = normalize_by_head or adapt_by_head
        self.sharing = sharing_spec(sharing)
        check_alone(self.sharing, share_until, self.normalize_by_head)
        self.adapters = {head.name: head_adapter(head.name, head) for head in heads}
        self._check_graphs()  # reports errors of a head here, not in fit
        self._record_spec(backbone, settings)

    def _check_graphs(self) -> None:
        self._trunk = self.build_trunk(SIZE)
        self.copies = self._trunk.copies
        try:
            check_graphs(self.graph, self.adapters)
        finally:
            self._trunk = None  # the user may change the backbone

    def build_trunk(self, input_size: tuple[int, int]) -> Trunk:
        """Build the backbone's maps for each head, and which layers are copies for some heads."""
        names = [head.name for head in self.heads]
        arguments = (self.backbone, self.output_stride, input_size, names)
        by_head = (self.normalize_by_head, self.adapt_by_head)
        return build_trunk(*arguments, self.share_until, *by_head, self.sharing)

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
        """Store the spec of a network that was built by name alone."""
        specs = [getattr(head, "spec", None) for head in self.heads]
        if isinstance(backbone, str) and all(spec is not None for spec in specs):
            self._spec = {
                "backbone": backbone,
                "settings": dict(settings or {}),
                "output_stride": self.output_stride,
                "heads": specs,
            }
            if self.share_until is not None:
                self._spec["share_until"] = self.share_until
            if self.normalize_by_head:
                self._spec["normalize_by_head"] = True
            if self.adapt_by_head:
                self._spec["adapt_by_head"] = True
            if self.sharing is not None:
                self._spec["sharing"] = self.sharing

    @property
    def spec(self) -> dict[str, Any] | None:
        """Return the spec for `Network.from_spec`, as checkpoints store it.

        None if the network, or one of its heads, was not created by name.
        """
        return self._spec

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Network:
        """Build a network from its spec, without parameters."""
        return cls(
            spec["backbone"],
            heads_of_spec(spec),
            settings=spec["settings"],
            output_stride=spec["output_stride"],
            share_until=spec.get("share_until"),
            normalize_by_head=spec.get("normalize_by_head", False),
            adapt_by_head=spec.get("adapt_by_head", False),
            sharing=spec.get("sharing"),
        )

    @property
    def symbol(self) -> Any:
        """Return the train graph as one Symbol (at the latest input size)."""
        if self._symbol is not None:
            return self._symbol
        return self._train

    @property
    def output_names(self) -> list[str]:
        """Return the full names of the symbol's outputs."""
        names: list[str] = self.symbol.list_outputs()
        return names

    def graph(
        self, mode: str, input_size: tuple[int, int] | None = None, weigh: Weigh | None = None
    ) -> Any:
        """Return the Symbol of a mode at an input of (height, width).

        Args:
            mode: one of `MODES`.
            input_size: (height, width) of the input; unused for a user's Symbol.
            weigh: for training: (head's name, Symbol (B,) of its loss, Symbol (B,) of sample
                weights) -> Symbol (B,) of the weighted loss; None for their product. For loss
                weights that are learned with the network.
        """
        symbol = self.peek(mode, input_size, weigh)
        if mode == "train":
            self._train = symbol
        return symbol

    def peek(self, mode: str, input_size: Any = None, weigh: Weigh | None = None) -> Any:
        """Return the Symbol like `graph`, without making it the network's `symbol`."""
        if mode not in MODES:
            raise ConfigError("Unknown mode", expected=MODES, received=mode)
        if self._symbol is not None:
            return self._symbol
        if input_size is None:
            raise BindError("A backbone with heads needs the input's (height, width)")
        mode = built_mode(self.adapters, mode)
        key = (mode, input_size, weigh)
        with _BUILDING:
            if key in self._graphs:
                self._graphs.move_to_end(key)
                return self._graphs[key]
            while len(self._graphs) >= KEPT:
                self._graphs.popitem(last=False)
            trunk = self._trunk or self.build_trunk(input_size)
            self._graphs[key] = build_graph(trunk.features, self.adapters, mode, input_size, weigh)
            return self._graphs[key]

    def predict(self, images: Any, **settings: Any) -> Any:
        """Predict on images in original image coordinates, again and again, from any thread.

            network.predict("photo.jpg")["detection"]["boxes"]

        The engine is kept between calls, as long as the parameters stay the same, which
        `df.predict` makes anew. Images of one input size are computed together, a batch at a time.

        Args:
            images: an array (H, W, 3) uint8 RGB, an image file or a folder; or a list of arrays
                and files.
            settings: `transform`, `batch_size`, `devices` and `engine` of `df.predict`.

        Returns:
            {head: prediction} for a single image, else a list of these in the order of the images;
            of a folder by name. Predictions are described by their heads: of boxes they are dicts
            of `boxes` (n, 4) float32 xyxy, `scores` (n,) float32 and `classes` (n,) int64.

        Raises:
            BindError: the network has no parameters, or the images do not fit it.
            DataError: an image cannot be read.
        """
        from importlib import import_module  # evaluation is above the model

        return import_module("densefit.evaluation.network_predict").network_predict(
            self, images, **settings
        )

    @property
    def predictors(self) -> dict[Any, Any]:
        """Return what `predict` keeps between calls."""
        if self._predictors is None:
            self._predictors = {}
        return self._predictors

    def with_routes(self, routes: Mapping[str, Route]) -> Network:
        """Return a copy of the network of a user's Symbol with other routes.

        Raises:
            ConfigError: the network has heads.
            BindError: the network has no parameters yet.
        """
        if self.heads:
            raise ConfigError("Routes are for a network made of a symbol", received=list(routes))
        routed = Network(symbol=self.symbol, routes=routes)
        self.check_initialized()
        routed.set_params(self.parameters, self.statistics)
        return routed

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without engines."""
        return {key: value for key, value in vars(self).items() if key != "_predictors"}

    def forget_graphs(self) -> None:
        """Build the graphs again when they are next used: settings of heads have changed."""
        self._graphs.clear()
        self._train = self._predictors = None

    def normalise_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Let the backbone normalise its input otherwise, as weights from elsewhere expect.

        The spec says so, too, so that a checkpoint of the network is loaded with it.

        Args:
            mean: of RGB in [0, 255].
            std: likewise.

        Raises:
            ConfigError: wrong numbers, or the network is in training.
        """
        if self._refresh is not None:
            raise ConfigError("The normalisation cannot change while the network is being trained")
        self.backbone.normalise_input_by(mean, std)
        self.forget_graphs()
        self._check_graphs()
        if self._spec is not None:
            changed = {"mean": list(self.backbone.mean), "std": list(self.backbone.std)}
            self._spec = {**self._spec, "settings": {**self._spec["settings"], **changed}}


def heads_of_spec(spec: Mapping[str, Any]) -> list[Head]:
    """Make the heads of a network from its spec."""
    created = [heads.create(entry["task"], **entry["settings"]) for entry in spec["heads"]]
    for head, entry in zip(created, spec["heads"]):
        head.spec = dict(entry)
        head.learned_names = dict(entry.get("names", {}))
    return created
