"""Compared with the formulas of LibMTL's examples/nyu/utils.py, batch by batch."""

import numpy as np
import pytest

from densefit.errors import ConfigError, DataError
from densefit.metrics import DepthPixels


def reference(batches):
    """Means of batches, weighted by their valid pixels, of (prediction, truth) (B, H, W)."""
    means, pixels = [], []
    for prediction, truth in batches:
        known = truth != 0
        distance = np.abs(prediction - truth)[known]
        means.append((distance.mean(), (distance / truth[known]).mean()))
        pixels.append(known.sum())
    return (np.array(means) * np.array(pixels)[:, None]).sum(axis=0) / sum(pixels)


def test_equals_the_published_evaluation_for_any_batches():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.5, 9, (6, 5, 7))
    truth[rng.random(truth.shape) < 0.3] = 0
    truth[2, 1:] = 0  # an image of few pixels, which a mean over images would favour
    prediction = truth * rng.uniform(0.6, 1.5, truth.shape) + 0.1
    metric = DepthPixels()
    for at in (slice(0, 4), slice(4, 6)):
        metric.update(list(prediction[at]), list(truth[at]), [str(i) for i in range(6)][at])
    absolute, relative = reference([(prediction[:3], truth[:3]), (prediction[3:], truth[3:])])
    assert metric.compute() == pytest.approx({"abs_err": absolute, "rel_err": relative})


def test_without_pixels_there_is_no_error():
    metric = DepthPixels(max_depth=1)
    metric.update([np.ones((2, 2))], [np.full((2, 2), 3.0)], ["a"])
    assert all(np.isnan(value) for value in metric.compute().values())


def test_refusals():
    with pytest.raises(ConfigError, match="out of order"):
        DepthPixels(2, 1)
    with pytest.raises(DataError, match="(?s)differ in shape.*'a'"):
        DepthPixels().update([np.ones((2, 2))], [np.ones((2, 3))], ["a"])
