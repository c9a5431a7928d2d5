"""What an export wrote, and how exact it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from densefit.exporting.parity import Parity, tolerance_text


@dataclass(frozen=True)
class Exported:
    """An exported model; printed, a table of its outputs.

    Attributes:
        path: the model.
        program: the program beside it that runs it; None if there is none.
        size: bytes of the model.
        nodes: number of nodes of its graph.
        opset: version of ONNX's operators.
        image_size: (height, width) of its images; None for a user's Symbol.
        batch: number of images that it takes; None if any.
        precision: "float32", "float16" or "int8".
        outputs: output -> shape, None where it depends on the batch.
        parity: output -> its difference from the network's; by the form that heads decode.
        checked: number of samples that were compared.
        are_generated: whether the samples were generated.
    """

    path: Path
    program: Path | None
    size: int
    nodes: int
    opset: int
    image_size: tuple[int, int] | None
    batch: int | None
    precision: str
    outputs: Mapping[str, tuple[int | None, ...]]
    parity: Mapping[str, Parity] = field(default_factory=dict)
    checked: int = 0
    are_generated: bool = False

    @property
    def tolerance(self) -> str:
        """What counts as equal in the comparison, in words."""
        return tolerance_text(self.precision)

    def __str__(self) -> str:
        size = (
            ""
            if self.image_size is None
            else f", images of {self.image_size[0]}x{self.image_size[1]}"
        )
        rows = "any batch" if self.batch is None else f"batches of {self.batch}"
        lines = [
            f"{self.path}: {self.size / 1e6:.1f} MB, {self.nodes} nodes, opset {self.opset}, "
            f"{self.precision}{size}, {rows}"
        ]
        lines += [f"  {parity}" for parity in self.parity.values()]
        if any(parity.differing for parity in self.parity.values()):
            lines.append(f"  {self.tolerance}")
        kind = "generated" if self.are_generated else "real"
        count = f"on {self.checked} {kind} samples"
        lines.append(f"  compared with the network {count}" if self.checked else "  not compared")
        if self.program is not None:
            lines.append(f"  run it: python {self.program} photo.jpg")
        return "\n".join(lines)
