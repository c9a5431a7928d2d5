"""Ids of images, out of their paths."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable


def image_ids(paths: Iterable[str]) -> list[str]:
    """An id of each image: its path without extension, or with it where two would be equal.

    >>> image_ids(["a.jpg", "b.jpg", "b.png"])
    ['a', 'b.jpg', 'b.png']
    """
    paths = list(paths)
    stems = [os.path.splitext(path)[0] for path in paths]
    counts = Counter(stems)
    return [stem if counts[stem] == 1 else path for stem, path in zip(stems, paths)]
