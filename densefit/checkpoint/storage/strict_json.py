"""JSON of checkpoints: exact values; CheckpointError if they cannot be written or read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from densefit.data.io import exact_json
from densefit.data.io.strict_json import MAX_VALUES, parse
from densefit.errors import CheckpointError, DataError

__all__ = ["MAX_VALUES", "dumps", "loads", "parse"]


def dumps(value: Any) -> str:
    """Serialize a state, see `exact_json.dumps`. Tuples come back as lists.

    Raises:
        CheckpointError: a value cannot be written exactly; names its path.
    """
    with _checkpoint_errors():
        return exact_json.dumps(value, "state", tuples=False)


def loads(text: str | bytes) -> Any:
    """Read the state that `dumps` wrote.

    Raises:
        CheckpointError: the text was not written by `dumps`.
    """
    with _checkpoint_errors():
        return exact_json.loads(text, "state")


@contextmanager
def _checkpoint_errors() -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise CheckpointError(
            error.what,
            expected=error.expected,
            received=error.received,
            where=error.where,
            fix=error.fix,
        ) from error
