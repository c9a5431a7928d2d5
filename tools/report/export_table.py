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
    if exported.checked:
        console.print(f"compared with the network on {exported.checked} {kind}")
        if any(parity.differing for parity in exported.parity.values()):
            console.print(exported.tolerance)
        for parity in exported.parity.values():
            if parity.tied:
                console.print(
                    f"{parity.output}: {parity.tied:.0%} of the rows have equal scores, and were "
                    "compared by these alone"
                )
    else:
        console.print("not compared with the network, since no engine computes it")
    console.print(f"run it: densefit predict --model {exported.path} IMAGE... --out DIR")
    if exported.program is not None:
        console.print(f"    or: python {exported.program} IMAGE")


def _outputs(exported: Any) -> Table:
    """A row for each output: its shape, and its difference from the network's."""
    table = Table()
    table.add_column("output", overflow="fold")
    table.add_column("shape", no_wrap=True)
    for heading in ("difference", "of up to", "unequal"):
        table.add_column(heading, justify="right", no_wrap=True)
    # What a raw model gives is compared after the heads have decoded it.
    decoded = [name for name in exported.parity if name not in exported.outputs]
    for name in [*exported.outputs, *decoded]:
        parity = exported.parity.get(name)
        numbers = ["-"] * 3
        if parity is not None and parity.is_empty:
            numbers = ["none found", "-", "-"]
        elif parity is not None:
            differing = f"{parity.differing:.2%}" if parity.differing else "none"
            numbers = [f"{parity.largest:.2g}", f"{parity.scale:.4g}", differing]
        shape = exported.outputs.get(name)
        sides = ["decoded"] if shape is None else ["N" if n is None else str(n) for n in shape]
        table.add_row(Text(name), " x ".join(sides), *numbers)
    return table
