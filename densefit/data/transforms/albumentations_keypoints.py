"""Members of an Albumentations pipeline that scale keypoints by less than they scale pixels.

There a keypoint (0, 0) is the centre of the first pixel, and a mirror of w pixels takes x to
w - 1 - x. Its resizes, however, take x to s x, where the pixel's centre goes to s (x + 0.5) - 0.5,
and some go by the factor that they drew, where the picture has whole pixels. Boxes are in parts of
the sides, and go where the pixels go: keypoints that are scaled follow them. Maps that are resized
get the pixel under the corner, up to half a pixel off, unless cv2.INTER_NEAREST_EXACT is chosen.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

_METHODS = ("apply_to_mask", "apply_to_keypoints", "apply_to_bboxes")
_CHOICE = "mask_interpolation"  # how maps are resized: by default INTER_NEAREST
_BOX = np.array([[0.25, 0.25, 0.75, 0.75]])  # in parts of the sides
_CORNERS = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]])  # of the box
_STRAIGHT = 1e-3  # pixels that float32 may take
_ALIKE = 0.05  # difference of the scales of keypoints and boxes that rounding explains


def follow_pixels(member: Any) -> None:
    """Let a member of a pipeline, and all below it, scale keypoints as it scales pixels.

    Its maps must come before its keypoints, and both under names of their own.

    Args:
        member: it is changed.
    """
    for inner in getattr(member, "transforms", ()):
        follow_pixels(inner)
    if all(hasattr(member, name) for name in _METHODS) and not hasattr(member, "transforms"):
        follower = _Follower(member)
        member.apply_to_mask, member.apply_to_keypoints = follower.mask, follower.keypoints


class _Follower:
    """What a member does with maps and keypoints, in place of its own methods."""

    def __init__(self, member: Any) -> None:
        self._mask, self._points = member.apply_to_mask, member.apply_to_keypoints
        self._boxes = member.apply_to_bboxes
        self._member = member
        self._resizes = getattr(member, _CHOICE, None) == cv2.INTER_NEAREST
        self._sides: np.ndarray | None = None  # (2,) width and height of the last map it gave

    def mask(self, mask: np.ndarray, *args: Any, **params: Any) -> Any:
        """What the member makes of a map: the pixel under the centre, not under the corner."""
        moved = self._resized(mask, *args, **params) if self._resizes else None
        if moved is None:
            moved = self._mask(mask, *args, **params)
        self._sides = np.array(np.shape(moved)[1::-1], np.float64)
        return moved

    def _resized(self, mask: np.ndarray, *args: Any, **params: Any) -> Any:
        """A map that is resized from centre to centre; None if the member resizes none."""
        setattr(self._member, _CHOICE, cv2.INTER_NEAREST_EXACT)
        try:
            return self._mask(mask, *args, **params)
        except cv2.error:  # OpenCV's warps do not know it, and go from centre to centre anyway
            self._resizes = False
            return None
        finally:
            setattr(self._member, _CHOICE, cv2.INTER_NEAREST)

    def keypoints(self, keypoints: np.ndarray, *args: Any, **params: Any) -> Any:
        """Keypoints (n, 2 and more) after the member."""
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
        """(2,) the scale and (2,) the shift of x and y, from corner to corner; else zeros.

        Zeros are for what turns or distorts, and for what leaves sizes as they are.

        Args:
            row: (1, columns) a keypoint, for its further columns.
            *args: of the call.
            **params: of the call.
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
        except Exception:  # a member of the user's that moves no boxes
            return none
        if box.shape != (1, 4):
            return none
        box = box.reshape(2, 2) * self._sides
        scale = (box[1] - box[0]) / (before / 2) * np.sign(rough)
        if (np.abs(scale / rough - 1) > _ALIKE).any():
            return none  # it does something else with boxes
        start = np.where(rough < 0, box[1], box[0])
        return scale, start - scale * _CORNERS[0] * before
