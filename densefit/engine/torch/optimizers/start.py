"""Start an optimizer by MXNet's name, or from an optimizer object of MXNet."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from densefit.engine.param_groups import factors
from densefit.engine.settings import OptimizerSettings
from densefit.engine.torch.optimizers.adam import Adam, Adamax, AdamW, Nadam
from densefit.engine.torch.optimizers.adaptive import (
    FTML,
    AdaDelta,
    AdaGrad,
    Ftrl,
    GroupAdaGrad,
    RMSProp,
)
from densefit.engine.torch.optimizers.layerwise import LAMB, LARS, LBSGD
from densefit.engine.torch.optimizers.optimizer import Optimizer, Tensor
from densefit.engine.torch.optimizers.sgd import DCASGD, NAG, SGD, SGLD, Signum
from densefit.engine.types import OptimizerLike
from densefit.errors import ConfigError
from densefit.model.symbol_graph import SymbolGraph
from densefit.numeric import check_optimizer
from densefit.registry import nearest

_log = logging.getLogger("densefit")


class ccSGD(SGD):  # noqa: N801 - MXNet's name
    """An old name of SGD."""

    kind = "ccSGD"


#: MXNet's name in lower case -> class.
OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    optimizer.kind.lower(): optimizer
    for optimizer in (
        *(SGD, ccSGD, NAG, Signum, SGLD, DCASGD, Adam, AdamW, Adamax, Nadam, RMSProp, AdaGrad),
        *(GroupAdaGrad, AdaDelta, Ftrl, FTML, LARS, LAMB, LBSGD),
    )
}
_COMMON = ("clip_gradient", "rescale_grad", "wd", "lr_scheduler", "begin_num_update")
_ATTRIBUTES = {"eps": "float_stable_eps", "learning_rate": "lr"}  # argument -> attribute
_SPARSE = "sparse_grad"
_HOMES = ("mxnet.", "densefit.")  # modules of classes that are known here


def start(
    settings: OptimizerSettings,
    parameters: Mapping[str, Tensor],
    graph: SymbolGraph,
    fixed: Iterable[str] = (),
) -> Optimizer:
    """Start a new optimizer.

    An optimizer object of MXNet is read, not used: a new one of its class and settings begins with
    its update counts.

    Args:
        settings: the optimizer. Its groups replace the factors on rate and decay that MXNet or the
            symbol's attributes set for these parameters.
        parameters: trained parameters by name, in the order of the symbol's arguments.
        graph: the train graph, whose variables may have `lr_mult` and `wd_mult`.
        fixed: names of parameters without a gradient, which groups may name too.

    Raises:
        ConfigError: an unknown optimizer or setting, or groups that match no parameter.
    """
    multipliers = factors(settings.groups or {}, [*parameters, *fixed])
    if isinstance(settings.optimizer, str):
        optimizer = _by_name(settings.optimizer, dict(settings.settings), parameters)
    else:
        optimizer = _from_object(settings, parameters)
    for kind, chosen in (("lr", optimizer.lr_mult), ("wd", optimizer.wd_mult)):
        for node in graph.nodes:
            if node.is_variable and f"__{kind}_mult__" in node.attrs and node.name in parameters:
                chosen[node.name] = float(node.attrs[f"__{kind}_mult__"])
        if optimizer.source is not None:
            chosen.update(_stated(optimizer.source, f"{kind}_mult", parameters))
        chosen.update(multipliers[kind])
    optimizer.sparse = frozenset(
        node.inputs[1].node.name
        for node in graph.nodes
        if node.op == "_contrib_SparseEmbedding" or (node.op == "Embedding" and node.flag(_SPARSE))
    )
    _warn_of_unused_rate(optimizer, settings)
    return optimizer


def _by_name(name: str, settings: dict[str, Any], parameters: Mapping[str, Tensor]) -> Optimizer:
    make = OPTIMIZERS.get(name.lower())
    description = f"{name!r} with {settings}"
    if make is None:
        raise ConfigError(
            f"The engine 'torch' has no optimizer {name!r}",
            received=description,
            fix=f"{nearest(name.lower(), OPTIMIZERS)}; an optimizer that was registered with "
            "MXNet runs with engine='mxnet'",
        )
    check_optimizer(settings, where="optimizer_params")
    try:
        return make(parameters, **settings)
    except (TypeError, ValueError) as error:
        allowed = {*_settings_of(make), *_COMMON, "learning_rate", "multi_precision"}
        raise ConfigError(
            f"The optimizer {name!r} cannot be made: {error}",
            expected=f"some of {', '.join(sorted(allowed))}",
            received=description,
        ) from error


def _from_object(settings: OptimizerSettings, parameters: Mapping[str, Tensor]) -> Optimizer:
    source: Any = settings.optimizer
    kind, home = type(source).__name__, f"{type(source).__module__}."
    if not _is_optimizer(source):
        raise ConfigError(
            "This is not an optimizer",
            expected="a name, or an mx.optimizer.Optimizer",
            received=repr(source)[:200],
            fix=f"known names: {', '.join(sorted(OPTIMIZERS))}",
        )
    if settings.settings:
        raise ConfigError(
            "Settings go with an optimizer's name, not with an object",
            received=dict(settings.settings),
        )
    make = OPTIMIZERS.get(kind.lower()) if home.startswith(_HOMES) else None
    if make is None:
        raise ConfigError(
            f"The engine 'torch' cannot run the optimizer {home}{kind}, which computes on MXNet's "
            "arrays",
            expected=f"one of MXNet's own classes: {', '.join(sorted(OPTIMIZERS))}",
            received=repr(source)[:200],
            fix="use engine='mxnet', or one of these",
        )
    check_optimizer({"learning_rate": source.lr, **vars(source)}, where=f"optimizer {kind}")
    values = {name: getattr(source, name) for name in _COMMON}
    values["lr_scheduler"] = copy.deepcopy(source.lr_scheduler)
    for name in _settings_of(make):
        attribute = _ATTRIBUTES.get(name, name)
        if hasattr(source, attribute) or hasattr(source, name):
            values[name] = getattr(source, attribute, getattr(source, name, None))
    if kind == "LBSGD":
        values["begin_epoch"] = source.init_updates // max(1, source.updates_per_epoch)
    values.pop("learning_rate", None)
    try:
        optimizer = make(parameters, **values)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"The optimizer {kind} cannot be made: {error}", received=values
        ) from error
    optimizer.lr, optimizer.source = source.lr, source
    optimizer.num_update = source.num_update
    names = list(parameters)
    optimizer.counts = {
        key if isinstance(key, str) else names[key]: count
        for key, count in source._index_update_count.items()
        if (key in parameters if isinstance(key, str) else key < len(names))
    }
    return optimizer


def _is_optimizer(source: Any) -> bool:
    return isinstance(source, OptimizerLike)


def _settings_of(make: type[Optimizer]) -> list[str]:
    """Names of a class's own settings."""
    names = inspect.signature(make.__init__).parameters
    return [name for name in names if name not in ("self", "parameters", "settings")]


def _stated(source: Any, attribute: str, parameters: Mapping[str, Tensor]) -> dict[str, float]:
    """Factors that the user set on an optimizer object, by parameter name."""
    names = list(parameters)
    stated = {
        key if isinstance(key, str) else names[key]: float(factor)
        for key, factor in getattr(source, attribute).items()
        if isinstance(key, str) or key < len(names)
    }
    for key, parameter in source.param_dict.items():  # gluon's parameters by index
        if key < len(names):
            stated[names[key]] = float(getattr(parameter, attribute))
    return stated


def _warn_of_unused_rate(optimizer: Optimizer, settings: OptimizerSettings) -> None:
    groups = (settings.groups or {}).values()
    has_rate = settings.settings.get("learning_rate") is not None or settings.has_schedule
    has_rate |= any(group.get("lr") is not None for group in groups)
    if isinstance(optimizer, AdaDelta) and has_rate:
        _log.warning(
            "AdaDelta has no learning rate: schedules, rates and the lr of groups have no "
            "effect, and weights decay by wd per update. To fix some parameters: freeze=[...]"
        )
