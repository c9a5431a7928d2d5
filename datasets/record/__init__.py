"""Files of records: ours, and those of MXNet's im2rec."""

from .record import Record

__all__ = ["Record"]
