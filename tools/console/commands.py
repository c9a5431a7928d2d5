"""Commands of the console script: what each is called, does, and which module runs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        module: module of densefit.tools whose `main(arguments)` it calls.
        usage: its most frequent arguments; empty if it takes none.
        text: what it does, in a few words.
        is_ranked: whether several ranks of a launch can run it together.
        needs_words: whether it does nothing without arguments.
    """

    module: str
    usage: str
    text: str
    is_ranked: bool = False
    needs_words: bool = True


#: Heading -> name -> command; modules are imported on demand.
GROUPS: dict[str, dict[str, Command]] = {
    "Begin": {
        "demo": Command("demo", "", "train a detector on generated pictures", needs_words=False),
        "doctor": Command("doctor", "[RECIPE]", "look at the installation", needs_words=False),
        "list": Command("list_parts", "[KIND]", "tasks, backbones, losses ...", needs_words=False),
        "new-task": Command("new_task", "NAME", "write a plugin: a head and a metric"),
        "completion": Command("completion", "bash|zsh", "complete commands and options"),
    },
    "Data": {
        "check": Command("check_data", "--data DIR", "find mistakes in data"),
        "convert": Command("convert_data", "--data DIR --to coco --out DIR", "another layout"),
        "pack": Command("pack", "--data DIR --out X.rec", "one file of records"),
    },
    "Train": {
        "train": Command("train", "TASK --data DIR", "train a network", is_ranked=True),
        "launch": Command("launch", "--nproc N -- PROGRAM...", "as several processes"),
        "find-lr": Command("find_lr", "--config RECIPE", "find the learning rate"),
        "schedule": Command("show_schedule", "'cosine lr=0.1'", "plot learning rates"),
        "weights": Command(
            "weights", "list|where|add|fetch", "pretrained weights", needs_words=False
        ),
    },
    "Use": {
        "score": Command("score", "--checkpoint RUN", "exact scores", is_ranked=True),
        "predict": Command("predict", "--checkpoint RUN IMAGE... --out DIR", "draw predictions"),
        "serve": Command("serve", "--checkpoint RUN", "predict over HTTP"),
        "export": Command("export", "RUN --out MODEL.onnx", "write a network as ONNX"),
        "benchmark": Command("benchmark", "--checkpoint RUN", "engines and formats side by side"),
        "summary": Command("summary", "RUN", "parameters and costs of a network"),
    },
    "Compare": {
        "plot": Command("plot_run", "RUN...", "plot trainings"),
        "report": Command("run_report", "RUN", "one page with all of a training"),
        "watch": Command("watch", "[runs/]", "show trainings while they run", needs_words=False),
        "compare": Command("compare", "RUN...", "scores and settings side by side"),
        "compare-balance": Command("compare_balance", "--recipe RECIPE", "balance heads or not"),
        "plan-tasks": Command("plan_tasks", "RUN", "which heads to train together"),
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}

#: Former name -> present name.
OLD_NAMES = {
    "check-data": "check",
    "convert-data": "convert",
    "plot-run": "plot",
    "show-schedule": "schedule",
    "compare-tasks": "compare",
}
