"""Constructor settings and reading position of MXNet's C++ iterators, which store neither.

`mx.io.MXDataIter` discards its settings and does not expose its position. Its methods are wrapped
when this module is imported; the wrappers only store an `Observation` on the iterator.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.interop.mxnet import is_installed, mx

_MARK = "_densefit_observation"
#: Iterators with recycled batches, whose pad is stale from the second epoch on.
STALE_PADS = ("ImageRecordIter", "ImageRecordUInt8Iter", "ImageRecordInt8Iter")


@dataclass
class Observation:
    """Settings and reading position of a C++ iterator.

    Attributes:
        kind: name of the constructor, such as "CSVIter".
        settings: keyword arguments of the constructor.
        total: number of batches read.
        batches: number of batches read since the last reset.
        epochs: number of epochs that were read to their end and followed by a reset.
        has_ended: whether the present epoch was read to its end.
        is_torn: whether a reset came before the end of an epoch. The start of the next epoch then
            depends on how far the thread had read ahead.
        pad: pad of the last batch read.
        filled: number of this epoch's samples in the previous epoch's last batch; None if unknown.
        samples: number of samples, determined by a whole epoch; None before.
    """

    kind: str
    settings: Mapping[str, Any]
    total: int = 0
    batches: int = 0
    epochs: int = 0
    has_ended: bool = False
    is_torn: bool = False
    pad: int = 0
    filled: int | None = 0
    samples: int | None = None

    @property
    def rounds(self) -> bool:
        """Return whether the last batch is filled up with samples of the next epoch."""
        return self.kind != "MNISTIter" and self.flag("round_batch", True)

    @property
    def has_right_pads(self) -> bool:
        """Return whether the pad of the present epoch's last batch is valid."""
        if self.kind in STALE_PADS:
            return self.rounds and self.epochs == 0 and not self.is_torn
        return self.kind != "MNISTIter"

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean setting, which C++ reads from text."""
        return str(self.settings.get(name, default)).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        """Return an integer setting."""
        return int(str(self.settings.get(name, default)))

    def take(self, pad: int | None) -> None:
        """Record a batch."""
        self.total, self.batches, self.pad = self.total + 1, self.batches + 1, int(pad or 0)

    def end(self, batch_size: int) -> None:
        """Record the end of an epoch."""
        if not self.has_ended and self.batches and self.filled is not None and self.has_right_pads:
            self.samples = self.batches * batch_size - self.pad + self.filled
        self.has_ended = True

    def restart(self) -> None:
        """Record a reset."""
        if not self.rounds:
            self.filled = 0
        elif self.has_ended and self.has_right_pads:
            self.filled = self.pad
        else:
            self.filled = None
        self.epochs += self.has_ended
        self.is_torn = self.is_torn or not self.has_ended
        self.batches, self.has_ended, self.pad = 0, False, 0


def observation(iterator: Any) -> Observation | None:
    """Return the observation of a C++ iterator; None if it was created before this import."""
    return getattr(iterator, _MARK, None)


def _observe(kind: Any) -> None:
    if hasattr(kind.__init__, _MARK):  # imported a second time
        return
    init, read, step, reset = kind.__init__, kind.next, kind.iter_next, kind.reset

    @functools.wraps(init)
    def observed_init(self: Any, *args: Any, **settings: Any) -> None:
        init(self, *args, **settings)
        setattr(self, _MARK, Observation(_constructor(), settings))

    @functools.wraps(read)
    def observed_next(self: Any) -> Any:
        seen = observation(self)
        try:
            batch = read(self)
        except StopIteration:
            if seen is not None:
                seen.end(self.batch_size)
            raise
        if seen is not None:  # it is None while the constructor reads the first batch
            seen.take(batch.pad)
        return batch

    @functools.wraps(step)
    def observed_step(self: Any) -> Any:
        has_batch = step(self)
        seen = observation(self)
        if seen is not None and has_batch:
            seen.take(self.getpad())
        elif seen is not None:
            seen.end(self.batch_size)
        return has_batch

    @functools.wraps(reset)
    def observed_reset(self: Any) -> None:
        reset(self)
        seen = observation(self)
        if seen is not None:
            seen.restart()

    setattr(observed_init, _MARK, True)
    for name, method in (
        ("__init__", observed_init),
        ("next", observed_next),
        ("iter_next", observed_step),
        ("reset", observed_reset),
    ):
        setattr(kind, name, method)


def _constructor() -> str:
    """Return the name of the `mx.io` function on the stack, a local variable of its frame."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "creator" and "iter_name" in frame.f_locals:
            return str(frame.f_locals["iter_name"])
        frame = frame.f_back
    return "MXDataIter"


if is_installed:
    _observe(mx.io.MXDataIter)
