"""What a detector learns from another of its kind: scores and offsets of all anchors. Symbols.

The losses are those of labels, with the teacher's probabilities in the place of classes. Chen et
al., "Learning Efficient Object Detection Models with Knowledge Distillation", NIPS 2017, compare
scores likewise (section 3.2); boxes are compared as far as the teacher sees an object.
"""

from __future__ import annotations

from typing import Any

from densefit.model.distillation.losses import binary_divergence
from densefit.symbol import sym

from .loss import hard_negatives

SURE = 0.5  # probability of an object from which an anchor is the teacher's positive


def softmax_class_loss(
    student: Any,
    teacher: Any,
    temperature: float,
    negatives_per_positive: float,
    min_negatives: int,
) -> Any:
    """(B,) T**2 KL(teacher || student) of the positive anchors and of those that differ most.

    As in `class_loss`: three times as many others as positives, say, divided by the positives.

    Args:
        student: (B, A, 1 + classes) logits, the background first.
        teacher: likewise.
        temperature: T, above 0.
        negatives_per_positive: other anchors per positive anchor.
        min_negatives: other anchors per image, at least.
    """
    soft = sym.BlockGrad(teacher) / temperature
    target = sym.log_softmax(soft, axis=-1)
    apart = target - sym.log_softmax(student / temperature, axis=-1)
    divergence = sym.sum(sym.exp(target) * apart, axis=-1)
    positive = sym.BlockGrad(objectness(teacher) > SURE)
    positives = sym.sum(positive, axis=1)
    count = sym.maximum(sym.round(positives * negatives_per_positive), min_negatives)
    # Rounding may leave a divergence just below 0.
    difficulty = sym.maximum(sym.BlockGrad(divergence), 0)
    anchors = sym.sum(sym.ones_like(difficulty), axis=1)
    weight = positive + hard_negatives(difficulty, 1 - positive, count, anchors)
    total = sym.sum(divergence * sym.BlockGrad(weight), axis=1)
    return temperature**2 * total / sym.maximum(positives, 1)


def sigmoid_class_loss(student: Any, teacher: Any, temperature: float, gamma: float) -> Any:
    """(B,) sum of |p - q|**gamma KL(q || p) over anchors and classes, times T**2, per object.

    The factor is that of Li et al., "Generalized Focal Loss", NeurIPS 2020, equation 2: anchors on
    which both agree, nearly all of them, do not drown the others. It is divided by the sum of the
    teacher's probabilities.

    Args:
        student: (B, A, classes) logits of p.
        teacher: likewise, of q.
        temperature: T, above 0.
        gamma: exponent of the focal loss.
    """
    teacher = sym.BlockGrad(teacher)
    distance = sym.abs(sym.sigmoid(teacher) - sym.sigmoid(student))
    factor = sym.BlockGrad(distance**gamma)
    loss = factor * binary_divergence(student, teacher, temperature)
    seen = sym.sum(sym.max(sym.sigmoid(teacher), axis=-1), axis=1)
    return temperature**2 * sym.sum(loss, axis=(1, 2)) / sym.maximum(seen, 1)


def offset_loss(student: Any, teacher: Any, seen: Any) -> Any:
    """(B,) smooth L1 loss of the offsets, weighted by the teacher's probability of an object.

    Args:
        student: (B, A, 4) offsets.
        teacher: likewise.
        seen: (B, A) probabilities of an object.
    """
    distance = sym.sum(sym.smooth_l1(student - sym.BlockGrad(teacher), scalar=1.0), axis=2)
    seen = sym.BlockGrad(seen)
    return sym.sum(distance * seen, axis=1) / sym.maximum(sym.sum(seen, axis=1), 1)


def objectness(logits: Any) -> Any:
    """(B, A) probability of any class but the first, the background, of (B, A, 1 + classes)."""
    probability = sym.softmax(logits, axis=-1)
    return 1 - sym.squeeze(sym.slice_axis(probability, axis=2, begin=0, end=1), axis=2)
