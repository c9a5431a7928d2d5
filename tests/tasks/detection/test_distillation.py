"""Losses of detectors from a teacher beside numpy's, and what they do where both agree."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax, xlogy

import densefit as df
from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.symbol import sym
from densefit.tasks.detection.distillation import (
    objectness,
    offset_loss,
    sigmoid_class_loss,
    softmax_class_loss,
)
from tests.executor import Executor


def computed(build, **arrays):
    loss = sym.MakeLoss(build(*(sym.Variable(name) for name in arrays)))
    executor = Executor(loss, **{name: array.shape for name, array in arrays.items()})
    for name, array in arrays.items():
        executor.arg_dict[name][:] = array
    (values,) = executor.forward(is_train=True)
    executor.backward()
    return values, executor.grad_dict


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 2, shape).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(float)))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_softmax_scores_count_for_positives_and_the_hardest(each_engine, temperature):
    student, teacher = drawn(2, 40, 4), drawn(2, 40, 4, seed=1)
    teacher[..., 0] += 4  # most anchors are background
    values, gradients = computed(
        lambda s, t: softmax_class_loss(s, t, temperature, 3, 2), student=student, teacher=teacher
    )
    log_target = log_softmax(teacher / temperature, axis=-1)
    apart = log_target - log_softmax(student / temperature, axis=-1)
    divergence = (np.exp(log_target) * apart).sum(axis=-1)
    for row in range(2):
        positive = 1 - softmax(teacher[row], axis=-1)[:, 0] > 0.5
        count = max(3 * positive.sum(), 2)
        hardest = np.sort(divergence[row][~positive])[::-1][:count]
        expected = (divergence[row][positive].sum() + hardest.sum()) / max(positive.sum(), 1)
        assert values[row] == pytest.approx(temperature**2 * expected, rel=1e-4)
    assert positive.any()
    assert not np.asarray(gradients["teacher"]).any()
    assert (np.abs(np.asarray(gradients["student"])).sum(axis=2) > 0).sum() < 2 * 40


def test_sigmoid_scores_by_their_distance(each_engine):
    student, teacher = drawn(2, 30, 3), drawn(2, 30, 3, seed=1) - 3
    values, _ = computed(
        lambda s, t: sigmoid_class_loss(s, t, 2.0, 2.0), student=student, teacher=teacher
    )
    q, p = sigmoid(teacher / 2), sigmoid(student / 2)
    divergence = xlogy(q, q / p) + xlogy(1 - q, (1 - q) / (1 - p))
    factor = np.abs(sigmoid(teacher) - sigmoid(student)) ** 2
    seen = sigmoid(teacher).max(axis=2).sum(axis=1)
    expected = 4 * (factor * divergence).sum(axis=(1, 2)) / np.maximum(seen, 1)
    np.testing.assert_allclose(values, expected, rtol=1e-3)


def test_offsets_where_the_teacher_sees_something(each_engine):
    student, teacher, seen = drawn(2, 9, 4), drawn(2, 9, 4, seed=1), np.zeros((2, 9), np.float32)
    seen[0, 3], seen[0, 5] = 1, 0.5
    values, _ = computed(offset_loss, student=student, teacher=teacher, seen=seen)
    distance = np.abs(student - teacher).astype(float)
    smooth = np.where(distance < 1, distance**2 / 2, distance - 0.5).sum(axis=2)
    np.testing.assert_allclose(values, [(smooth[0, 3] + smooth[0, 5] / 2) / 1.5, 0], rtol=1e-4)


def test_objectness(each_engine):
    scores = drawn(2, 5, 3)
    values, _ = computed(objectness, scores=scores)
    np.testing.assert_allclose(values, 1 - softmax(scores, axis=2)[..., 0], rtol=1e-4, atol=1e-6)


CHANNELS = {4: 4, 8: 4, 16: 4, 32: 4}


@pytest.mark.parametrize("task", ["detection", "retinanet", "fcos"])
def test_a_detector_loses_nothing_to_itself(task):
    head = df.head(task, classes=["cat", "dog"])
    features = Features({s: sym.Variable(f"map{s}") for s in CHANNELS}, CHANNELS, (64, 64))
    outputs = head.teacher_outputs(features)
    shapes = {f"map{s}": (2, 4, 64 // s, 64 // s) for s in CHANNELS}
    loss = head.teacher_loss(outputs, {k: sym.BlockGrad(v) for k, v in outputs.items()}, 1.0)
    read = {name: shapes[name] for name in shapes if name in loss.list_arguments()}
    executor = Executor(sym.MakeLoss(loss), **read)
    rng = np.random.default_rng(0)
    for array in executor.arg_dict.values():
        array[:] = rng.normal(0, 0.1, array.shape)
    (values,) = executor.forward(is_train=True)
    np.testing.assert_allclose(values, [0, 0], atol=1e-4)


def test_a_teacher_of_other_anchors_is_refused():
    student = df.head("detection", classes=["cat"])
    with pytest.raises(ConfigError, match=r"(?s)other anchors.*runs/cats"):
        student.check_teacher(df.head("detection", classes=["cat"], sizes=[2, 3]), "runs/cats")
    student.check_teacher(df.head("detection", classes=["cat"]), "runs/cats")
