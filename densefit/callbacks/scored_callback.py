"""What callbacks share that compare a validation's scores with earlier ones."""

from __future__ import annotations

from typing import Any

from densefit.callbacks.callback import Callback
from densefit.callbacks.score_board import ScoreBoard


class ScoredCallback(Callback):
    """A callback with the last and the best scores, which go into checkpoints."""

    def __init__(self) -> None:
        self._board = ScoreBoard()

    def reset(self) -> None:
        """Forget the scores of an earlier training."""
        self._board = ScoreBoard()

    def state_dict(self) -> dict[str, Any]:
        """Return the last and the best scores."""
        return self._board.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the last and the best scores."""
        self._board.load_state_dict(state)

    def forget_scores(self) -> None:
        """Forget earlier scores."""
        self._board = ScoreBoard()
