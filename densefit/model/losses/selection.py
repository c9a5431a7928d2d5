"""A head's losses, from its setting `loss`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densefit.errors import ConfigError
from densefit.model.losses.pixel_loss import PixelLoss, pixel_losses
from densefit.numeric import real


@dataclass(frozen=True)
class WeightedLoss:
    """A loss with its name and its factor in a sum."""

    name: str
    weight: float
    loss: PixelLoss


def make_losses(setting: str | Mapping[str, Any]) -> tuple[WeightedLoss, ...]:
    """Make the losses that a setting names.

    >>> [(loss.name, loss.weight) for loss in make_losses({"cross_entropy": 1, "dice": 0.5})]
    [('cross_entropy', 1.0), ('dice', 0.5)]
    >>> make_losses({"focal": {"weight": 2, "gamma": 3}})[0].loss.gamma
    3.0

    Args:
        setting: name of a loss, or name -> factor, or name -> settings of the loss, among them
            `weight`, its factor (1 by default).

    Raises:
        ConfigError: no loss, an unknown loss or setting, or a factor that is not above 0.
    """
    named = {setting: 1} if isinstance(setting, str) else setting
    if not isinstance(named, Mapping) or not named:
        raise ConfigError(
            "A loss is a name, or a map of names to factors",
            expected="such as dice, or {cross_entropy: 1, dice: 1}",
            received=repr(setting),
        )
    losses = []
    for name, value in named.items():
        settings = dict(value) if isinstance(value, Mapping) else {"weight": value}
        weight = real(settings.pop("weight", 1.0), f"weight of the loss {name!r}", above=0.0)
        losses.append(WeightedLoss(name, weight, pixel_losses.create(name, **settings)))
    return tuple(losses)
