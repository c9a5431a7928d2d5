"""A head's decoder, from its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.decoders.decoder import Decoder, decoders


def make_decoder(
    name: str,
    channels: int | None = None,
    rates: Sequence[int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Decoder:
    """Make a registered decoder from the settings of a head.

    Args:
        name: name of the decoder.
        channels: width; None for the decoder's default.
        rates: dilations of "deeplabv3+"; None for its default. "fcn" has none, and accepts them:
            earlier versions did, and their checkpoints may have both settings.
        settings: the decoder's further settings.

    Raises:
        ConfigError: an unknown decoder, a setting that it does not have, one that is out of range,
            or one that is stated twice.
    """
    stated: dict[str, Any] = {} if channels is None else {"channels": channels}
    if rates is not None:
        stated["rates"] = tuple(rates)
    twice = sorted(stated.keys() & (settings or {}).keys())
    if twice:
        raise ConfigError(
            f"The decoder's {' and '.join(twice)} are stated twice",
            received=f"{stated} beside decoder_settings {dict(settings or {})}",
            fix="leave them out of one of the two",
        )
    if name == "fcn" and rates is not None:
        if min(stated.pop("rates"), default=1) < 1:
            raise ConfigError("Dilations must be at least 1", received=f"rates {tuple(rates)}")
    return decoders.create(name, **stated, **(settings or {}))
