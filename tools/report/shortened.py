"""Choose some of many classes for a table."""

from __future__ import annotations

import math
from collections.abc import Mapping

_LOWEST, _HIGHEST = 20, 10  # classes that are printed if there are more

Rows = Mapping[str, Mapping[str, float]]


def shortened(classes: Rows, column: str) -> tuple[Rows, str]:
    """Choose the classes to print, with a suffix for the title.

    Of many classes, the lowest and highest in a column are printed; files contain all.

    Args:
        classes: class -> column -> number.
        column: the column.
    """
    if len(classes) <= _LOWEST + _HIGHEST:
        return classes, ""
    defined = [name for name in classes if not math.isnan(classes[name].get(column, math.nan))]
    ranked = sorted(defined, key=lambda name: classes[name][column])
    if len(ranked) > _LOWEST + _HIGHEST:
        ranked = ranked[:_LOWEST] + ranked[-_HIGHEST:]
    title = f": {len(ranked)} of {len(classes)}, the lowest and the highest {column}"
    return {name: classes[name] for name in ranked}, title
