"""Labels that stand in where no look at a dataset showed labels of a head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.loader.sample_task import Made


class LateStandIns:
    """Binds labels of the first sample that trains a head for samples that do not.

    A loader binds labels of a sample that it looked at (see `stand_ins`), and zeros where none of
    those trained the head. Of zeros a loss may have no derivative, and 0 times nan is nan.

    Args:
        heads: names of those of which no sample was seen.
    """

    def __init__(self, heads: Iterable[str]) -> None:
        self._labels: dict[str, Mapping[str, Any] | None] = dict.fromkeys(heads)

    def bind(self, batch: Sequence[Made]) -> None:
        """Change the labels of samples of a batch that do not train a head.

        Args:
            batch: samples, in the order of the epoch.
        """
        for head, labels in self._labels.items():
            if labels is None:
                first = next((one.labels[head] for one in batch if one.labelled[head]), None)
                if first is None:
                    continue
                # Those of worker processes lie in memory that is used again.
                labels = self._labels[head] = {k: np.array(v) for k, v in first.items()}
            for one in batch:
                if not one.labelled[head]:
                    one.labels[head] = labels
