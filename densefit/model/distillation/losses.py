"""Losses of a head's raw outputs from a teacher's, per sample. Symbols.

Each takes the student's and the teacher's outputs, in one shape, and is 0 if they are equal. The
teacher has no gradient. No label is read, so that pictures without any train the student too.
"""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym


def class_divergence(student: Any, teacher: Any, temperature: float = 1.0) -> Any:
    """(B,) T**2 KL(teacher || student) of the classes, softened by T, the mean over cells.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, section 2: by T**2 the
    gradient's size hardly depends on T. Their cross-entropy differs by the teacher's entropy, which
    has no gradient.

    Args:
        student: (B, C) or (B, C, h, w) logits.
        teacher: likewise.
        temperature: T, above 0.
    """
    hidden = sym.BlockGrad(teacher) / temperature
    target = sym.log_softmax(hidden, axis=1)
    apart = target - sym.log_softmax(student / temperature, axis=1)
    divergence = sym.sum(sym.exp(target) * apart, axis=1, keepdims=True)
    return temperature**2 * _mean(divergence)


def label_divergence(student: Any, teacher: Any, temperature: float = 1.0) -> Any:
    """(B,) T**2 KL(teacher || student) of labels side by side, the mean over labels.

    As `class_divergence` with the two classes "present" and "absent" for each label.

    Args:
        student: (B, C) logits.
        teacher: likewise.
        temperature: T, above 0.
    """
    return temperature**2 * _mean(binary_divergence(student, teacher, temperature))


def binary_divergence(student: Any, teacher: Any, temperature: float) -> Any:
    """KL(teacher || student) of "present" and "absent", in the shape of both.

    Args:
        student: logits.
        teacher: logits.
        temperature: T, above 0.
    """
    target, score = sym.BlockGrad(teacher) / temperature, student / temperature
    present = _softplus(-score) - _softplus(-target)  # ln p(teacher) - ln p(student)
    absent = _softplus(score) - _softplus(target)
    return sym.sigmoid(target) * present + sym.sigmoid(-target) * absent


def depth_distance(student: Any, teacher: Any) -> Any:
    """(B,) mean square of the difference of two logarithms of depth.

    Eigen et al., NIPS 2014, equation 4, with lambda 0: a teacher knows the scale.

    Args:
        student: (B, h, w) logarithms of metres.
        teacher: likewise.
    """
    return _mean(sym.square(student - sym.BlockGrad(teacher)))


def normal_distance(student: Any, teacher: Any) -> Any:
    """(B,) mean of 1 - cos of the angle between two maps of unit vectors, (B, 3, h, w)."""
    return _mean(1 - sym.sum(student * sym.BlockGrad(teacher), axis=1))


def _mean(values: Any) -> Any:
    """(B,) of (B, ...)."""
    return sym.mean(sym.reshape(values, shape=(0, -1)), axis=1)


def _softplus(values: Any) -> Any:
    """ln(1 + exp(values)), without overflow."""
    return sym.Activation(values, act_type="softrelu")
