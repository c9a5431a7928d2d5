"""Transfer of weights from one network into another by name, and a report."""

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
from densefit.checkpoint.weights.grown_rows import grow
from densefit.checkpoint.weights.normalising import follow, saved_input_normalization
from densefit.checkpoint.weights.parameters import parameters_of
from densefit.checkpoint.weights.renaming import Renames, renamed
from densefit.errors import BindError, CheckpointError, ConfigError
from densefit.model.head_names import weight_name
from densefit.model.heads.head import Head
from densefit.model.host_arrays import to_numpy
from densefit.model.network import Network
from densefit.model.parameters import SIZE, owners, shapes

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Transferred:
    """Report of `transfer`, by names of parameters and moving statistics.

    Attributes:
        loaded: parameters that have the source's values now.
        kept: parameters that were not loaded, without a mismatch; values are unchanged.
        new: parameters that were not loaded and have no value yet; `fit` initializes them.
        mismatched: name -> (shape in the source, shape in the network), for parameters whose
            shapes or classes differ; values are unchanged.
        dropped: names in the source of parameters that are not in the network.
        strides: output strides of the source's backbone and the network's, if both are known and
            differ: the trunk is dilated differently, so heads see other feature maps.
        weights: learned loss weights of heads: name -> "loaded", "kept", "new" or "dropped".
            The lists contain these names, too.
        grown: loaded parameter of which only some classes were in the source -> the new classes.
    """

    loaded: list[str]
    kept: list[str]
    new: list[str]
    mismatched: dict[str, tuple[Shape, Shape]]
    dropped: list[str]
    strides: tuple[int, int] | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    grown: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{title} {len(names)}{': ' if names else ''}{_listed(names)}"
            for title, names in (
                ("loaded", self.loaded),
                ("kept", self.kept),
                ("new", self.new),
                ("of another shape", [_mismatch_text(n, *s) for n, s in self.mismatched.items()]),
                ("dropped", self.dropped),
            )
        ]
        if self.grown:
            lines.append(self.grown_text())
        if self.weights:
            lines.append(f"learned weights of losses: {self.weights_text()}")
        return "\n".join([*lines, *([_strides_text(self.strides)] if self.strides else [])])

    def grown_text(self) -> str:
        """Name the classes that begin anew, by layers."""
        by_classes: dict[tuple[str, ...], list[str]] = {}
        for name, classes in self.grown.items():
            by_classes.setdefault(tuple(classes), []).append(name)
        return "; ".join(
            f"new classes {', '.join(classes)}, the others are kept: {_listed(names)}"
            for classes, names in by_classes.items()
        )

    def weights_text(self) -> str:
        """Format `weights` for people."""
        return ", ".join(f"{name} {what}" for name, what in self.weights.items())


def transfer(
    source: str | Path | Network | Mapping[str, Any],
    network: Network,
    *,
    rename: Renames | None = None,
    mismatched: str = "raise",
    input_size: tuple[int, int] | None = None,
) -> Transferred:
    """Load weights of another network wherever names and shapes are equal.

    The heads may differ. Parameters without a value are initialized by `fit`, as in a new network.
    Per-class rows are matched by class name, also from a head with more classes; a layer with a
    class that the source lacks counts as a mismatch. If the source or the head has unnamed
    classes, rows are matched by position. A head that was made with a number of classes takes the
    class names of a source with the same number. If the whole backbone is loaded from a checkpoint
    or a network, the network normalises its input as the source does, unless its settings state a
    `mean` or `std`.

    The learned loss weight of a head, if the source has one, is loaded if all of the head's
    parameters are. Otherwise the loss is another one, and its weight starts from the initial
    value.

        network = df.Network("resnet18", [df.head("detection", classes=VOC)])
        print(df.surgery.transfer("runs/coco", network, mismatched="skip"))

    Args:
        source: a checkpoint or a run's folder (the newest), a Network, or name -> array. Names may
            have the `arg:` and `aux:` of MXNet's files.
        network: network to load into; must not be in training.
        rename: pattern of the source's names -> new name, or None to leave them out:
            {"features.*": "resnet18_*", "old_head_*": None}; see
            `densefit.checkpoint.weights.renaming`.
        mismatched: "raise" on a parameter of another shape, e.g. the last layer of a head with
            other classes; "skip" it; or "grow": rows of classes that both have are loaded by class
            name, and the others begin as in a new network; what has another shape otherwise is
            skipped.
        input_size: (height, width) at which shapes are compared, for new heads with a dense layer
            over a whole map; other shapes do not depend on it.

    Returns:
        A report of loaded, kept, new, mismatched and dropped parameters; `print` shows it.

    Raises:
        CheckpointError: there is no checkpoint, or it is damaged.
        BindError: shapes differ, or no parameter of the source is in the network.
        ConfigError: a wrong `rename` or `mismatched`, or the network is being trained.
    """
    if mismatched not in ("raise", "skip", "grow"):
        raise ConfigError(
            "Unknown way to treat parameters of another shape",
            expected="'raise', 'skip' or 'grow'",
            received=repr(mismatched),
            where="mismatched",
        )
    source_arrays, source_name, stride, theirs, their_heads, normalisation = _read(source, network)
    own_stride = network.output_stride if network.heads else None
    strides = (stride, own_stride) if stride and own_stride and stride != own_stride else None
    names = renamed(source_arrays, rename or {})
    arrays = {new: source_arrays[name] for name, new in names.items() if new is not None}
    sources = {new: name for name, new in names.items() if new is not None}
    _give_copies(arrays, sources, network.copies)
    their_rows, own_rows = rows_of(their_heads), rows_of(network.heads)
    arrays, lacking = arranged(arrays, sources, their_rows, own_rows)
    grown: dict[str, list[str]] = {}
    if mismatched == "grow":
        grown = grow(network, arrays, sources, lacking, their_rows, own_rows)
        lacking = [name for name in lacking if name not in grown]
    parameter_owners, sizes = owners(network), shapes(network, input_size)
    differing = {
        name: (tuple(arrays[name].shape), sizes.get(name, tuple(arrays[name].shape)))
        for name in parameter_owners
        if name in arrays
        and (name in lacking or sizes.get(name, arrays[name].shape) != tuple(arrays[name].shape))
    }
    if differing and mismatched == "raise":
        raise BindError(
            "Parameters of the source have other shapes, or classes, in the network",
            received=_listed([_mismatch_text(name, *pair) for name, pair in differing.items()]),
            where=source_name + (f", {_strides_text(strides)}" if strides else ""),
            fix="mismatched='grow' keeps the rows of classes that both have, by name, and begins "
            "the others anew; 'skip' leaves whole layers as the network has them, to be trained; "
            "rename={pattern: None} leaves them out",
        )
    loaded = [name for name in parameter_owners if name in arrays and name not in differing]
    if not loaded:
        raise BindError(
            "No parameter of the source is in the network",
            expected=_listed(list(parameter_owners)),
            received=_listed(list(source_arrays)),
            where=source_name,
            fix="do their names differ? rename={'theirs_*': 'ours_*'}",
        )
    tell_unarranged(their_heads, network.heads, loaded, parameter_owners)
    weights = {weight_name(head): head for head in network.adapters if network.heads}
    learned = [name for name in weights if name in arrays]
    whole = _whole(parameter_owners, [name for name in loaded if name not in grown])
    loaded += [name for name in learned if weights[name] in whole]
    valued = {*network.value_shapes}
    not_loaded = [name for name in parameter_owners if name not in arrays]
    not_loaded += [name for name in weights if name not in loaded and (learned or name in valued)]
    _give(network, {name: arrays[name] for name in loaded})
    if normalisation is not None and network.heads and None in whole:
        mean, std = normalisation
        follow(network, mean, std, source_name)
    brought = {name: sources[name] for name in loaded}
    take_names_of(their_heads, network.heads, brought, parameter_owners)
    used = {*parameter_owners, *network.copies.values()}
    lists = {
        "loaded": loaded,
        "kept": [name for name in not_loaded if name in valued],
        "new": [name for name in not_loaded if name not in valued],
        "dropped": [n for n, new in names.items() if new is None or new not in {*used, *weights}],
    }
    loss_weights = {*weights, *map(weight_name, theirs)}
    outcomes = {
        name: what for what, listed in lists.items() for name in listed if name in loss_weights
    }
    return Transferred(
        **lists, mismatched=differing, strides=strides, weights=outcomes, grown=grown
    )


def _give_copies(
    arrays: dict[str, Any], sources: dict[str, str], copies: Mapping[str, str]
) -> None:
    """Give layers that heads have of their own what the source has for all."""
    for name, original in copies.items():
        if name not in arrays and original in arrays:
            arrays[name], sources[name] = arrays[original], sources[original]


def _whole(parameter_owners: Mapping[str, str | None], loaded: Sequence[str]) -> set[str | None]:
    """Return the heads whose parameters are all loaded."""
    return set(parameter_owners.values()) - {
        parameter_owners[name] for name in parameter_owners.keys() - set(loaded)
    }


def _read(
    source: Any, network: Network
) -> tuple[dict[str, Any], str, int | None, list[str], list[Head], Any]:
    """Read a source: (arrays, description, output stride, head names, heads, normalisation)."""
    if isinstance(source, Network):
        source.check_initialized()
        stride = source.output_stride if source.heads else None
        arrays = {**source.parameters, **source.statistics}
        kind = (source.backbone.mean, source.backbone.std) if source.heads else None
        return arrays, "the given network", stride, list(source.adapters), source.heads, kind
    if isinstance(source, Mapping):
        arrays = {_bare(name): to_numpy(value) for name, value in source.items()}
        return arrays, "the given parameters", None, [], [], None
    if not isinstance(source, (str, Path)):
        raise ConfigError(
            "Weights come from a checkpoint, a Network or a mapping of names to arrays",
            received=f"{type(source).__name__}",
            fix="of (symbol, arg_params, aux_params): {**arg_params, **aux_params}",
        )
    location = store.resolve(source, Path(source))
    if location is None:
        raise CheckpointError("There is no checkpoint", where=source)
    parts, content = store.read(location, only=["model"])
    arguments, auxiliary = parameters_of(parts, "model", location, network)
    spec = content.get("network") if isinstance(content, dict) else None
    stride = spec.get("output_stride") if isinstance(spec, dict) else None
    identity = content.get("identity") if isinstance(content, dict) else None
    heads = identity.get("heads") if isinstance(identity, dict) else None
    arrays = {**arguments, **auxiliary}
    normalisation = saved_input_normalization(content)
    return arrays, str(location), stride, list(heads or ()), saved_heads(content), normalisation


def _bare(name: str) -> str:
    """Remove the `arg:` or `aux:` from a name.

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
    """Convert real numbers of another width to float32, the dtype of training."""
    if np.dtype(value.dtype).kind == "f" and value.dtype != np.float32:
        return value.astype(np.float32)
    return value


def _mismatch_text(name: str, theirs: Shape, ours: Shape) -> str:
    return f"{name} {theirs}, not {ours}" if theirs != ours else f"{name} of other classes"


def _strides_text(strides: tuple[int, int]) -> str:
    return f"output stride {strides[0]} there, {strides[1]} here: heads see other maps"


def _listed(names: list[str], most: int = 6) -> str:
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
