"""Names of the plain feature pyramid's layers in torchvision's files of whole detectors."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.checkpoint.weights.maps.name_map import Row

#: What precedes the names of the backbone and of the pyramid.
BODY, PYRAMID = "backbone.body.", "backbone.fpn."


def pyramid_rows(strides: Sequence[int], older: bool = False) -> dict[str, Row]:
    """Layer of `fpn.pyramid_levels`, without the head's name -> its name in the file.

    Args:
        strides: strides of the levels; those up to 32 are the backbone's.
        older: whether the file is of torchvision before 0.13.
    """
    rows: dict[str, Row] = {}
    end = "" if older else ".0"
    for number, stride in enumerate(strides):
        if stride <= 32:
            rows[f"level{stride}_lateral"] = (f"{PYRAMID}inner_blocks.{number}{end}", None)
            rows[f"level{stride}_smooth"] = (f"{PYRAMID}layer_blocks.{number}{end}", None)
        else:
            level = stride.bit_length() - 1
            rows[f"level{stride}_conv"] = (f"{PYRAMID}extra_blocks.p{level}", None)
    return rows
