"""Score a checkpoint: `python tools/score.py --checkpoint runs/NAME --split test`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from densefit.checkpoint.load import load
from densefit.errors import ConfigError
from densefit.score import score
from densefit.tools.program import program
from densefit.tools.progress import Watched
from densefit.tools.recipe import make_dataset, score_loader
from densefit.tools.table import print_scores, write_scores
from densefit.tools.trained import Trained, settings


@dataclass
class Scoring(Trained):
    __doc__ = f"""{str(Trained.__doc__).rstrip()}
        split: of the dataset; the recipe's test split by default, else its validation split.
    """

    split: Optional[str] = None  # noqa: UP045


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    return program(lambda: run(*settings(Scoring, "Score a checkpoint exactly.", arguments)))


def run(chosen: Scoring, place: Path) -> dict[str, float]:
    """Score every sample of the split once, print the table, and keep it if `out` is given."""
    split = chosen.split or chosen.data.test or chosen.data.validation
    if split is None:
        raise ConfigError("The recipe names no split to score", fix="--split NAME")
    network = load(place)
    dataset = make_dataset(chosen.data, split)
    with Watched(score_loader(chosen, dataset, chosen.data.workers), "scoring") as loader:
        scores = score(network, loader)
    print_scores(scores, f"{place} on {len(dataset)} samples of {split!r}")
    if chosen.out is not None:
        path = Path(chosen.out) / "scores.json"
        write_scores(path, scores, place, split, len(dataset))
        print(f"wrote {path}")
    return scores


if __name__ == "__main__":
    sys.exit(main())
