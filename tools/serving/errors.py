"""Errors of a request, each with its HTTP status."""

from __future__ import annotations


class RequestError(Exception):
    """What is wrong with a request.

    Args:
        status: HTTP status.
        message: what is wrong, a sentence.
        retry_after: seconds after which the request may be sent again; None if that is no use.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after
