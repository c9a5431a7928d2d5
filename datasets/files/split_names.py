"""Usual spellings of splits."""

from __future__ import annotations

_SPELLINGS = (
    ("train", "training"),
    ("val", "valid", "validation"),
    ("test", "testing"),
)


def split_names(split: str) -> tuple[str, ...]:
    """Names that a split may have, the given one first.

    >>> split_names("valid"), split_names("fold1")
    (('valid', 'val', 'validation'), ('fold1',))
    """
    names = next((names for names in _SPELLINGS if split in names), (split,))
    return (split, *(name for name in names if name != split))
