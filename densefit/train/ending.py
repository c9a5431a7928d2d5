"""End of a training, complete or failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from densefit.callbacks.callback import Callback
from densefit.checkpoint.training.session import Session

_log = logging.getLogger("densefit")


@contextmanager
def ending(
    session: Session, begun: Sequence[Callback], abandon: Callable[[], None]
) -> Iterator[None]:
    """Release the network and call callbacks' `fit_ended` after the block, even if it raises.

    Args:
        session: the training.
        begun: callbacks whose `fit_started` was called; read after the block.
        abandon: called first, if the block fails.

    Raises:
        Exception: raised by a callback's `fit_ended`, unless the block itself fails.
    """
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        abandon()
        raise
    finally:
        failures = _end(session, begun, error)
        if failures and error is None:
            raise failures[0]
        for failure in failures:
            _log.warning("While the training failed, its end failed too: %s", failure)


def _end(
    session: Session, begun: Sequence[Callback], error: BaseException | None
) -> list[Exception]:
    """Release the learner and end the callbacks; return their errors."""
    failures: list[Exception] = []
    ends: list[Callable[[], None]] = [session.learner.release]
    ends += [partial(callback.fit_ended, session.state, error) for callback in begun]
    for end in ends:
        try:
            end()
        except Exception as failure:
            failures.append(failure)
    return failures
