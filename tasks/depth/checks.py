"""Checks of the settings of a depth head."""

from __future__ import annotations

import math
from collections.abc import Sequence

from densefit.errors import ConfigError

from .loss import LOSSES

METRICS = ("images", "pixels", "both")


def check_settings(
    where: str,
    losses: Sequence[str],
    limits: tuple[float, float],
    scale_invariance: float,
    metric: str,
) -> None:
    """Check the settings of a depth head.

    Args:
        where: the head, for errors.
        losses: names of losses.
        limits: (min_depth, max_depth) in metres.
        scale_invariance: lambda of "silog".
        metric: name of the scores.

    Raises:
        ConfigError: an unknown loss or metric, or a number out of range.
    """
    least, most = limits
    for fits, what, expected, received in (
        (
            losses and len(set(losses)) == len(losses) and set(losses) <= set(LOSSES),
            "Unknown loss of depth",
            f"one or several of {', '.join(LOSSES)}",
            losses,
        ),
        (
            0 < least < most < math.inf,
            "The limits of depth are out of order",
            "0 < min_depth < max_depth, in metres",
            f"{least}, {most}",
        ),
        (
            0 <= scale_invariance <= 1,
            "scale_invariance is out of range",
            "0 to 1",
            scale_invariance,
        ),
        (
            metric in METRICS,
            "Unknown metric of depth",
            f"one of {', '.join(METRICS)}",
            repr(metric),
        ),
    ):
        if not fits:
            raise ConfigError(what, expected=expected, received=received, where=where)
