"""Look at data without a word: what there is to say is said when the data are read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from densefit.once import forgetting


@contextmanager
def quiet() -> Iterator[None]:
    """Log no warnings in the block, and log them later as if they were new."""
    log = logging.getLogger("densefit")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with forgetting():
            yield
    finally:
        log.setLevel(before)
