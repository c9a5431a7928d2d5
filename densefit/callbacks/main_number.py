"""Which numbers are a head's own, and which are those of one of its classes."""

from __future__ import annotations

from collections.abc import Collection


def is_main(key: str, heads: Collection[str]) -> bool:
    """Whether a number is of a whole head: "head/number", or "dataset/head/number".

    The finer ones are "head/number/class" and "dataset/head/number/class".

    >>> [is_main(key, ["boxes"]) for key in ("boxes/AP", "cells/boxes/AP", "boxes/AP/cat")]
    [True, True, False]
    >>> is_main("boxes/AP/cat", ["boxes", "AP"]), is_main("cells/AP/mAP", ["boxes", "AP"])
    (False, True)

    Args:
        key: full name.
        heads: names of all heads.
    """
    parts = key.split("/")
    return len(parts) < 3 or (len(parts) == 3 and parts[1] in heads and parts[0] not in heads)
