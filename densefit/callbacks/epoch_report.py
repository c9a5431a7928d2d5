"""Lines of text about an epoch and about a validation."""

from __future__ import annotations

from collections.abc import Collection

from rich.text import Text

from densefit.callbacks.callback import TrainState
from densefit.callbacks.loss_text import is_loss, loss_text
from densefit.callbacks.pace import duration
from densefit.callbacks.score_board import ScoreBoard, main_of, table
from densefit.data.loader.object_counts import format_counts

_LONG = 110  # letters of a line


def position(state: TrainState) -> str:
    """Format epoch (from 1) and update.

    >>> position(TrainState(None, epochs=2, update=3, updates=20))
    'epoch 1/2, update 3/20'
    """
    epochs = "" if state.epochs is None else f"/{state.epochs}"
    updates = "" if state.updates is None else f"/{state.updates}"
    return f"epoch {state.epoch + 1}{epochs}, update {state.update}{updates}"


def of_updates(state: TrainState) -> str:
    """Format the updates done, of those planned.

    >>> of_updates(TrainState(None, update=3, updates=20))
    'update 3 of 20'
    """
    return f"update {state.update}" + ("" if state.updates is None else f" of {state.updates}")


def epoch_line(state: TrainState) -> str:
    """Describe an epoch that has ended: its duration and losses; below it, its objects.

    The parts of the losses are left out where the line would become long.
    """
    title, heads = f"{position(state)} done in {duration(state.seconds)}", heads_of(state)
    numbers = state.train()
    losses = loss_text(numbers, heads, with_parts=True)
    if len(title) + len(losses) > _LONG:
        losses = loss_text(numbers, heads)
    objects = format_counts(state.objects)
    return ": ".join(filter(None, (title, losses))) + (f"\n  {objects}" if objects else "")


def validation_lines(state: TrainState, board: ScoreBoard) -> list[Text]:
    """Return the table of the last validation, and remember its scores.

    Args:
        state: state of the training.
        board: scores of the validations before.
    """
    heads, scores = heads_of(state), state.validation
    rows = board.add(scores, main_of(scores, state.main_scores, heads), state.directions)
    if not state.losses_seconds:
        return table(rows, scores, state.directions, heads)
    losses = {key: value for key, value in scores.items() if is_loss(key)}
    scored = {key: value for key, value in scores.items() if key not in losses}
    text = loss_text(losses, heads, with_parts=True)
    lines = table(rows, scored, state.directions, heads)
    return [*lines, Text(f"  validation {text}; the losses took {state.losses_seconds:.1f} s")]


def heads_of(state: TrainState) -> Collection[str]:
    """Names of the network's heads."""
    return getattr(state.network, "adapters", ())
