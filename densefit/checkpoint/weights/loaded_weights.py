"""Report of weights that were loaded from a file of another system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_SHOWN = 6


@dataclass(frozen=True)
class LoadedWeights:
    """Report of `load_weights`.

    Attributes:
        path: the file, or the checkpoint.
        sha256: of the file; None of a checkpoint of densefit.
        layout: whose names the file has, e.g. "torchvision".
        loaded: parameters and moving statistics that have the file's values now.
        missing: those of the network that the file does not have: new heads. The backbone's are
            never missing.
        unexpected: names in the file that the network does not have.
        unused: names in the file that the layout lists as of no use: the classifier of ImageNet.
        reshaped: name -> (shape in the file, shape in the network), which differ by axes of size 1.
        input_normalization: (mean, std) of the weights, in RGB of [0, 255].
        is_normalised_otherwise: whether the network keeps another normalisation, which its
            settings state.
        heads: head -> whose names its layers have in the file of a whole model.
        matched_classes: head -> its classes whose rows are the file's.
        new_classes: head -> its other classes, whose rows the file does not have: they begin at
            random, or keep the values that they had.
        left_out: head -> why its layers, or its layers of classes, were not loaded.
    """

    path: str
    sha256: str | None
    layout: str
    loaded: list[str]
    missing: list[str]
    unexpected: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    input_normalization: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    is_normalised_otherwise: bool = False
    heads: Mapping[str, str] = field(default_factory=dict)
    matched_classes: Mapping[str, list[str]] = field(default_factory=dict)
    new_classes: Mapping[str, list[str]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"weights of {self.path} ({self.layout}): {len(self.loaded)} loaded"]
        for title in ("missing", "unexpected", "unused", "reshaped"):
            names = list(getattr(self, title))
            if names:
                lines.append(f"{title} {len(names)}: {listed(names)}")
        return "\n".join([*lines, *self.head_lines()])

    def head_lines(self) -> list[str]:
        """Format what the heads got, a line for each fact."""
        lines = [f"head {head!r}: names of {layout}" for head, layout in self.heads.items()]
        for head, names in self.matched_classes.items():
            lines.append(f"head {head!r}: {len(names)} classes of the file: {listed(names)}")
        for head, names in self.new_classes.items():
            lines.append(f"head {head!r}: {len(names)} new classes: {listed(names)}")
        return [*lines, *(f"head {head!r} left out: {why}" for head, why in self.left_out.items())]


def listed(names: list[str]) -> str:
    """Format the first of some names."""
    more = f", ... ({len(names)})" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
