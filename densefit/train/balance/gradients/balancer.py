"""Base class of the balancers that compare the heads' gradients."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from densefit.errors import ConfigError
from densefit.numeric import check_whole
from densefit.train.balance.balancer import Balancer, check_choice
from densefit.train.balance.gradients.gram import gram_matrix, weighted_sum
from densefit.train.balance.gradients.nonnegative import check_solver

PLACES = ("parameters", "features")
ACCUMULATED = ("all", "previous")


class GradientBalancer(Balancer):
    """Sum the heads' gradients with factors that follow from their lengths and angles.

    Only the trunk's gradient changes; a head's parameters that no other head trains have its plain
    gradient. A head whose gradient is zero, because it is absent or has nothing left to learn, is
    left out, and the factors of the rest are as if it were not there. A single remaining head has
    its plain gradient, so that a learning rate means the same.

    Args:
        at: gradients that are compared: "parameters", of all that several heads train, exactly; or
            "features", of what the trunk hands to the heads (Sener and Koltun 2018, MGDA-UB),
            which takes one pass of the trunk and not one per head.
        every: updates from one comparison to the next, whose factors are used until then.
        accumulated: where an update has several micro-batches and `at="features"`: "all" compares
            the update's gradients, and computes features twice; "previous" uses the factors of the
            update before, which costs nothing.

    Attributes:
        compares_numbers: whether gradients are combined number by number, and not by factors.
        needs_scipy: whether SciPy solves a quadratic program for the factors.
        is_independent: whether gradients of the update's first micro-batch are compared with those
            of the rest, see `observe_parts`.
        refused: setting -> the reason why it has its default alone.
    """

    needs = "gradients"
    cost = "a pass per head; with at='features' their products alone"
    compares_numbers: ClassVar[bool] = False
    needs_scipy: ClassVar[bool] = False
    is_independent: ClassVar[bool] = False
    refused: ClassVar[Mapping[str, str]] = {}
    # Attributes of the class, which identify a training only where a setting differs from them:
    # checkpoints from before these settings resume.
    at: str = "parameters"
    every: int = 1
    accumulated: str = "all"

    def __init__(self, *, at: str = "parameters", every: int = 1, accumulated: str = "all") -> None:
        where = type(self).__name__
        check_choice("at", at, PLACES, where)
        check_choice("accumulated", accumulated, ACCUMULATED, where)
        if self.needs_scipy:
            check_solver(where)
        check_whole(every, "every", 1, where=where)
        settings: dict[str, Any] = {"at": at, "every": every, "accumulated": accumulated}
        for name, value in settings.items():
            default = getattr(type(self), name)
            if value != default and name in self.refused:
                raise ConfigError(
                    self.refused[name],
                    expected=f"{name}={default!r}",
                    received=f"{name}={value!r}",
                    where=where,
                    fix="leave the setting out, or another balancer, such as cagrad or mgda",
                )
            if value != default:
                setattr(self, name, value)
        self._last: dict[str, float] = {}

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        super().begin(heads, total, updates_per_epoch)
        self._last = {}

    def weights(self, update: int) -> dict[str, float]:
        return dict.fromkeys(self.heads, 1.0)

    @property
    def reuses(self) -> bool:
        """Whether an update may use the factors of an earlier one."""
        return self.every > 1 or self.accumulated == "previous"

    def compares(self, update: int) -> bool:
        """Whether gradients are compared in update number `update`, from 0."""
        return update % self.every == 0

    def last_factors(self, present: Sequence[str]) -> np.ndarray:
        """Factors of the last comparison on the gradients of the `present` heads, others 0.

        A head that was never compared has 1, and so has one that is alone in the update.

        Returns:
            (heads,) float64.
        """
        if len(present) == 1:
            return np.array([float(head in present) for head in self.heads])
        return np.array([self._last.get(h, 1.0) * (h in present) for h in self.heads])

    def factors(self, gram: np.ndarray) -> np.ndarray:
        """Return the factors on the heads' gradients.

        Args:
            gram: (heads, heads) products of the gradients, in the order of `heads`.

        Returns:
            (heads,) float64; 0 for a head whose gradient is zero.

        Raises:
            TrainingDiverged: a gradient is not finite; names its head.
        """
        self._check_finite(gram)
        present = np.flatnonzero(gram.diagonal() > 0)
        names = [self.heads[number] for number in present]
        factors = np.zeros(len(gram))
        factors[present] = 1.0
        if len(present) > 1:
            factors[present] = self._factors(gram[np.ix_(present, present)], names)
            self._last.update(zip(names, factors[present].tolist()))
        return factors

    def combine(self, gradients: np.ndarray) -> np.ndarray:
        """Combine the heads' gradients.

        Args:
            gradients: (heads, P) float32, in the order of `heads`; row i is the gradient of head
                i's loss times its weight. Zero where a head is absent.

        Returns:
            (P,) float32, at the scale of the rows' sum.

        Raises:
            TrainingDiverged: a row is not finite.
            ConfigError: the shape is wrong.
        """
        gradients = self._checked(gradients)
        factors = self.factors(gram_matrix(gradients))
        return self._combined(factors, gradients)

    def observe_parts(self, first: np.ndarray, rest: np.ndarray) -> None:  # noqa: B027 - optional
        """Observe gradients of two independent parts of the update, before `combine`.

        Called if `is_independent`, and the update has several micro-batches.

        Args:
            first: (heads, P) gradients of the mean losses over the first micro-batch; a row of
                zeros where it has no labels for the head.
            rest: (heads, P), over the other micro-batches.
        """

    def state_dict(self) -> dict[str, Any]:
        return {"factors": dict(self._last)} if self.reuses else {}

    def _load(self, state: Mapping[str, Any]) -> None:
        self._last = dict(state.get("factors", {}))

    # -- implemented by the methods ---------------------------------------------------------------

    @abstractmethod
    def _factors(self, gram: np.ndarray, heads: Sequence[str]) -> np.ndarray:
        """Return (n,) factors on the gradients of the heads that have one.

        Equal sharing is 1 for each.

        Args:
            gram: (n, n) finite, with a diagonal above 0; n is 2 or more.
            heads: their names.
        """

    def _combined(self, factors: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """Return (P,) float32, the sum of (heads, P) gradients times (heads,) factors."""
        return weighted_sum(factors, gradients)
