"""Metrics of whole heads, as against metrics of single classes."""

from __future__ import annotations

from collections.abc import Collection


def is_main(key: str, heads: Collection[str]) -> bool:
    """Whether a metric is of a whole head: "head/metric", or "dataset/head/metric".

    Metrics of a class are "head/metric/class" and "dataset/head/metric/class".

    >>> [is_main(key, ["boxes"]) for key in ("boxes/AP", "cells/boxes/AP", "boxes/AP/cat")]
    [True, True, False]
    >>> is_main("boxes/AP/cat", ["boxes", "AP"]), is_main("cells/AP/mAP", ["boxes", "AP"])
    (False, True)

    Args:
        key: full name of the metric.
        heads: names of all heads.
    """
    parts = key.split("/")
    return len(parts) < 3 or (len(parts) == 3 and parts[1] in heads and parts[0] not in heads)
