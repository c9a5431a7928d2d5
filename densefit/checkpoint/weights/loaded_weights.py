"""Report of weights that were loaded from a file of another system."""

from __future__ import annotations

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

    def __str__(self) -> str:
        lines = [f"weights of {self.path} ({self.layout}): {len(self.loaded)} loaded"]
        for title in ("missing", "unexpected", "unused", "reshaped"):
            names = list(getattr(self, title))
            if names:
                lines.append(f"{title} {len(names)}: {listed(names)}")
        return "\n".join(lines)


def listed(names: list[str]) -> str:
    """Format the first of some names."""
    more = f", ... ({len(names)})" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
