"""Read a target that is a map, or a map with a mask of its valid pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import DataError


def map_and_mask(target: Any, name: str, shape: str, key: str) -> tuple[Any, Any]:
    """Split a target into (map, mask of valid pixels, or None if all are valid).

    Args:
        target: the map, or {name: map, "valid": mask}.
        name: name of the map: "depth", "normals".
        shape: shape of the map, for errors.
        key: the sample's id, for errors.

    Raises:
        DataError: the target has no such map.
    """
    if not isinstance(target, Mapping):
        return target, None
    if name not in target:
        raise DataError(
            f"A truth lacks {name}",
            expected=f"{shape}, or {{{name!r}: {shape}, 'valid': (H, W)}}",
            received=f"keys {', '.join(target)}",
            where=f"sample {key!r}",
        )
    return target[name], target.get("valid")
