"""The end of a training, whether it is complete or failed."""

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
    """Release the network and call `fit_ended` of callbacks behind the block, whatever it raises.

    Args:
        session: the training.
        begun: callbacks that know of its start, looked at behind the block.
        abandon: called first, if the block has failed.

    Raises:
        Exception: that a callback's end raises, if the block has not failed itself.
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
    """Call each end; return what they raise."""
    failures: list[Exception] = []
    ends: list[Callable[[], None]] = [session.learner.release]
    ends += [partial(callback.fit_ended, session.state, error) for callback in begun]
    for end in ends:
        try:
            end()
        except Exception as failure:
            failures.append(failure)
    return failures
