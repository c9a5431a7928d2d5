"""The loss of keypoints from a teacher beside numpy's, and heads that cannot teach each other."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter
from scipy.special import expit, xlogy

import densefit as df
from densefit.errors import ConfigError
from densefit.symbol import sym
from densefit.tasks.keypoints.distillation import keypoint_loss
from tests.executor import Executor

CHANNELS = {"centre": 2, "box": 4, "place": 6, "joint": 3, "rest": 6}
K, SIZE_WEIGHT, T = 3, 0.1, 2.0


def drawn(seed):
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(-2 if name in ("centre", "joint") else 0, 2, (2, count, 5, 6)).astype("f4")
        for name, count in CHANNELS.items()
    }


def peaks(heat):
    largest = maximum_filter(heat, size=(1, 1, 3, 3), mode="constant", cval=-1)
    return heat * (heat >= largest) * (heat > 0.1)


def heat_distance(student, teacher):
    q, p = expit(teacher / T), expit(student / T)
    divergence = xlogy(q, q / p) + xlogy(1 - q, (1 - q) / (1 - p))
    factor = (expit(student) - expit(teacher)) ** 2
    return T**2 * (factor * divergence).sum(axis=(1, 2, 3))


def restated(student, teacher):
    seen = peaks(expit(teacher["centre"]).max(axis=1, keepdims=True))
    apart = {name: np.abs(student[name] - teacher[name]) for name in student}
    read = apart["box"][:, :2].sum(axis=1) + SIZE_WEIGHT * apart["box"][:, 2:].sum(axis=1)
    read = read + apart["place"].sum(axis=1) / K
    total = heat_distance(student["centre"], teacher["centre"])
    total += (read * seen[:, 0]).sum(axis=(1, 2))
    total = total / np.maximum(seen.sum(axis=(1, 2, 3)), 1)
    joints = peaks(expit(teacher["joint"]))
    rest = apart["rest"][:, :K] + apart["rest"][:, K:]
    joint = heat_distance(student["joint"], teacher["joint"]) + (rest * joints).sum(axis=(1, 2, 3))
    return total + joint / np.maximum(joints.sum(axis=(1, 2, 3)), 1)


def test_values_and_gradients(each_engine):
    student, teacher = drawn(0), drawn(1)
    names = {f"{kind}_{name}": (kind, name) for kind in "st" for name in CHANNELS}
    parts = {kind: {n: sym.Variable(f"{kind}_{n}") for n in CHANNELS} for kind in "st"}
    loss = sym.MakeLoss(keypoint_loss(parts["s"], parts["t"], T, SIZE_WEIGHT, K))
    arrays = {key: (student if kind == "s" else teacher)[n] for key, (kind, n) in names.items()}
    executor = Executor(loss, **{key: array.shape for key, array in arrays.items()})
    for key, array in arrays.items():
        executor.arg_dict[key][:] = array
    (values,) = executor.forward(is_train=True)
    executor.backward()
    doubles = [{n: a.astype(float) for n, a in maps.items()} for maps in (student, teacher)]
    np.testing.assert_allclose(values, restated(*doubles), rtol=1e-4)
    for name in CHANNELS:
        assert not np.asarray(executor.grad_dict[f"t_{name}"]).any()
        assert np.asarray(executor.grad_dict[f"s_{name}"]).any()


def test_heads_with_and_without_heat_maps():
    first, second = (
        df.head("keypoints", keypoints=["nose", "tail"], heat_maps=heat) for heat in (True, False)
    )
    with pytest.raises(ConfigError, match=r"(?s)other maps.*heat_maps: True.*runs/poses"):
        first.check_teacher(second, "runs/poses")
    second.check_teacher(second, "runs/poses")
