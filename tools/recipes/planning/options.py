"""Options of a training that are no settings of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from densefit.callbacks.time_budget import parse_time
from densefit.errors import ConfigError


@dataclass(frozen=True)
class PlanOptions:
    """What a command line says beside its recipe.

    Attributes:
        time: seconds that the training may take; None: as long as its epochs take.
        is_dry: whether to print the decisions alone.
        plans_batch: whether the batch is as large as fits (`--batch-size auto`).
    """

    time: float | None = None
    is_dry: bool = False
    plans_batch: bool = False

    @classmethod
    def of(cls, words: Sequence[str]) -> tuple[PlanOptions, list[str]]:
        """Separate the options from the other words, with underscores in names.

        >>> PlanOptions.of(["--time", "15m", "--lr", "0.1", "--batch_size", "auto"])
        (PlanOptions(time=900.0, is_dry=False, plans_batch=True), ['--lr', '0.1'])

        Raises:
            ConfigError: the time is none.
        """
        time, is_dry, plans_batch = None, False, False
        remaining: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            option, equals, value = word.partition("=")
            following = value if equals else next(iter(rest), "")
            if option == "--dry_run":
                is_dry = True
            elif option == "--time":
                time = parse_time(following, "--time")
                if time <= 0:
                    raise ConfigError("--time leaves no time", received=following)
                rest = rest if equals else rest[1:]
            elif option == "--batch_size" and following == "auto":
                plans_batch = True
                rest = rest if equals else rest[1:]
            elif option == "--weights" and following == "none":
                remaining += ["--model.weights", "null"]
                rest = rest if equals else rest[1:]
            else:
                remaining.append(word)
        return cls(time, is_dry, plans_batch), remaining
