"""Select predicted objects by score, class and number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.registry import nearest


@dataclass(frozen=True)
class Selection:
    """Which objects of a prediction are written; maps and probabilities stay whole.

    Attributes:
        threshold: lowest score; None for all.
        classes: names of the classes; empty for all.
        most: objects per image, the highest-scored ones; None for all.
    """

    threshold: float | None = None
    classes: Sequence[str] = ()
    most: int | None = None

    def check(self, heads: Sequence[Head]) -> None:
        """Raise ConfigError for a class that no head has, or a number out of range."""
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError("A threshold is a score", expected="0 to 1", received=self.threshold)
        if self.most is not None and self.most < 1:
            raise ConfigError("max_detections is a count", received=self.most)
        names = list(dict.fromkeys(str(name) for head in heads for name in classes_of(head)))
        for name in self.classes:
            if name not in names:
                raise ConfigError(
                    f"No head has the class {name!r}",
                    expected=", ".join(names)[:300],
                    where="--classes",
                    fix=nearest(name, names),
                )

    def __call__(self, head: Head, prediction: Any) -> Any:
        """The selected part of a head's prediction for an image."""
        if not isinstance(prediction, dict) or "scores" not in prediction:
            return prediction
        scores, classes = prediction["scores"], prediction["classes"]
        is_chosen = np.ones(len(scores), bool)
        if self.threshold is not None:
            # As the float32 that scores are: 0.3 is not below 0.3.
            is_chosen &= scores >= np.float32(self.threshold)
        if self.classes:
            names = list(classes_of(head))
            is_chosen &= np.isin(classes, [names.index(n) for n in self.classes if n in names])
        rows = np.flatnonzero(is_chosen)
        if self.most is not None and len(rows) > self.most:
            best = np.argsort(-scores[rows], kind="stable")[: self.most]
            rows = rows[np.sort(best)]
        return {name: rows_of(value, rows, len(scores)) for name, value in prediction.items()}


def classes_of(head: Head) -> Sequence[str]:
    """Names of a head's classes; empty for a head without."""
    return getattr(head, "classes", ())


def rows_of(value: Any, rows: np.ndarray, count: int) -> Any:
    """Rows of an array or list with an entry for each of `count` objects; else the value."""
    if isinstance(value, np.ndarray) and value.ndim and len(value) == count:
        return value[rows]
    if isinstance(value, list) and len(value) == count:
        return [value[row] for row in rows]
    return value
