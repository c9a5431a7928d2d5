"""What a keypoint head learns from another: heat maps, and what is read at the teacher's peaks.

Zhang et al., "Fast Human Pose Estimation", CVPR 2019, compare heat maps likewise (section 3.2), by
squares; here the factor of the focal loss keeps the many cells without a keypoint small. Symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.model.distillation.losses import binary_divergence
from densefit.symbol import sym

from .loss import ALPHA

LEAST = 0.1  # probability below which a peak is no object


def keypoint_loss(
    student: Mapping[str, Any],
    teacher: Mapping[str, Any],
    temperature: float,
    size_weight: float,
    keypoints: int,
) -> Any:
    """(B,) sum of the losses of all maps, see `densefit.tasks.keypoints.maps`.

    Args:
        student: maps by name.
        teacher: likewise.
        temperature: T of the heat maps, above 0.
        size_weight: factor on the sides of boxes.
        keypoints: K.
    """
    teacher = {name: sym.BlockGrad(part) for name, part in teacher.items()}
    seen = peaks(sym.max(teacher["centre"], axis=1, keepdims=True))
    count = sym.maximum(sym.sum(seen, axis=(1, 2, 3)), 1)
    apart = {name: sym.abs(student[name] - teacher[name]) for name in student}
    centre = sym.slice_axis(apart["box"], axis=1, begin=0, end=2)
    sides = sym.slice_axis(apart["box"], axis=1, begin=2, end=4)
    read = _sum(centre) + _sum(sides) * size_weight + _sum(apart["place"]) / keypoints
    total = heat_distance(student["centre"], teacher["centre"], temperature)
    total = (total + sym.sum(read * seen, axis=(1, 2, 3))) / count
    if "joint" not in student:
        return total
    of_joints = peaks(teacher["joint"])
    count = sym.maximum(sym.sum(of_joints, axis=(1, 2, 3)), 1)
    x = sym.slice_axis(apart["rest"], axis=1, begin=0, end=keypoints)
    rest = x + sym.slice_axis(apart["rest"], axis=1, begin=keypoints, end=2 * keypoints)
    joint = heat_distance(student["joint"], teacher["joint"], temperature)
    return total + (joint + sym.sum(rest * of_joints, axis=(1, 2, 3))) / count


def heat_distance(student: Any, teacher: Any, temperature: float) -> Any:
    """(B,) sum of |p - q|**2 KL(q || p) of the probabilities of all cells, times T**2.

    Args:
        student: (B, C, h, w) logits of p.
        teacher: likewise, of q.
        temperature: T, above 0.
    """
    distance = sym.abs(sym.sigmoid(student) - sym.sigmoid(teacher))
    factor = sym.BlockGrad(distance**ALPHA)
    loss = factor * binary_divergence(student, teacher, temperature)
    return temperature**2 * sym.sum(loss, axis=(1, 2, 3))


def peaks(logits: Any) -> Any:
    """Probabilities (B, C, h, w) where they are the largest of 3x3 cells and not small, else 0."""
    heat = sym.sigmoid(logits)
    largest = sym.Pooling(heat, kernel=(3, 3), stride=(1, 1), pad=(1, 1), pool_type="max")
    is_peak = sym.broadcast_greater_equal(heat, largest)
    return sym.BlockGrad(heat * is_peak * (heat > LEAST))


def _sum(maps: Any) -> Any:
    return sym.sum(maps, axis=1, keepdims=True)
