"""What a balancer is: how the losses of several heads share the training of one trunk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from densefit.errors import CheckpointError, ConfigError, TrainingDiverged
from densefit.numeric import is_real
from densefit.registry import Registry, nearest
from densefit.train.balance.gram import gram_matrix, weighted_sum


class Balancer(ABC):
    """Factors on the heads' losses, or another sum of their gradients.

    For each update, in this order: `weights` gives the factors; `observe` is told the losses, if
    `needs` is "losses" or "gradients"; `combine` is given the gradients, if it is "gradients".
    `end_epoch` follows the last update of an epoch. Equal sharing is a weight of 1 for every head,
    so that a learning rate means the same whatever the method. Nothing depends on the order of
    the heads.

    A head is absent from an update if no sample of it has its labels: then its loss is not
    reported and its row of gradients is zero. Each method says what it makes of that.

    Attributes:
        needs: what the loop must measure: "nothing", "losses" or "gradients" (and losses).
        learned: whether the weights are parameters of the graph, trained with the network.
        cost: what the method costs, in a line for users.
        heads: names of the heads, in network order; empty before `begin`.
    """

    needs: ClassVar[str] = "nothing"
    learned: ClassVar[bool] = False
    cost: ClassVar[str] = "nothing"
    heads: tuple[str, ...] = ()

    def begin(
        self, heads: Sequence[str], total: int | None = None, updates_per_epoch: int | None = None
    ) -> None:
        """Start a training, once, before its first update; what was seen before is forgotten.

        Args:
            heads: names, in network order.
            total: updates of the whole training; None if it is not known.
            updates_per_epoch: None if it is not known.

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
        """The factor on each head's loss for update number `update`, from 0.

        Depends on the number and on what was observed before alone.
        """

    def weights_now(self, update: int, value_of: Callable[[str], float]) -> dict[str, float]:
        """`weights`, and those that are learned as they are: what is shown to people.

        Args:
            update: its number, before it is made.
            value_of: gives the number that a parameter of the graph holds.
        """
        return self.weights(update)

    def weighted(self, head: str, loss: Any, labelled: Any) -> Any:
        """The loss that is trained, of a balancer whose weights are `learned`.

        Args:
            head: name.
            loss: Symbol (B,), the head's loss of each sample.
            labelled: Symbol (B,), a factor on each sample's.

        Returns:
            Symbol (B,).
        """
        return loss * labelled

    def observe(self, losses: Mapping[str, float]) -> None:
        """Take in the update's mean loss of each head, before any weight; absent heads lack one.

        A head whose terms are the means over samples of their own (`Head.terms`) has one for each
        term that the update has samples of, as `<head>/<term>`. Their sum says little, since it
        changes with the terms that are there: compare a term with itself.

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

    def end_epoch(self) -> None:  # noqa: B027 - optional
        """Take in that an epoch is over."""

    def combine(self, gradients: np.ndarray) -> np.ndarray:
        """The gradient that the shared parameters are updated with.

        Every method's is a sum of the rows with factors that follow from their lengths and the
        angles between them; by default their plain sum.

        Args:
            gradients: (heads, P) float32, in the order of `heads`; row i is the gradient of head
                i's loss times its weight. Zero where a head is absent.

        Returns:
            (P,) float32, to the scale of the rows' sum.

        Raises:
            TrainingDiverged: one is not finite.
            ConfigError: another shape.
        """
        gradients = np.asarray(gradients)
        if gradients.ndim != 2 or len(gradients) != len(self.heads):
            raise ConfigError(
                "Gradients are combined with one row for each head",
                expected=f"shape ({len(self.heads)}, P) for the heads {list(self.heads)}",
                received=f"shape {gradients.shape}",
                where=type(self).__name__,
            )
        gram = gram_matrix(gradients)
        bad = [name for name, square in zip(self.heads, gram.diagonal()) if not np.isfinite(square)]
        if bad:
            raise TrainingDiverged(
                "The gradient of a head is not finite, though its loss is",
                received=f"nan or infinity in that of {', '.join(bad)}",
                where=f"{type(self).__name__}, head {', '.join(bad)}",
                fix="lower the learning rate, or lengthen the warm-up",
            )
        return weighted_sum(self._factors(gram), gradients)

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs beside the number of updates done; JSON-able."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave; call `begin` first.

        Raises:
            CheckpointError: it is of other heads or of another balancer.
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

    # -- what the methods fill in -----------------------------------------------------------------

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:  # noqa: B027 - optional
        """Check the settings against `heads` and forget what was seen."""

    def _observe(self, losses: dict[str, float]) -> None:  # noqa: B027 - optional
        """Take in finite losses of known heads, by head or `<head>/<term>`."""

    def _factors(self, gram: np.ndarray) -> np.ndarray:
        """(heads,) factors on the rows, from their finite (heads, heads) products."""
        return np.ones(len(gram))

    def _load(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - optional
        """Continue from a state whose keys and heads are right."""

    def _check_known(self, names: Iterable[str], setting: str) -> None:
        for name in names:
            if name not in self.heads:
                raise ConfigError(
                    f"There is no head {name!r} to balance",
                    where=f"{type(self).__name__}, {setting}",
                    fix=nearest(name, self.heads) if self.heads else "call begin(heads) first",
                )


def head_of(key: str) -> str:
    """The head whose loss, or that of a term, goes by a name.

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


balancers: Registry[Balancer] = Registry("balancer")
