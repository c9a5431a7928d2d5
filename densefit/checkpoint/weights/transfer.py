"""Weights of one network brought into another by name, and an account of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.class_rows import (
    arranged,
    rows_of,
    saved_heads,
    take_names_of,
    tell_unarranged,
)
from densefit.checkpoint.weights.parameters import parameters_of
from densefit.checkpoint.weights.renaming import Renames, renamed
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.model.head_names import weight_name
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.model.parameters import SIZE, owners, shapes

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Transferred:
    """What `transfer` did, by names of parameters and moving statistics.

    Attributes:
        loaded: have the source's values now.
        kept: not loaded, and of no other shape; they have the values that they had.
        new: the same, and they have no value yet: `fit` gives them one.
        mismatched: name -> (shape in the source, shape in the network) of those whose shapes
            differ, or whose classes do; they are as they were, like those of `kept` or `new`.
        dropped: in the source, under their names there, and not in the network.
        strides: output strides of the source's backbone and the network's, if both are known and
            they differ: the trunk is dilated otherwise, and heads see other maps than they learned.
        weights: what became of the parameters in which a balancer has learned how much a head's
            loss counts, by name: "loaded", "kept", "new" or "dropped". They are in the lists, too.
    """

    loaded: list[str]
    kept: list[str]
    new: list[str]
    mismatched: dict[str, tuple[Shape, Shape]]
    dropped: list[str]
    strides: tuple[int, int] | None = None
    weights: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{title} {len(names)}{': ' if names else ''}{_shown(names)}"
            for title, names in (
                ("loaded", self.loaded),
                ("kept", self.kept),
                ("new", self.new),
                ("of another shape", [_told(n, *s) for n, s in self.mismatched.items()]),
                ("dropped", self.dropped),
            )
        ]
        if self.weights:
            lines.append(f"learned weights of losses: {self.told_weights()}")
        return "\n".join([*lines, *([_told_strides(self.strides)] if self.strides else [])])

    def told_weights(self) -> str:
        """`weights` in words."""
        return ", ".join(f"{name} {what}" for name, what in self.weights.items())


def transfer(
    source: str | Path | Network | Mapping[str, Any],
    network: Network,
    *,
    rename: Renames | None = None,
    mismatched: str = "raise",
    input_size: tuple[int, int] | None = None,
) -> Transferred:
    """Give a network the weights of another one, where their names are the same.

    Nothing has to fit but names and shapes: heads may be fewer, more or others. What is left
    without a value begins as `fit` begins a new network's. Rows of a head's classes are brought by
    the names of these, from a head of more classes, too; a layer that has another class is of
    another shape. Where the source or the head has numbers and no names, as arrays by name have,
    rows are brought by place. A head that was made with a number of classes has the names of a
    source with as many from then on.

    How much a head's loss counts, if a balancer has learned it in the source, comes along with a
    head that is loaded whole. Of a head that has something new to learn, it would be that of
    another loss, and begins anew.

        network = df.Network("resnet18", [df.head("detection", classes=VOC)])
        print(df.surgery.transfer("runs/coco", network, mismatched="skip"))

    Args:
        source: a checkpoint or a run's folder (the newest), a Network, or name -> array. Names may
            have the `arg:` and `aux:` of MXNet's files.
        network: that is given the weights; it must not be in training.
        rename: pattern of the source's names -> new name, or None to leave them out:
            {"features.*": "resnet18_*", "old_head_*": None}; see
            `densefit.checkpoint.weights.renaming`.
        mismatched: what a parameter of another shape does, the last layer of a head with other
            classes, say: "raise", or "skip" it.
        input_size: (height, width) at which shapes are compared, for new heads with a dense layer
            over a whole map; other shapes do not depend on it.

    Returns:
        What was loaded, kept, new, of another shape and dropped; `print` shows it.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
        BindError: shapes differ, or nothing of the source is in the network.
        ConfigError: a wrong `rename` or `mismatched`, or the network is being trained.
    """
    if mismatched not in ("raise", "skip"):
        raise ConfigError(
            "Unknown way to treat parameters of another shape",
            expected="'raise' or 'skip'",
            received=repr(mismatched),
            where="mismatched",
        )
    found, place, stride, theirs, their_heads = _read(source, network)
    own_stride = network.output_stride if network.heads else None
    strides = (stride, own_stride) if stride and own_stride and stride != own_stride else None
    names = renamed(found, rename or {})
    given = {new: found[name] for name, new in names.items() if new is not None}
    sources = {new: name for name, new in names.items() if new is not None}
    their_rows, own_rows = rows_of(their_heads), rows_of(network.heads)
    given, lacking = arranged(given, sources, their_rows, own_rows)
    own, sizes = owners(network), shapes(network, input_size)
    differing = {
        name: (tuple(given[name].shape), sizes.get(name, tuple(given[name].shape)))
        for name in own
        if name in given
        and (name in lacking or sizes.get(name, given[name].shape) != tuple(given[name].shape))
    }
    if differing and mismatched == "raise":
        raise BindError(
            "Parameters of the source have other shapes, or classes, in the network",
            received=_shown([_told(name, *pair) for name, pair in differing.items()]),
            where=place + (f", {_told_strides(strides)}" if strides else ""),
            fix="mismatched='skip' leaves them as the network has them, to be trained (a last "
            "layer for other classes, say); rename={pattern: None} leaves them out",
        )
    loaded = [name for name in own if name in given and name not in differing]
    if not loaded:
        raise BindError(
            "No parameter of the source is in the network",
            expected=_shown(list(own)),
            received=_shown(list(found)),
            where=place,
            fix="do their names differ? rename={'theirs_*': 'ours_*'}",
        )
    tell_unarranged(their_heads, network.heads, loaded, own)
    weights = {weight_name(head): head for head in network.adapters if network.heads}
    learned = [name for name in weights if name in given]
    whole = _whole(own, loaded)
    loaded += [name for name in learned if weights[name] in whole]
    valued = {*network.value_shapes}
    others = [name for name in own if name not in given]
    others += [name for name in weights if name not in loaded and (learned or name in valued)]
    _give(network, {name: given[name] for name in loaded})
    brought = {name: sources[name] for name in loaded}
    take_names_of(their_heads, network.heads, brought, own)
    lists = {
        "loaded": loaded,
        "kept": [name for name in others if name in valued],
        "new": [name for name in others if name not in valued],
        "dropped": [n for n, new in names.items() if new is None or new not in [*own, *weights]],
    }
    known = {*weights, *map(weight_name, theirs)}
    told = {name: what for what, listed in lists.items() for name in listed if name in known}
    return Transferred(**lists, mismatched=differing, strides=strides, weights=told)


def _whole(own: Mapping[str, str | None], loaded: Sequence[str]) -> set[str | None]:
    """The heads all of whose parameters are loaded."""
    return set(own.values()) - {own[name] for name in own.keys() - set(loaded)}


def _read(
    source: Any, network: Network
) -> tuple[dict[str, Any], str, int | None, list[str], list[Head]]:
    """The source's arrays by name, what it is, and its output stride, names of heads and heads."""
    if isinstance(source, Network):
        source.check_initialized()
        stride = source.output_stride if source.heads else None
        arrays = {**source.parameters, **source.statistics}
        return arrays, "the given network", stride, list(source.adapters), source.heads
    if isinstance(source, Mapping):
        arrays = {
            _bare(name): value if hasattr(value, "dtype") else np.asarray(value)
            for name, value in source.items()
        }
        return arrays, "the given parameters", None, [], []
    if not isinstance(source, (str, Path)):
        raise ConfigError(
            "Weights come from a checkpoint, a Network or a mapping of names to arrays",
            received=f"{type(source).__name__}",
            fix="of (symbol, arg_params, aux_params): {**arg_params, **aux_params}",
        )
    place = store.resolve(source, Path(source))
    if place is None:
        raise CheckpointError("There is no checkpoint", where=source)
    parts, content = store.read(place, only=["model"])
    arguments, auxiliary = parameters_of(parts, "model", place, network)
    spec = content.get("network") if isinstance(content, dict) else None
    stride = spec.get("output_stride") if isinstance(spec, dict) else None
    identity = content.get("identity") if isinstance(content, dict) else None
    heads = identity.get("heads") if isinstance(identity, dict) else None
    arrays = {**arguments, **auxiliary}
    return arrays, str(place), stride, list(heads or ()), saved_heads(content)


def _bare(name: str) -> str:
    """
    >>> _bare("arg:fc_weight"), _bare("fc_weight")
    ('fc_weight', 'fc_weight')
    """
    kind, colon, rest = name.partition(":")
    return rest if colon and kind in ("arg", "aux") else name


def _give(network: Network, values: Mapping[str, Any]) -> None:
    auxiliary = set(network.peek("train", SIZE).list_auxiliary_states())
    parameters, statistics = dict(network.parameters), dict(network.statistics)
    for name, value in values.items():
        (statistics if name in auxiliary else parameters)[name] = _single(value)
    network.set_params(parameters, statistics)


def _single(value: Any) -> Any:
    """Real numbers of another width than training computes with, as float32."""
    if np.dtype(value.dtype).kind == "f" and value.dtype != np.float32:
        return value.astype(np.float32)
    return value


def _told(name: str, theirs: Shape, ours: Shape) -> str:
    return f"{name} {theirs}, not {ours}" if theirs != ours else f"{name} of other classes"


def _told_strides(strides: tuple[int, int]) -> str:
    return f"output stride {strides[0]} there, {strides[1]} here: heads see other maps"


def _shown(names: list[str], most: int = 6) -> str:
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
