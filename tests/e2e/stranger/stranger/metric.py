"""How far off orientations are."""

import numpy as np

from densefit.metrics import Mean, metrics


@metrics.register("bar_angle_error")
class AngularError(Mean):
    """Mean angle between predicted and true orientation, in degrees: 45 for who guesses."""

    def __init__(self):
        super().__init__(key="angular_error", higher_is_better=False)

    def update(self, predictions, targets, ids):
        difference = np.abs(np.subtract(predictions, targets)) % 180
        super().update(np.minimum(difference, 180 - difference), targets, ids)
