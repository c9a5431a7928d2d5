"""Errors that say what failed, what was expected, what came, where, and what to do."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 8000  # characters of a part of a message


class DensefitError(Exception):
    """Base of every error raised by densefit.

    The message is built from parts, so that all errors read alike:

    >>> print(DataError("Image cannot be read", received="0 bytes", where="a.jpg", fix="delete it"))
    Image cannot be read
      received: 0 bytes
      where:    a.jpg
      fix:      delete it
    """

    def __init__(
        self,
        what: str,
        *,
        expected: object = None,
        received: object = None,
        where: object = None,
        fix: object = None,
    ) -> None:
        self.what = what
        self.expected = expected
        self.received = received
        self.where = where
        self.fix = fix
        lines = [_shortened(what)]
        for key, value in (
            ("expected", expected),
            ("received", received),
            ("where", where),
            ("fix", fix),
        ):
            if value is not None:
                lines.append(f"  {key + ':':<9} {_shortened(value)}")
        super().__init__("\n".join(lines))

    def located(self, where: str) -> DensefitError:
        """Return the same error with a place in front of its own.

        Args:
            where: such as a head's name.
        """
        place = where if self.where is None else f"{where}, {self.where}"
        parts = {"expected": self.expected, "received": self.received, "fix": self.fix}
        return type(self)(self.what, **parts, where=place)


def _shortened(value: object) -> str:
    """The text of a value; of one without end, as broken files have, the begin and the end."""
    text = str(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} ... ({len(text)} characters) ... {text[-_LONGEST // 4 :]}"


class EngineError(DensefitError):
    """The compute engine (MXNet) is missing, broken or of the wrong version."""


class ConfigError(DensefitError):
    """A setting is unknown, contradictory or out of range."""


class DataError(DensefitError):
    """A sample, annotation, batch or iterator is not what it must be."""


class MissingSplitError(DataError):
    """A dataset has no split of a name."""


class BindError(DensefitError):
    """Outputs, labels or shapes do not fit the network."""


class CheckpointError(DensefitError):
    """A checkpoint is missing, damaged or of another network."""


class TrainingDiverged(DensefitError):  # noqa: N818 - the name says what happened
    """A loss is no longer finite."""


class TrainingInterrupted(KeyboardInterrupt):  # noqa: N818 - it is no error
    """SIGINT or SIGTERM ended the training, after the update was finished.

    Attributes:
        signum: number of the signal.
        checkpoint: path of the checkpoint that was written; None without a directory for them.
    """

    def __init__(self, signum: int, checkpoint: str | None) -> None:
        self.signum, self.checkpoint = signum, checkpoint
        kept = f"; saved {checkpoint}" if checkpoint else "; nothing was saved"
        super().__init__(f"training was ended by {signal.Signals(signum).name}{kept}")


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Name the file in an OSError of the block: a full disk does not say which one it refuses.

    Args:
        path: of what is written in the block.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def located(where: str) -> Iterator[None]:
    """Say of an error of ours that comes out of the block where that was, besides what it says.

    Another one of its kind is raised from it.

    Args:
        where: such as a head's name.
    """
    try:
        yield
    except DensefitError as error:
        raise error.located(where) from error
