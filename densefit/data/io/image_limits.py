"""Limits of image files for the process and its workers, by environment variables.

| variable | meaning | default |
|---|---|---|
| `DENSEFIT_MAX_PIXELS` | pixels of an image; its header is read before it is decoded | 2^28, 16,384 x 16,384 |
| `DENSEFIT_MAX_BYTES` | bytes of an image's file | 2^30 |
| `DENSEFIT_DAMAGED_JPEG` | `warn`: read it and say so, once a file; `raise`: an error, which a Loader with `on_error="skip"` skips | warn |
"""  # noqa: E501 - a table

from __future__ import annotations

import os

from densefit.errors import ConfigError, DataError

PIXELS, BYTES, DAMAGED = "DENSEFIT_MAX_PIXELS", "DENSEFIT_MAX_BYTES", "DENSEFIT_DAMAGED_JPEG"
_DEFAULTS = {PIXELS: 1 << 28, BYTES: 1 << 30}
POLICIES = ("warn", "raise")


def check_pixels(size: tuple[int, int], where: object) -> None:
    """Raise DataError if an image of (height, width) exceeds the pixel limit."""
    most = _limit(PIXELS)
    if size[0] * size[1] > most:
        raise DataError(
            "The image is too large",
            expected=f"at most {most:,} pixels",
            received=f"{size[0]:,} x {size[1]:,} (height x width), as its header states",
            where=where,
            fix=f"is it right? Set {PIXELS}={size[0] * size[1]} in the environment",
        )


def most_bytes() -> int:
    """Largest size of an image file in bytes."""
    return _limit(BYTES)


def damaged_jpegs_raise() -> bool:
    """Whether damaged JPEGs raise an error instead of a warning."""
    policy = os.environ.get(DAMAGED, POLICIES[0])
    if policy not in POLICIES:
        raise ConfigError(
            "Unknown way to treat damaged JPEGs",
            expected=" or ".join(POLICIES),
            received=repr(policy),
            where=f"the environment variable {DAMAGED}",
            fix=f'to skip such pictures: {DAMAGED}=raise, and on_error="skip" of the Loader '
            "(recipe: data.on_error)",
        )
    return policy == "raise"


def _limit(name: str) -> int:
    """Read a limit from the environment."""
    text = os.environ.get(name)
    if text is None:
        return _DEFAULTS[name]
    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise ConfigError(
            "A limit for images is no whole number",
            expected=f"digits, such as {_DEFAULTS[name]}",
            received=repr(text),
            where=f"the environment variable {name}",
        )
    return int(digits)
