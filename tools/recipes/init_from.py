"""Initialize a training with the weights of another run, and print a summary."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from densefit.checkpoint.storage import store
from densefit.checkpoint.weights.transfer import Transferred, transfer
from densefit.model.head_names import weight_name
from densefit.model.network import Network
from densefit.model.parameters import owners
from densefit.tools.recipes.checkpoint_settings import CheckpointSettings
from densefit.tools.recipes.recipe import Recipe

TRUNK = "(trunk)"  # no head can be called so


def begin_from(network: Network, recipe: Recipe) -> None:
    """Load the weights that `init_from` names, and print a summary.

    A resumed training has weights already: then nothing is loaded.

    Raises:
        CheckpointError: the checkpoint is missing.
        BindError: shapes differ and `init_mismatched` is "raise", or no name matches.
    """
    if recipe.init_from is None or store.resolve(recipe.resume, Path(recipe.out) / "checkpoints"):
        return
    path = CheckpointSettings(checkpoint=recipe.init_from).find_checkpoint()
    report = transfer(path, network, mismatched=recipe.init_mismatched)
    print_transferred(report, network, str(path))


def print_transferred(report: Transferred, network: Network, source: str) -> None:
    """Print a line for the backbone and for each head, and the parameters that were not used.

    Args:
        report: result of the transfer.
        network: network that received the weights.
        source: path of the weights.
    """
    owner_of = {**owners(network), **{weight_name(head): head for head in network.adapters}}
    columns = {
        "loaded": report.loaded,
        "kept": report.kept,
        "new": report.new,
        "other shape": list(report.mismatched),
    }
    table = Table(title=Text("parameters of"), title_justify="left")
    table.add_column("")
    for title in columns:
        table.add_column(title, justify="right")
    for owner in (None, *network.adapters):
        counts = [sum(owner_of[name] == owner for name in names) for names in columns.values()]
        table.add_row(Text(TRUNK if owner is None else owner), *map(str, counts))
    console = Console(soft_wrap=True)
    console.print(Text(f"begins with {source}", style="bold"))
    console.print(table)
    for name, (theirs, ours) in report.mismatched.items():
        how = f"is {theirs} there, {ours} here" if theirs != ours else "is of other classes"
        console.print(Text(f"not loaded: {name} {how}"))
    if report.grown:
        console.print(Text(report.grown_text()))
    if report.weights:
        console.print(Text(f"learned weights of losses: {report.weights_text()}"))
    if report.strides:
        template = "not as trained: the backbone's output stride is {} there, {} here"
        console.print(Text(template.format(*report.strides)))
    if report.dropped:
        listed = ", ".join(report.dropped[:4]) + (", ..." if len(report.dropped) > 4 else "")
        console.print(Text(f"not in this network: {len(report.dropped)} ({listed})"))
