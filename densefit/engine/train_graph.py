"""Interface of a bound train graph to training: its parameters and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from densefit.data.batch import Batch


class HeadGradients(Protocol):
    """Gradients of the shared parameters, kept apart by head.

    Attributes:
        rows: (heads, P) float32, each head's gradient as one vector.
        part: likewise after an update's first micro-batch; None unless `take_part` was called.
    """

    rows: np.ndarray
    part: np.ndarray | None

    def spans(self) -> dict[str, slice]:
        """Columns of `rows` that each shared parameter has, in order."""

    def clear(self) -> None:
        """Forget the gradients of the last update."""

    def take(self, row: int) -> None:
        """Store the current gradients as row `row`."""

    def take_part(self, row: int) -> None:
        """Store the current gradients as row `row` of `part`."""

    def put(self, combined: np.ndarray) -> None:
        """Replace the gradients of the shared parameters by `combined` (P,) float32."""


class SplitPasses(Protocol):
    """Backward passes in two parts: each head to the trunk's features, then the trunk once."""

    def heads(
        self,
        batch: Batch,
        first: bool = True,
        shares: Mapping[str, float] | None = None,
        while_computing: Callable[[], None] | None = None,
    ) -> None:
        """Run a micro-batch forward, and each head backward to the features; see `compute`."""

    def gram(self) -> np.ndarray:
        """Products of the heads' gradients of the features, as (heads, heads) float64.

        They are of the summed losses, over the micro-batches whose trunk has not run backward.
        """

    def combine(self, combine: Callable[[np.ndarray], np.ndarray]) -> None:
        """Run the trunk backward with a combination of the heads' (heads, P) gradients, (P,)."""

    def trunk(self, factors: Sequence[float] | np.ndarray) -> None:
        """Run the trunk backward with the sum of the heads' gradients times their factors."""


class Gradients(Protocol):
    """Gradients of the micro-batches computed since the last update."""

    def sum_ranks(self, is_refused: bool = False) -> bool:
        """Sum gradients and numbers of samples over the ranks; returns whether a rank refuses.

        Called once per update, after its last micro-batch, if there are several ranks.

        Args:
            is_refused: whether this rank refuses the update, whose gradients then do not count.
        """

    def mean_factor(self) -> float:
        """Factor on the summed gradient that gives the gradient of the mean loss."""

    def norm(self) -> float:
        """Norm of the mean loss's gradient over all parameters; waits for the backward pass."""

    def not_finite(self) -> list[str]:
        """Names of the parameters whose gradient is nan or infinite."""

    def per_head(self) -> HeadGradients:
        """Collect the gradients of each head separately.

        Raises:
            ConfigError: the heads share no parameter that is trained.
        """


class Parameters(Protocol):
    """Parameters in training, and BatchNorm's moving statistics, as "arg:<name>", "aux:<name>".

    Attributes:
        version: version number of the parameters; it changes with them.
    """

    version: int

    @property
    def are_averaged(self) -> bool:
        """Whether the network gets moving averages of the weights."""

    def value(self, name: str) -> np.ndarray:
        """Read one parameter; waits until it is computed."""

    def training_values(self) -> dict[str, np.ndarray]:
        """Copy the weights in training (not their averages)."""

    def load(
        self, parameters: Mapping[str, Any], statistics: Mapping[str, Any], where: str
    ) -> None:
        """Replace all parameters of the train graph.

        Raises:
            CheckpointError: a parameter is missing or has another shape.
        """

    def load_averages(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from averages, by name as in `training_values`."""

    def check_finite(self) -> None:
        """Raise TrainingDiverged if a parameter is nan or infinite."""

    def statistics(self) -> Any:
        """Copy BatchNorm's moving statistics, which a forward and backward pass change."""

    def set_statistics(self, copies: Any) -> None:
        """Restore what `statistics` returned."""

    def statistic_values(self) -> dict[str, np.ndarray]:
        """Copy the moving statistics, and their averages of an EMA, to the host, by name."""

    def set_statistic_values(self, values: Mapping[str, np.ndarray]) -> None:
        """Replace what `statistic_values` returned, e.g. by the mean over the ranks."""

    def mend_statistics(self) -> None:
        """Replace statistics that are not finite by the network's last values."""
