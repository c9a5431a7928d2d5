"""Interface of balancers, which weigh the losses or gradients of several heads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from densefit.errors import CheckpointError, ConfigError, TrainingDiverged
from densefit.numeric import is_real
from densefit.registry import Registry, nearest
from densefit.train.balance.gradients.gram import gram_matrix, weighted_sum


class Balancer(ABC):
    """Base class of balancers: factors on the heads' losses, or another sum of their gradients.

    For each update, in this order: `weights` returns the factors; `observe` gets the losses, if
    `needs` is "losses" or "gradients"; `combine` gets the gradients, if it is "gradients";
    `observe_after` gets the losses of the same samples after the update, if `needs_losses_after`.
    `end_epoch` follows the last update of an epoch. Equal sharing is a weight of 1 for every head,
    so that a learning rate means the same with each method. Nothing depends on the order of heads.

    A head is absent from an update if none of its samples has the head's labels: then its loss is
    not reported and its row of gradients is zero. Each method documents its treatment of that.

    Attributes:
        needs: measurements of the loop: "nothing", "losses" or "gradients" (and losses).
        learned: whether the weights are parameters of the graph, trained with the network.
        needs_losses_after: whether the losses are computed again after each update.
        cost: cost of the method, as a line for users.
        heads: names of the heads, in network order; empty before `begin`.
    """

    needs: ClassVar[str] = "nothing"
    learned: ClassVar[bool] = False
    needs_losses_after: ClassVar[bool] = False
    cost: ClassVar[str] = "nothing"
    heads: tuple[str, ...] = ()

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        """Start a training, once, before its first update, and forget an earlier one.

        Args:
            heads: names, in network order.
            total: number of updates of the training; None if unknown.
            updates_per_epoch: number of updates per epoch; None if unknown.

        Raises:
            ConfigError: no head, two of one name, or the settings do not fit the heads.
        """
        names = tuple(heads)
        if not names or len(set(names)) < len(names):
            raise ConfigError(
                "Losses are balanced between heads of different names",
                received=list(names),
                where=type(self).__name__,
            )
        self.heads = names
        self._begin(total, updates_per_epoch)

    @abstractmethod
    def weights(self, update: int) -> dict[str, float]:
        """Return the factor on each head's loss for update number `update`, from 0.

        It depends on the number and on earlier observations alone.
        """

    def weights_now(self, update: int, value_of: Callable[[str], float]) -> dict[str, float]:
        """Return `weights`, with learned weights at their present values, for logs.

        Args:
            update: number of the next update.
            value_of: returns the value of a parameter of the graph.
        """
        return self.weights(update)

    def weighted(self, head: str, loss: Any, labelled: Any) -> Any:
        """Return the weighted loss, of a balancer whose weights are `learned`.

        Args:
            head: name.
            loss: Symbol (B,), the head's loss per sample.
            labelled: Symbol (B,), a factor on it.

        Returns:
            Symbol (B,).
        """
        return loss * labelled

    def observe(self, losses: Mapping[str, float]) -> None:
        """Observe the update's mean loss of each present head, before any weight.

        A head whose loss terms are means over different samples (`Head.terms`) has a loss for each
        present term, as `<head>/<term>`. Their sum changes with the terms that are present, so
        compare a term with itself only.

        Raises:
            TrainingDiverged: one is not finite.
            ConfigError: a loss of no head.
        """
        self._check_known(map(head_of, losses), "observe(...)")
        for name, loss in losses.items():
            if not np.isfinite(loss):
                raise TrainingDiverged(
                    f"The loss of the head {name!r} is not finite",
                    received=loss,
                    where=f"{type(self).__name__}, head {head_of(name)}",
                    fix="lower the learning rate, or lengthen the warm-up",
                )
        self._observe({name: float(loss) for name, loss in losses.items()})

    def observe_after(self, losses: Mapping[str, float]) -> None:  # noqa: B027 - optional
        """Observe the losses of the update's samples after it, by head or `<head>/<term>`.

        Called after an update that was applied, with finite losses alone.
        """

    def end_epoch(self) -> None:  # noqa: B027 - optional
        """Note the end of an epoch."""

    def combine(self, gradients: np.ndarray) -> np.ndarray:
        """Combine the heads' gradients of the shared parameters: the plain sum.

        See `GradientBalancer`, the base class of those that compare them.

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
        self._check_finite(gram_matrix(gradients))
        return weighted_sum(np.ones(len(gradients)), gradients)

    def state_dict(self) -> dict[str, Any]:
        """Return the JSON-able state that a resume needs beside the number of updates."""
        return {}

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Return copies of the arrays that a resume needs beside `state_dict`, by name."""
        return {}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:  # noqa: B027 - optional
        """Restore what `state_arrays` returned, after `load_state_dict`.

        Raises:
            CheckpointError: arrays of other heads, or of a balancer that has other ones.
        """

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned; call `begin` first.

        Raises:
            CheckpointError: the state belongs to other heads or to another balancer.
        """
        if set(state) != set(self.state_dict()):
            raise CheckpointError(
                "The state is not one of this balancer",
                expected=sorted(self.state_dict()),
                received=sorted(state),
                where=type(self).__name__,
                fix="resume with the balancer that the training was begun with",
            )
        for value in state.values():
            for name in map(head_of, value) if isinstance(value, Mapping) else ():
                if name not in self.heads:
                    raise CheckpointError(
                        f"The state is of a training with a head {name!r}",
                        expected=f"heads {list(self.heads)}",
                        where=type(self).__name__,
                        fix="resume with the heads that the training was begun with",
                    )
        self._load(state)

    # -- implemented by the methods ---------------------------------------------------------------

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:  # noqa: B027 - optional
        """Check the settings against `heads` and forget earlier observations."""

    def _observe(self, losses: dict[str, float]) -> None:  # noqa: B027 - optional
        """Observe finite losses of known heads, by head or `<head>/<term>`."""

    def _load(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - optional
        """Restore a state whose keys and heads are checked."""

    def _checked(self, gradients: np.ndarray) -> np.ndarray:
        """Return gradients as an array, with a row for each head."""
        gradients = np.asarray(gradients)
        if gradients.ndim != 2 or len(gradients) != len(self.heads):
            raise ConfigError(
                "Gradients are combined with one row for each head",
                expected=f"shape ({len(self.heads)}, P) for the heads {list(self.heads)}",
                received=f"shape {gradients.shape}",
                where=type(self).__name__,
            )
        return gradients

    def _check_finite(self, gram: np.ndarray) -> None:
        """Raise TrainingDiverged for a gradient that is not finite, by its head.

        A product that is not finite, of gradients with finite squares, names both heads.
        """
        finite = np.isfinite(gram)
        bad = [name for name, square in zip(self.heads, finite.diagonal()) if not square]
        if not bad:
            bad = [name for name, row in zip(self.heads, finite) if not row.all()]
        if bad:
            raise TrainingDiverged(
                "The gradient of a head is not finite, though its loss is",
                received=f"nan or infinity in that of {', '.join(bad)}",
                where=f"{type(self).__name__}, head {', '.join(bad)}",
                fix="lower the learning rate, or lengthen the warm-up",
            )

    def _check_known(self, names: Iterable[str], setting: str) -> None:
        for name in names:
            if name not in self.heads:
                raise ConfigError(
                    f"There is no head {name!r} to balance",
                    where=f"{type(self).__name__}, {setting}",
                    fix=nearest(name, self.heads) if self.heads else "call begin(heads) first",
                )


def head_of(key: str) -> str:
    """Return the head of a loss, by head or `<head>/<term>`.

    >>> head_of("panoptic/masks"), head_of("boxes")
    ('panoptic', 'boxes')
    """
    return key.partition("/")[0]


def check_number(
    setting: str, value: object, expected: str, fits: Callable[[float], bool], where: str
) -> None:
    """Raise ConfigError unless a setting is a finite number that fits."""
    if not (is_real(value) and fits(value)):  # type: ignore[arg-type]
        raise ConfigError(
            "A balancer's setting is out of range",
            expected=expected,
            received=f"{setting}={value!r}",
            where=where,
        )


def check_choice(setting: str, value: object, choices: Sequence[str], where: str) -> None:
    """Raise ConfigError unless a setting is one of some words."""
    if value not in choices:
        raise ConfigError(
            "Unknown setting of a balancer",
            expected=" or ".join(map(repr, choices)),
            received=f"{setting}={value!r}",
            where=where,
        )


balancers: Registry[Balancer] = Registry("balancer")
