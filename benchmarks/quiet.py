"""Show errors alone while a benchmark computes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def errors_only() -> Iterator[None]:
    """Show no warnings of densefit in this block, such as those of rare classes in tiny data."""
    logger = logging.getLogger("densefit")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
