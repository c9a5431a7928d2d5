"""The console script `densefit`: dispatches its subcommands to the programs in this folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

import densefit
from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.recipes.program import program


@dataclass(frozen=True)
class Command:
    """A subcommand.

    Attributes:
        module: module of this package whose `main(arguments)` it calls.
        usage: its most frequent arguments.
        text: what it does, in a few words.
        is_ranked: whether several ranks of a launch can run it together.
    """

    module: str
    usage: str
    text: str
    is_ranked: bool = False


_RECIPE = "--config RECIPE.yaml --out RUN"

#: Heading -> words of the command line -> subcommand; modules are imported on demand.
GROUPS: dict[str, dict[str, Command]] = {
    "Train": {
        "train det": Command("train_det", _RECIPE, "a detector", is_ranked=True),
        "train seg": Command("train_seg", _RECIPE, "semantic segmentation", is_ranked=True),
        "train keypoints": Command("train_keypoints", _RECIPE, "keypoints", is_ranked=True),
        "train multi": Command("train_multi", _RECIPE, "several tasks at once", is_ranked=True),
        "launch": Command("launch", "--nproc N -- PROGRAM...", "as several processes"),
        "find-lr": Command("find_lr", _RECIPE, "find the learning rate"),
        "show-schedule": Command("show_schedule", "'cosine lr=0.1'", "plot learning rates"),
    },
    "Use": {
        "score": Command("score", "--checkpoint RUN", "exact scores on a split", is_ranked=True),
        "predict": Command("predict", "--checkpoint RUN IMAGE... --out DIR", "draw predictions"),
        "serve": Command("serve", "--checkpoint RUN", "predict over HTTP"),
        "export": Command("export", "RUN --out MODEL.onnx", "write a network as ONNX"),
        "summary": Command("summary", "RUN", "parameters and costs of a network"),
        "weights": Command("weights", "list|where|add FILE|fetch NAME", "pretrained weights"),
        "doctor": Command("doctor", "[RECIPE.yaml]", "look at the installation and the machine"),
    },
    "Data": {
        "check-data": Command("check_data", "RECIPE.yaml", "find mistakes in data"),
        "convert-data": Command("convert_data", "--to coco --out DIR", "rewrite a dataset"),
        "pack": Command("pack", "--data.root DIR --out X.rec", "one file of records"),
    },
    "Compare": {
        "plot-run": Command("plot_run", "RUN...", "plot trainings"),
        "report": Command("run_report", "RUN", "one page with all of a training"),
        "watch": Command("watch", "runs/", "show trainings while they run"),
        "compare-tasks": Command("compare_tasks", "RUN...", "tasks alone, together"),
    },
}
COMMANDS = {words: command for group in GROUPS.values() for words, command in group.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns its exit code, or 2 if there is none of this name."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        return program(_print_help)
    if words[0] == "--version":
        return program(lambda: print(f"densefit {densefit.__version__}"))
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in COMMANDS:
            if not COMMANDS[name].is_ranked and _is_several():
                return program(partial(_refuse_ranks, name))
            return _run(name, words[count:])
    return program(lambda: _refuse(words))


def _run(name: str, words: list[str]) -> int:
    """Run the program of a subcommand, whose messages show the words that were typed."""
    before = sys.argv
    sys.argv = [f"densefit {name}", *words]
    codes: list[int] = []
    path = f"densefit.tools.{COMMANDS[name].module}"
    try:
        code = program(lambda: codes.append(import_module(path).main(words)))
    finally:
        sys.argv = before
    return codes[0] if codes else code  # else a package is missing


def _is_several() -> bool:
    """Whether this is one of several ranks."""
    if "WORLD_SIZE" not in os.environ:
        return False
    from densefit.distributed.environment import settings_of  # with numpy: `--help` is quick

    return settings_of().size > 1


def _refuse_ranks(name: str) -> None:
    """Raise ConfigError for a subcommand whose ranks would all do and write the same."""
    raise ConfigError(
        f"densefit {name} is not divided among ranks: each would do and write the same",
        expected="one process, or a subcommand that trains or scores",
        received=f"{os.environ['WORLD_SIZE']} ranks",
        fix=f"densefit {name} without `densefit launch`",
    )


def _refuse(words: Sequence[str]) -> None:
    """Raise ConfigError for words that name no subcommand."""
    below = [name.split()[1] for name in COMMANDS if name.split()[0] == words[0] != name]
    if not below:
        names = {name.split()[0] for name in COMMANDS}
        raise ConfigError(f"densefit has no command {words[0]!r}", fix=nearest(words[0], names))
    if len(words) == 1 or words[1].startswith("-"):
        usage = f"densefit {words[0]} {'|'.join(below)} {_RECIPE}"
        if words[1:] not in (["-h"], ["--help"]):
            raise ConfigError(f"What is to {words[0]}?", fix=usage)
        print(f"usage: {usage}")
        return
    raise ConfigError(
        f"densefit {words[0]} has no command {words[1]!r}", fix=nearest(words[1], below)
    )


def _print_help() -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(
        "[bold]densefit[/] COMMAND [dim]...[/]    one exact fit loop for dense prediction\n"
    )
    table = Table.grid(padding=(0, 2))
    for heading, group in GROUPS.items():
        table.add_row(Text(heading, style="bold"))
        for name, command in group.items():
            row = (Text(f"  {name}", style="cyan"), Text(command.text), Text(command.usage, "dim"))
            table.add_row(*row)
    console.print(table)
    console.print("\n[cyan]densefit COMMAND --help[/] lists a command's settings.")


if __name__ == "__main__":
    sys.exit(main())
