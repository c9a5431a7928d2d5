"""Give the final scores and pictures of a training to its experiment trackers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from densefit.callbacks import Callback
from densefit.callbacks.run_tracker import RunTracker

#: Files of a run's folder that a tracker gets.
FILES = (
    *("report.html", "config.yaml", "scores.json", "curves.png", "predictions.png"),
    "train_batch.png",
)


def await_results(callbacks: Iterable[Callback]) -> list[RunTracker]:
    """Trackers among callbacks, which keep their runs open for the results."""
    trackers = [callback for callback in callbacks if isinstance(callback, RunTracker)]
    for tracker in trackers:
        tracker.waits_for_results = True
    return trackers


def track_results(
    trackers: Iterable[RunTracker], out: Path, compute: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """Compute the final scores of a run, and log them with its main files.

    Args:
        trackers: result of `await_results`.
        out: folder of the run.
        compute: writes the files, and returns the scores.

    Returns:
        The scores.
    """
    try:
        scores = compute()
    except BaseException as error:
        for tracker in trackers:
            tracker.end(error)
        raise
    files = [out / name for name in FILES if (out / name).is_file()]
    for tracker in trackers:
        tracker.log_results(scores, files)
    return scores
