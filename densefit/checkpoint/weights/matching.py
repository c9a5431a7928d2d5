"""Which names in a file of weights are the parameters of a backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from densefit.checkpoint.weights.files.weight_file import WeightFile
from densefit.checkpoint.weights.maps import PREFIXES, NameMap, layouts_of
from densefit.errors import BindError
from densefit.model.backbones import Backbone
from densefit.model.backbones.input_normalization import InputNormalization

OWN = "densefit"


@dataclass(frozen=True)
class Match:
    """Names of a file for all parameters of a backbone.

    Attributes:
        layout: whose names they are.
        names: parameter -> name in the file.
        unexpected: other names in the file.
        unused: other names in the file that are of no use.
        table: the layout's; None of densefit's names.
        prefix: what precedes the backbone's names in the file.
    """

    layout: str
    names: Mapping[str, str]
    unexpected: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    table: NameMap | None = None
    prefix: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the names are densefit's."""
        return self.layout == OWN

    @property
    def input_normalization(self) -> InputNormalization | None:
        """Normalisation of the input, if the layout says it."""
        return None if self.table is None else self.table.input_normalization


def match_names(
    backbone: Backbone,
    parameters: Sequence[str],
    file: WeightFile,
    prefix: str | None = None,
    idle: Sequence[str] = (),
) -> Match:
    """Find all parameters of a backbone in a file, by the tables of names.

    Args:
        backbone: the backbone.
        parameters: its parameters and moving statistics.
        file: the file.
        prefix: what precedes its names in the file; None for the usual ones.
        idle: parameters of its layers that no head reads; the file may have them.

    Raises:
        BindError: parameters are missing, or the file has more layers.
    """
    best: tuple[int, str, str, dict[str, str]] = (-1, OWN, "", {})
    layouts = layouts_of(backbone)
    tables = {name: table.names(parameters, backbone.name) for name, table in layouts.items()}
    for layout, names in {OWN: {name: name for name in parameters}, **tables}.items():
        for start in PREFIXES if prefix is None else (prefix,):
            present = {
                ours: start + theirs
                for ours, theirs in names.items()
                if start + theirs in file.arrays
            }
            if len(present) > best[0]:
                best = (len(present), layout, start, present)
    count, layout, start, present = best
    if count < len(parameters):
        raise _missing(backbone, parameters, file, layout, present, tables)
    rest = [name for name in file.arrays if name not in {*present.values()}]
    table = layouts.get(layout)
    if table is None:
        return Match(OWN, present, unexpected=rest)
    no_use = {start + name for name in table.names(idle, backbone.name).values()}
    more = [name for name in rest if name not in no_use]
    _check_leftover(backbone, more, start, table, file, layout)
    _check_built(backbone, table, file, layout)
    unused = [n for n in rest if n in no_use or table.is_unused(n.removeprefix(start))]
    return Match(
        layout,
        present,
        unexpected=[name for name in rest if name not in {*unused}],
        unused=unused,
        table=table,
        prefix=start,
    )


def _check_leftover(
    backbone: Backbone,
    rest: Sequence[str],
    start: str,
    table: NameMap,
    file: WeightFile,
    layout: str,
) -> None:
    """Raise BindError if the file has layers that the backbone does not have."""
    bare = {name.removeprefix(start): name for name in rest if name.startswith(start)}
    left = table.leftover(bare)
    if left:
        raise BindError(
            f"The weights are of another architecture than {backbone.name!r}: it has more layers",
            received=", ".join(bare[name] for name in left[:4]) + ", ..." * (len(left) > 4),
            where=f"{file.path}, with names of {layout}",
            fix="choose the backbone that the file is of",
        )


def _check_built(backbone: Backbone, table: NameMap, file: WeightFile, layout: str) -> None:
    """Raise BindError if the weights need a backbone of other settings."""
    for name, value in table.built.items():
        if getattr(backbone, name) != value:
            raise BindError(
                f"The weights were trained with another {name} than the backbone's",
                expected=f"{name} {value}, with names of {layout}",
                received=f"{name} {getattr(backbone, name)} of {backbone.name!r}",
                where=file.path,
                fix=f"settings={{{name!r}: {value}}} of the backbone (--model.settings.{name})",
            )


def _missing(
    backbone: Backbone,
    parameters: Sequence[str],
    file: WeightFile,
    layout: str,
    present: Mapping[str, str],
    tables: Mapping[str, Mapping[str, str]],
) -> BindError:
    if file.is_folded:
        return BindError(
            "The ONNX model was folded by its exporter: BatchNorm is merged into convolutions, and "
            "names of layers are lost",
            received=", ".join(list(file.arrays)[:4]),
            where=file.path,
            fix="in PyTorch: export with training=TrainingMode.PRESERVE and "
            "do_constant_folding=False; or take the weights that it was exported from",
        )
    names = {name: name for name in parameters} if layout == OWN else tables[layout]
    lacking = [names.get(name, name) for name in parameters if name not in present]
    tried = ", ".join([OWN, *tables])
    return BindError(
        f"The file lacks {len(lacking)} of the {len(parameters)} parameters of the backbone "
        f"{backbone.name!r}",
        expected=f"{', '.join(lacking[:4])}, ... (names of {layout}; tried: {tried})",
        received=", ".join(list(file.arrays)[:4]) + f", ... ({len(file.arrays)})",
        where=file.path,
        fix="is it of another architecture? Names of any other kind: df.surgery.transfer("
        "df.surgery.read_weights(path), network, rename={'theirs_*': 'ours_*'})",
    )
