"""A picture of the first training samples after all transforms."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from densefit.callbacks import Callback, Control, TrainState
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.model.heads.head import Head
from densefit.tools.report.pictures import fitted_for, resized, write_image
from densefit.visualize.grid import grid, tile_of

_log = logging.getLogger("densefit")

_CELLS = 12  # pictures, at most
_SAMPLES = (2, 8)  # at least and at most
_LONGER = 320  # pixels of a cell's longer side


class TrainBatch(Callback):
    """Draw the first training samples with their boxes and masks, in a background thread.

    Args:
        path: file of the picture.
        loader: loader of the training data.
    """

    def __init__(self, path: Path, loader: Loader) -> None:
        self.path, self._loader = path, loader
        self._thread: threading.Thread | None = None

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._draw, name="train_batch", daemon=True)
        self._thread.start()

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Wait for the thread."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _draw(self) -> None:
        heads = [head for head in self._loader.heads if isinstance(head, Head)]
        least, most = _SAMPLES
        count = min(max(_CELLS // max(1, len(heads)), least), most)
        try:
            samples = self._loader.first_samples(count)
            write_image(self.path, drawn_samples(samples, heads, self._loader.matches))
        except Exception as error:  # a failed picture must not end a training
            _log.warning("%s is not drawn: %s: %s", self.path, type(error).__name__, error)


def _is_whole(target: str) -> bool:
    return target in KINDS and KINDS[target].role == "instance_masks"


def drawn_samples(
    samples: Sequence[Sample],
    heads: Sequence[Head],
    matches: Mapping[str, TargetMapping] | None = None,
) -> np.ndarray:
    """Draw a grid of samples, (H, W, 3) uint8: a cell for each sample and head, with its targets.

    Args:
        samples: transformed samples, at least one.
        heads: heads whose targets are drawn.
        matches: head -> mapping from the samples' class indices to the head's.
    """
    cells, captions = [], []
    for sample in samples:
        # Whole masks stay those of the original picture, whatever the transforms do.
        targets = {key: own for key, own in sample.targets.items() if not _is_whole(key)}
        for head in heads:
            match = (matches or {}).get(head.name)
            truth = head.ground_truth(targets if match is None else match(targets))
            # Letters are legible in the size that is looked at.
            fitted = fitted_for([head], sample.image, _LONGER, _LONGER)
            image = fitted.image(sample.image)
            if truth is not None:
                image = head.draw_truth(image, fitted(truth))
            cells.append(resized(image, _LONGER, _LONGER))
            about = head.name if truth is not None else f"{head.name} not known"
            captions.append(
                f"{about}: {sample.id}" if len(heads) > 1 or truth is None else sample.id
            )
        if not heads:
            cells.append(resized(sample.image, _LONGER, _LONGER))
            captions.append(sample.id)
    several = max(1, len(heads))
    columns = min(several * max(1, 4 // several), len(cells))
    return grid(cells, columns, captions, tile=tile_of(cells))
