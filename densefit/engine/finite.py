"""Check parameters and measured outputs for nan and infinity in scoring."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from densefit.errors import ConfigError, DataError, TrainingDiverged
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.network import Network

POLICIES = ("raise", "warn")
_log = logging.getLogger("densefit")


def check_policy(policy: str) -> None:
    """Raise ConfigError unless `policy` is one of `POLICIES`."""
    if policy not in POLICIES:
        raise ConfigError(
            "Unknown policy for what is not finite",
            expected=" or ".join(POLICIES),
            received=repr(policy),
            where="nonfinite",
        )


def check_parameters(network: Network, policy: str = "raise") -> None:
    """Check that parameters are finite: MXNet silently computes with nan and infinity.

    In a user's Symbol only nan counts: one of its constants may be infinite.

    Args:
        network: network whose parameters are checked.
        policy: "raise" an error, or "warn".

    Raises:
        TrainingDiverged: a parameter is not finite.
    """
    arrays = {**network.parameters, **network.statistics}
    is_bad = (lambda array: ~np.isfinite(array)) if network.heads else np.isnan
    bad = []
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not _adds_up(array) and is_bad(array).any():
            bad.append(name)
    if not bad:
        return
    more = f", ... ({len(bad)} of {len(arrays)} parameters)" if len(bad) > 5 else ""
    error = TrainingDiverged(
        "The network's parameters are not finite: its predictions and scores are invalid",
        received=f"nan or infinity in {', '.join(bad[:5])}{more}",
        where=f"heads {', '.join(network.adapters)}",
        fix="use a checkpoint from before the training diverged",
    )
    if policy == "raise":
        raise error
    _log.warning("%s", error)


class OutputCheck:
    """Check the outputs of one pass over data for nan and infinity.

    Minus infinity is allowed, for masks and logarithms of 0.

    Args:
        adapters: adapters of the heads.
        mode: mode whose outputs are checked, see `HeadAdapter.outputs`.
        where: purpose of the data ("validation").
        policy: "raise" at the first, or "warn" once at the end.
    """

    def __init__(self, adapters: Sequence[HeadAdapter], mode: str, where: str, policy: str) -> None:
        self._outputs = [
            (adapter.name, name) for adapter in adapters for name in adapter.outputs(mode)
        ]
        self._where, self._policy = where, policy
        self._samples = 0
        self._bad: dict[tuple[str, str], list[str]] = {}  # (head, output) -> ids

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Warn when the block ends, normally or by an error."""
        try:
            yield
        finally:
            for (head, output), ids in self._bad.items():
                _log.warning(
                    "The output %r of the head %r is nan or infinite for %d of %d samples, which "
                    "count unchanged\n  where:    %s data, samples %s\n  fix:      are these "
                    "images valid? If so, the network has diverged",
                    *(output, head, len(ids), self._samples, self._where, _shortened(ids)),
                )

    def look(self, ids: Sequence[str], arrays: Mapping[str, np.ndarray]) -> None:
        """Check the outputs of a batch.

        Args:
            ids: sample ids of the batch.
            arrays: outputs by short name, with the rows of these samples.

        Raises:
            DataError: an output is not finite and the policy is "raise".
        """
        self._samples += len(ids)
        for head, name in self._outputs if len(ids) else ():
            array = arrays[name]
            if array.dtype.kind != "f" or _adds_up(array):
                continue
            bad = np.isnan(array) | (array == np.inf)
            if not bad.any():
                continue
            bad_samples = _samples_of(bad, ids)
            if self._policy == "raise":
                raise DataError(
                    f"The output {name!r} of the head {head!r} is nan or infinite for "
                    f"{len(bad_samples)} of the {len(ids)} samples of a batch: no score is valid",
                    received=f"{int(np.isnan(array).sum())} nan, "
                    f"{int((array == np.inf).sum())} infinite, of {array.size} numbers",
                    where=f"{self._where} data, head {head}, samples {_shortened(bad_samples)}",
                    fix="are these images valid? If so, the network has diverged: score an "
                    'earlier checkpoint. score(..., nonfinite="warn") scores it anyway',
                )
            self._bad.setdefault((head, name), []).extend(bad_samples)


def _adds_up(array: np.ndarray) -> bool:
    """Whether the sum, and hence every number, is finite; takes a fifth of `isfinite`'s time."""
    with np.errstate(all="ignore"):
        return math.isfinite(float(array.sum()))


def _samples_of(bad: np.ndarray, ids: Sequence[str]) -> list[str]:
    """Samples whose rows are not finite; all samples for an output without a row per sample."""
    if not bad.ndim or not len(ids) or bad.shape[0] % len(ids):
        return list(ids)
    rows = bad.reshape(len(ids), -1).any(axis=1)
    return [key for key, is_bad in zip(ids, rows) if is_bad]


def _shortened(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f", ... ({len(ids)})" if len(ids) > 5 else "")
