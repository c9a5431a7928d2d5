"""Errors that name what failed, the expected and received values, the location, and a fix."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 8000  # characters of a part of a message


class DensefitError(Exception):
    """Base class of densefit's errors.

    The message is built from parts, so that all errors have the same form:

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
        """Return the same error with `where` in front of its location.

        Args:
            where: location, e.g. a head's name.
        """
        location = where if self.where is None else f"{where}, {self.where}"
        parts = {"expected": self.expected, "received": self.received, "fix": self.fix}
        return type(self)(self.what, **parts, where=location)


def first_line(error: BaseException) -> str:
    """First line of an error's text, or its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _shortened(value: object) -> str:
    """Return a value's text; of a very long one, as in broken files, its start and end."""
    text = str(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} ... ({len(text)} characters) ... {text[-_LONGEST // 4 :]}"


class EngineError(DensefitError):
    """An engine (MXNet, PyTorch, ONNX Runtime) is missing, broken or of a wrong version."""


class MissingPackageError(DensefitError, ModuleNotFoundError):
    """A package that densefit depends on is not installed."""


class DistributedError(EngineError):
    """A rank died, ended early, or called another collective than its peers."""


class ConfigError(DensefitError):
    """A setting is unknown, contradictory or out of range."""


class DataError(DensefitError):
    """A sample, annotation, batch or iterator is invalid."""


class MissingSplitError(DataError):
    """A dataset has no split of this name."""


class BindError(DensefitError):
    """Outputs, labels or shapes do not fit the network."""


class CheckpointError(DensefitError):
    """A checkpoint is missing, damaged or of another network."""


class ExportError(DensefitError):
    """A network cannot be exported, or its exported model computes other numbers."""


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
        saved = f"; saved {checkpoint}" if checkpoint else "; nothing was saved"
        super().__init__(f"training was ended by {signal.Signals(signum).name}{saved}")


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Add the file's path to an OSError in the block: errors of a full disk lack it.

    Args:
        path: path that is written in the block.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def located(where: str) -> Iterator[None]:
    """Add a location to a DensefitError that is raised in the block.

    An error of the same type is raised from it.

    Args:
        where: location, e.g. a head's name.
    """
    try:
        yield
    except DensefitError as error:
        raise error.located(where) from error
