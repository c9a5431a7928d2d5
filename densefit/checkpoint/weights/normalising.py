"""The normalisation of the input that weights were trained with, in the network that gets them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit.errors import DensefitError
from densefit.model.backbones import backbones
from densefit.model.backbones.input_normalization import SETTINGS, Channels, is_normalised_by
from densefit.model.network import Network

_log = logging.getLogger("densefit")


def follow(network: Network, mean: Channels, std: Channels, source: object) -> bool:
    """Let a network normalise as its weights expect; False if its settings state otherwise.

    Args:
        network: a network of a backbone and heads, not in training.
        mean: of RGB in [0, 255].
        std: likewise.
        source: where the weights are from, for the log.
    """
    if is_normalised_by(network.backbone, mean, std):
        return True
    settings = {} if network.spec is None else network.spec["settings"]
    if any(key in settings for key in SETTINGS):
        _log.warning(
            "the settings of the backbone %r state mean %s and std %s, and the weights of %s were "
            "trained with mean %s and std %s: the settings count",
            network.backbone.name,
            *(network.backbone.mean, network.backbone.std, source, mean, std),
        )
        return False
    network.normalise_by(mean, std)
    _log.info("the network normalises its input by mean %s and std %s now", mean, std)
    return True


def saved_input_normalization(content: Any) -> tuple[Channels, Channels] | None:
    """Return (mean, std) of a checkpoint's network; None if its backbone has no name."""
    spec = content.get("network") if isinstance(content, Mapping) else None
    try:
        backbone = backbones.create(spec["backbone"], **spec["settings"])  # type: ignore[index]
    except (DensefitError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return backbone.mean, backbone.std
