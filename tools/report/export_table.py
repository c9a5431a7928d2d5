"""Print what an export wrote: the model, its input and outputs, and how exact they are."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_export(exported: Any, source: object) -> None:
    """Print the result of `densefit.export` as a table.

    Args:
        exported: the result.
        source: the checkpoint.
    """
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(f"{source} as {exported.path}", style="bold"))
    rows = "any number" if exported.batch is None else str(exported.batch)
    facts = [
        f"{exported.size / 1e6:.1f} MB, {exported.nodes} nodes, ONNX opset {exported.opset}, "
        f"{exported.precision}",
    ]
    if exported.image_size is not None:
        height, width = exported.image_size
        facts.append(
            f"input: {rows} of images {height} pixels high and {width} wide, uint8 RGB, "
            "normalised inside"
        )
    for fact in facts:
        console.print(fact)
    console.print(_outputs(exported))
    kind = "generated images" if exported.are_generated else "real samples"
    console.print(f"compared with the network on {exported.checked} {kind}")
    console.print(f"run it: densefit predict --model {exported.path} IMAGE... --out DIR")
    if exported.program is not None:
        console.print(f"    or: python {exported.program} IMAGE")


def _outputs(exported: Any) -> Table:
    """A row for each output: its shape, and its difference from the network's."""
    table = Table()
    table.add_column("output", overflow="fold")
    table.add_column("shape", no_wrap=True)
    for heading in ("difference", "of up to", "differ more"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, parity in exported.parity.items():
        shape = exported.outputs.get(name, ())
        table.add_row(
            Text(name),
            " x ".join("N" if side is None else str(side) for side in shape),
            f"{parity.largest:.2g}",
            f"{parity.scale:.4g}",
            f"{parity.differing:.2%}" if parity.differing else "none",
        )
    return table
