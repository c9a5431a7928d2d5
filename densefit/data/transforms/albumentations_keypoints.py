"""Correct keypoints of Albumentations members that scale them differently from pixels.

In Albumentations a keypoint (0, 0) is the centre of the first pixel, and a flip of w pixels maps x
to w - 1 - x. Its resizes, however, map x to s x instead of s (x + 0.5) - 0.5, and some use the
drawn factor although image sizes are rounded. Normalized boxes follow the pixels exactly, so that
scaled keypoints are corrected by them. Resized maps take the pixel under the corner, up to half a
pixel off, unless cv2.INTER_NEAREST_EXACT is chosen.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

_METHODS = ("apply_to_mask", "apply_to_keypoints", "apply_to_bboxes")
_CHOICE = "mask_interpolation"  # interpolation of maps; default INTER_NEAREST
_BOX = np.array([[0.25, 0.25, 0.75, 0.75]])  # in parts of the sides
_CORNERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]])  # of the box
_STRAIGHT = 1e-3  # pixels, float32 rounding
_ALIKE = 0.05  # tolerance between the scales of keypoints and boxes, for rounding


def follow_pixels(member: Any) -> None:
    """Make a pipeline member, and all nested ones, scale keypoints like pixels, in place.

    Maps must be processed before keypoints, and both under separate names.

    Args:
        member: pipeline member, which is modified.
    """
    for inner in getattr(member, "transforms", ()):
        follow_pixels(inner)
    if all(hasattr(member, name) for name in _METHODS) and not hasattr(member, "transforms"):
        follower = _Follower(member)
        member.apply_to_mask, member.apply_to_keypoints = follower.mask, follower.keypoints


class _Follower:
    """Replacements for a member's methods for maps and keypoints."""

    def __init__(self, member: Any) -> None:
        self._mask, self._points = member.apply_to_mask, member.apply_to_keypoints
        self._boxes = member.apply_to_bboxes
        self._member = member
        self._resizes = getattr(member, _CHOICE, None) == cv2.INTER_NEAREST
        self._sides: np.ndarray | None = None  # (2,) width and height of the last map it gave

    def mask(self, mask: np.ndarray, *args: Any, **params: Any) -> Any:
        """Apply the member to a map, by the pixel under the centre instead of the corner."""
        moved = self._resized(mask, *args, **params) if self._resizes else None
        if moved is None:
            moved = self._mask(mask, *args, **params)
        self._sides = np.array(np.shape(moved)[1::-1], np.float64)
        return moved

    def _resized(self, mask: np.ndarray, *args: Any, **params: Any) -> Any:
        """Resize a map from centre to centre; None if the member does not resize."""
        setattr(self._member, _CHOICE, cv2.INTER_NEAREST_EXACT)
        try:
            return self._mask(mask, *args, **params)
        except cv2.error:  # not supported by OpenCV's warps, which use pixel centres anyway
            self._resizes = False
            return None
        finally:
            setattr(self._member, _CHOICE, cv2.INTER_NEAREST)

    def keypoints(self, keypoints: np.ndarray, *args: Any, **params: Any) -> Any:
        """Apply the member to keypoints, (n, 2 or more)."""
        moved = self._points(keypoints, *args, **params)
        if not len(keypoints) or len(moved) != len(keypoints) or "shape" not in params:
            return moved
        scale, shift = self._straight(np.asarray(keypoints)[:1], *args, **params)
        if scale.any():
            moved = np.array(moved)
            moved[:, :2] = (np.asarray(keypoints, np.float64)[:, :2] + 0.5) * scale + shift - 0.5
        return moved

    def _straight(
        self, row: np.ndarray, *args: Any, **params: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Scale (2,) and shift (2,) of x and y between corners; zeros if not applicable.

        Zeros if the member rotates or distorts, or does not change sizes.

        Args:
            row: (1, columns) a keypoint, for its further columns.
            *args: arguments of the call.
            **params: keyword arguments of the call.
        """
        none = np.zeros(2), np.zeros(2)
        before = np.array(params["shape"][1::-1], np.float64)
        probes = np.repeat(np.asarray(row, np.float64), len(_CORNERS), axis=0)
        probes[:, :2] = _CORNERS * before - 0.5
        moved = np.asarray(self._points(probes, *args, **params), np.float64)
        if len(moved) != len(probes) or self._sides is None:
            return none
        first, across, down = moved[:, :2] + 0.5
        rough = np.array([across[0] - first[0], down[1] - first[1]]) / (before / 2)
        if abs(across[1] - first[1]) > _STRAIGHT or abs(down[0] - first[0]) > _STRAIGHT:
            return none
        if (np.abs(np.abs(rough) - 1) * before <= _STRAIGHT).all():
            return none
        try:
            box = np.asarray(self._boxes(_BOX.copy(), *args, **params), np.float64)
        except Exception:  # a custom member without support for boxes
            return none
        if box.shape != (1, 4):
            return none
        box = box.reshape(2, 2) * self._sides
        scale = (box[1] - box[0]) / (before / 2) * np.sign(rough)
        if (np.abs(scale / rough - 1) > _ALIKE).any():
            return none  # the member treats boxes differently
        start = np.where(rough < 0, box[1], box[0])
        return scale, start - scale * _CORNERS[0] * before
