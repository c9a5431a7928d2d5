"""Base class of the balancers with an array of the gradient's size for each head."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from densefit.errors import CheckpointError
from densefit.train.balance.gradients.balancer import GradientBalancer
from densefit.train.balance.gradients.gram import gram_matrix, weighted_sum

OF_SAMPLES = (
    "Averages over updates are of the gradients of parameters: features belong to an update's "
    "samples"
)


class RowBalancer(GradientBalancer):
    """Combine gradients with what was accumulated of each head's gradients before.

    The arrays are in the checkpoint, and begin again where another number of parameters is
    trained, e.g. after `unfreeze`. They need the memory of the shared parameters for each head. A
    head that is absent from an update keeps its array, and adds nothing to the update.

    Attributes:
        row_name: name of the arrays in the checkpoint.
    """

    cost = "a pass per head, and an array of the shared parameters' size for each"
    compares_numbers = True
    row_name: ClassVar[str]
    refused = {"at": OF_SAMPLES}

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        super().begin(heads, total, updates_per_epoch)
        self._rows: dict[str, np.ndarray] = {}

    def combine(self, gradients: np.ndarray) -> np.ndarray:
        gradients = self._checked(gradients)
        gram = gram_matrix(gradients)
        self._check_finite(gram)
        present = np.flatnonzero(gram.diagonal() > 0)
        names = [self.heads[number] for number in present]
        if len(names) < 2:
            return weighted_sum(np.ones(len(gradients)), gradients)
        if any(row.shape != gradients.shape[1:] for row in self._rows.values()):
            self._rows = {}
        return self._combine_rows(np.asarray(gradients[present], np.float32), names)

    def state_arrays(self) -> dict[str, np.ndarray]:
        return {f"{self.row_name}/{head}": row.copy() for head, row in self._rows.items()}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        names = {f"{self.row_name}/{head}": head for head in self.heads}
        wrong = [name for name in arrays if name not in names]
        if wrong:
            raise CheckpointError(
                "The arrays are not of this balancer and these heads",
                expected=", ".join(names),
                received=", ".join(wrong),
                where=type(self).__name__,
                fix="resume with the balancer and the heads that the training was begun with",
            )
        self._rows = {names[name]: np.array(row, np.float32) for name, row in arrays.items()}

    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        return np.ones(len(heads))

    @abstractmethod
    def _combine_rows(self, gradients: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        """Return (P,) float32, at the scale of the rows' sum.

        Args:
            gradients: (n, P) float32, finite and not 0, of the n heads in the update; 2 or more.
            heads: their names.
        """
