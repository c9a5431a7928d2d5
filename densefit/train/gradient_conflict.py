"""Conflict between the heads' gradients of the shared trunk."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, islice
from typing import Any

import numpy as np

from densefit.engine import make
from densefit.engine.batch_reader import BatchReader
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.numeric import whole
from densefit.train.balance import GradientBalancer
from densefit.train.balancing import Balancing, check_balanced
from densefit.train.seeds import seeded
from densefit.train.setup.same_heads import check_same_heads


class _Recorder(GradientBalancer):
    """Record the Gram matrices of the heads' gradients, with equal weights."""

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self.grams: list[np.ndarray] = []

    def factors(self, gram: np.ndarray) -> np.ndarray:
        self.grams.append(gram)
        return super().factors(gram)

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))


def conflict(
    network: Network,
    data: Any,
    batches: int = 8,
    *,
    devices: Sequence[Any] | None = None,
    engine: str | None = None,
) -> dict[str, float]:
    """Measure the cosine between the heads' gradients of the shared parameters.

    Below 0 two heads conflict (Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS
    2020); near 0 their gradients are unrelated, as for heads of different data; near 1 they agree.
    Takes a forward and backward pass for each head and batch. The network and the random generators
    (except MXNet's, which advances) are restored; the data are reset to the start of an epoch, a
    Loader to the start of its present one.

    Args:
        network: initialized, with several heads.
        data: training data, as in `fit`.
        batches: number of batches, from the data's first epoch, to average over; at least 1.
        devices: devices of the engine.
        engine: see `fit`.

    Returns:
        "<head>~<head>" -> mean cosine over the batches in which both have labels, nan without any;
        and "norm/<head>" -> mean norm of the gradient of the head's mean loss.

    Raises:
        ConfigError: a network of routes, heads that share no parameter, or `batches` below 1.
    """
    batches = whole(batches, "batches", 1, where="conflict")
    recorder = _Recorder()
    check_balanced(recorder, network.adapters)
    if len(network.adapters) < 2:
        raise ConfigError("A conflict is between two heads", received=list(network.adapters))
    network.check_initialized()
    before = dict(network.parameters), dict(network.statistics)
    reader = BatchReader(data, list(network.adapters.values()), "conflict")
    check_same_heads(data, reader.adapters, reader.where)
    learner = make(network, devices, engine)
    epoch = getattr(data, "epoch", 0)
    try:
        with seeded(0, engine):
            learner.bind(reader)
            recorder.begin(list(network.adapters))
            balancing = Balancing(recorder, learner, network.adapters)
            statistics = learner.parameters.statistics()
            for batch in islice(reader.batches(), batches):
                labelled = {name: int(has.sum()) for name, has in batch.labelled.items()}
                shares = {name: batch.real / max(1, count) for name, count in labelled.items()}
                balancing.begin(0, labelled)
                balancing.compute(batch, True, shares)
                balancing.take_in(learner.outputs(), batch)
                balancing.finish([batch], labelled, shares, None)
                learner.parameters.set_statistics(statistics)
    finally:
        learner.release()
        network.set_params(*before)
        if hasattr(data, "set_epoch"):
            data.set_epoch(epoch)
        else:
            data.reset()
    return _summary(list(network.adapters), np.stack(recorder.grams))


def _summary(heads: list[str], grams: np.ndarray) -> dict[str, float]:
    """Compute the mean cosines and norms from (batches, heads, heads) Gram matrices."""
    norms = np.sqrt(np.einsum("bhh->bh", grams))
    result: dict[str, float] = {}
    for first, second in combinations(range(len(heads)), 2):
        both = (norms[:, first] > 0) & (norms[:, second] > 0)
        cosines = grams[both, first, second] / (norms[both, first] * norms[both, second])
        result[f"{heads[first]}~{heads[second]}"] = float(cosines.mean()) if both.any() else np.nan
    for number, head in enumerate(heads):
        some = norms[:, number] > 0
        result[f"norm/{head}"] = float(norms[some, number].mean()) if some.any() else np.nan
    return result
