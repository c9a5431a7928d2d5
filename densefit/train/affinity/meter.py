"""Gradients of each head in an update: gains between heads, and cosines by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.engine import Engine
from densefit.model.heads.network_head import NetworkHead
from densefit.train.affinity.layers import layers_of, stages_of

GAIN, COSINE, ALL = "affinity/gain", "affinity/cosine", "all"
_COLUMNS = 1 << 16  # numbers of a gradient that are multiplied at a time


class AffinityMeter:
    """Compare the heads' gradients of the shared parameters on an update's samples.

    Takes a forward and backward pass for each head with labels, and memory for a gradient of the
    shared parameters for each. Parameters, moving statistics and random numbers are as before.

    Args:
        learner: engine, bound for training.
        adapters: heads by name.
    """

    def __init__(self, learner: Engine, adapters: Mapping[str, Any]) -> None:
        self._learner = learner
        self._heads = [n for n, head in adapters.items() if isinstance(head, NetworkHead)]
        self._head_of = {key: n for n in self._heads for key in adapters[n].label_groups}
        self._bound: Any = None  # gradients that are read
        self._bind()

    def _bind(self) -> None:
        """Prepare to read gradients, again after the learner is bound again."""
        if self._bound is self._learner.gradients:
            return
        self._bound = self._learner.gradients
        self._gradients = self._bound.per_head()
        spans = self._gradients.spans()
        layers = layers_of(list(spans), stages_of(self._learner.network))
        self._layers = {layer: [spans[name] for name in names] for layer, names in layers.items()}

    def measure(
        self, batches: Sequence[Batch], reseed: Callable[[], None] | None
    ) -> dict[str, float]:
        """Return the numbers of an update, before it is made.

        Args:
            batches: its micro-batches.
            reseed: seeds the random numbers of the update; None if there are none.

        Returns:
            "affinity/gain/<a>~<b>": what a small step for head a does for the loss of head b, as a
            share of what a step for b does; "affinity/cosine/<layer>/<a>~<b>", also of the layer
            "all". Of heads with labels in the update; nothing if a gradient is not finite.
        """
        self._bind()
        learner, samples = self._learner, sum(batch.real for batch in batches)
        counts = {key: sum(int(b.labelled[key].sum()) for b in batches) for key in self._head_of}
        present = [head for head in self._heads if counts[head]]
        if len(present) < 2:
            return {}
        learner.begin_update([key for key, count in counts.items() if not count])
        statistics = learner.parameters.statistics()
        self._gradients.clear()
        for row, head in enumerate(present):
            shares = {
                key: samples / max(1, count) if self._head_of[key] == head else 0.0
                for key, count in counts.items()
            }
            if reseed is not None:
                reseed()
            for number, batch in enumerate(batches):
                learner.compute(batch, number == 0, shares)
            self._gradients.take(row)
        learner.parameters.set_statistics(statistics)
        if reseed is not None:
            reseed()
        grams = {
            layer: _products(self._gradients.rows[: len(present)], spans)
            for layer, spans in self._layers.items()
        }
        return relations(grams, present)


def relations(grams: Mapping[str, np.ndarray], heads: Sequence[str]) -> dict[str, float]:
    """Compute gains and cosines from the products of gradients by layer.

    >>> relations({"stem": np.array([[4.0, 1.0], [1.0, 1.0]])}, ["a", "b"])["affinity/gain/a~b"]
    1.0

    Args:
        grams: layer -> (heads, heads) products of the heads' gradients.
        heads: names.
    """
    whole = np.sum(list(grams.values()), axis=0)
    if not np.isfinite(whole).all():
        return {}
    numbers: dict[str, float] = {}
    for a, b in permutations(range(len(heads)), 2):
        if whole[a, a] > 0 and whole[b, b] > 0:
            numbers[f"{GAIN}/{heads[a]}~{heads[b]}"] = float(whole[a, b] / whole[b, b])
    for layer, gram in {**grams, ALL: whole}.items():
        for a, b in combinations(range(len(heads)), 2):
            length = np.sqrt(gram[a, a] * gram[b, b])
            if length > 0:
                cosine = float(np.clip(gram[a, b] / length, -1.0, 1.0))
                numbers[f"{COSINE}/{layer}/{heads[a]}~{heads[b]}"] = cosine
    return numbers


def _products(rows: np.ndarray, spans: Sequence[slice]) -> np.ndarray:
    """(heads, heads) products over some columns; of float32 within parts, summed in float64."""
    total = np.zeros((len(rows), len(rows)))
    for span in spans:
        for start in range(span.start, span.stop, _COLUMNS):
            part = rows[:, start : min(start + _COLUMNS, span.stop)]
            total += part @ part.T
    return total
