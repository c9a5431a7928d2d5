"""Train a network: `densefit train detection --data photographs/`, or `--config RECIPE`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from densefit.errors import ConfigError
from densefit.registry import nearest
from densefit.tools.console.names import builtin_names
from densefit.tools.recipes.program import program

#: Short name -> (program by that name, its task; None for any tasks).
PROGRAMS: dict[str, tuple[str, str | None]] = {
    "det": ("train_det", "detection"),
    "seg": ("train_seg", "segmentation"),
    "keypoints": ("train_keypoints", "keypoints"),
    "multi": ("train_multi", None),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, or one of the programs of a single task."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    tasks, options = split_tasks(words)
    named = {word.partition("=")[0] for word in options}
    if "--help" in named:
        tasks = tasks or ["multi"]
    elif not named & {"--config", "--data"} and not _states_data(named):
        return program(lambda: _refuse(tasks, options))
    if len(tasks) == 1 and tasks[0] in PROGRAMS and "--data" not in named:
        code: int = import_module(f"densefit.tools.{PROGRAMS[tasks[0]][0]}").main(options)
        return code
    from densefit.tools.recipes.run.task_training import train_tasks  # with numpy

    names = [PROGRAMS.get(task, (None, task))[1] for task in tasks]
    return program(lambda: train_tasks([name for name in names if name], options))


def split_tasks(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the tasks, which come first, from the options.

    >>> split_tasks(["detection", "segmentation", "--data", "cells"])
    (['detection', 'segmentation'], ['--data', 'cells'])
    """
    count = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    return list(words[:count]), list(words[count:])


def _states_data(options: set[str]) -> bool:
    return any(option.startswith(("--data.", "--datasets.")) for option in options)


def _refuse(tasks: Sequence[str], options: Sequence[str]) -> None:
    """Raise ConfigError for a training without data; an unknown task or option comes first."""
    allowed = {*builtin_names()["tasks"], *PROGRAMS}
    unknown = [task for task in tasks if task not in allowed]
    if unknown:
        raise ConfigError(f"There is no task {unknown[0]!r}", fix=nearest(unknown[0], allowed))
    from densefit.tools.recipes.run.task_training import check_options  # with numpy

    check_options(options)
    task = " ".join(tasks) or "TASK"
    raise ConfigError(
        "There is nothing to train on",
        expected=f"densefit train {task} --data DIR, or --config RECIPE",
        fix="densefit train --help",
    )


if __name__ == "__main__":
    sys.exit(main())
