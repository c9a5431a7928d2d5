"""Ids in COCO files: what is one, and which are the same."""

from __future__ import annotations

from typing import Any

from densefit.errors import DataError

Id = int | str


def read_id(value: Any, where: object, what: str = "id") -> Id:
    """An id, so that ids that mean the same are equal: 7, 7.0 and "7".

    >>> read_id(7.0, ""), read_id("7", ""), read_id("007", "")
    (7, 7, '007')

    Args:
        value: of the file.
        where: for errors.
        what: the field is called.

    Raises:
        DataError: true, a fraction, a list and the like.
    """
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is str and value:
        return _whole(value)
    if kind is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    raise DataError(
        f"The {what} is not usable",
        expected="a whole number or a text",
        received=f"{value!r:.80}",
        where=where,
    )


def _whole(text: str) -> Id:
    """The number that a text is, if it is written as numbers are."""
    digits = text[1:] if text[0] == "-" else text
    if len(text) > 20 or not (digits.isascii() and digits.isdigit()) or str(int(text)) != text:
        return text
    return int(text)
