"""Average precision of the boxes, beside that of the masks."""

from __future__ import annotations

import numpy as np

from densefit.metrics import COCOAveragePrecision


class BoxAveragePrecision(COCOAveragePrecision):
    """The numbers of `COCOAveragePrecision`, each called `box_...`: masks have their names."""

    name = "box_ap"
    primary = "box_AP"

    def _scores(self, weights: np.ndarray | None) -> dict[str, float]:
        return {f"box_{name}": value for name, value in super()._scores(weights).items()}
