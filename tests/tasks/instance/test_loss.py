"""The loss of masks against plain loops."""

import numpy as np
import pytest

from densefit.data.geometry.instance_map import UNKNOWN
from densefit.symbol import sym
from densefit.tasks.instance.loss import mask_loss
from tests.executor import Executor

B, N, H, W = 3, 4, 5, 7


def given(seed=0):
    rng = np.random.default_rng(seed)
    low = np.stack([rng.integers(0, W, (B, N)), rng.integers(0, H, (B, N))], axis=2)
    sides = rng.integers(1, 5, (B, N, 2))
    window = np.concatenate([low, np.minimum(low + sides, (W, H))], axis=2)
    return {
        "logits": rng.normal(0, 3, (B, N, H, W)),
        "instances": rng.choice([0, 1, 2, UNKNOWN], (B, H, W)),
        "owner": rng.integers(0, 3, (B, N)),
        "window": window,
    }


def run(arrays):
    names = ("logits", "instances", "owner", "window")
    loss = sym.MakeLoss(mask_loss(*map(sym.Variable, names), (H, W)))
    executor = Executor(loss, **{name: arrays[name].shape for name in names})
    executor.forward(is_train=True, **{name: arrays[name] for name in names})
    executor.backward()
    return executor.outputs[0], executor.grad_dict["logits"]


def reference(arrays):
    losses = []
    for picture in range(B):
        means = []
        for mask in range(N):
            owner = arrays["owner"][picture, mask]
            if owner == 0:
                continue
            x1, y1, x2, y2 = arrays["window"][picture, mask]
            cells = []
            for y in range(y1, y2):
                for x in range(x1, x2):
                    value = arrays["instances"][picture, y, x]
                    if value != UNKNOWN:
                        p = 1 / (1 + np.exp(-arrays["logits"][picture, mask, y, x]))
                        cells.append(-np.log(p if value == owner else 1 - p))
            means.append(np.mean(cells) if cells else 0.0)
        losses.append(np.mean(means) if means else 0.0)
    return losses


@pytest.mark.parametrize("seed", range(4))
def test_is_the_mean_cross_entropy_within_the_boxes(seed):
    arrays = given(seed)
    np.testing.assert_allclose(run(arrays)[0], reference(arrays), rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_finite_differences():
    arrays = given(1)
    gradient = run(arrays)[1]
    assert gradient.any()
    for place in np.random.default_rng(0).integers(0, gradient.size, 40):
        moved = []
        for step in (-1e-4, 1e-4):
            logits = arrays["logits"].copy()
            logits.reshape(-1)[place] += step
            moved.append(np.sum(reference({**arrays, "logits": logits})))
        expected = (moved[1] - moved[0]) / 2e-4
        assert gradient.reshape(-1)[place] == pytest.approx(expected, abs=1e-4)


def test_without_masks_nothing_is_learned_and_large_logits_stay_finite():
    arrays = given(2)
    loss, gradient = run({**arrays, "owner": np.zeros((B, N))})
    assert not loss.any()
    assert not gradient.any()
    loss, gradient = run({**arrays, "logits": arrays["logits"] * 1e4})
    assert np.isfinite(loss).all()
    assert np.isfinite(gradient).all()
