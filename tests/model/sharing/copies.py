"""Networks whose heads have layers of the backbone for themselves, beside those of one backbone."""

import numpy as np
import pytest

import densefit as df
from densefit.datasets import Shapes

DATA = Shapes(4, size=(64, 64), empty=0.0)


def trained(made, data=DATA, updates=1, **settings):
    """(network after plain descent, its history)."""
    loader = df.Loader(data, batch_size=4, heads=made.heads, workers=0)
    settings = {"optimizer": "sgd", "schedule": df.Constant(0.01), **settings}
    return made, df.fit(made, loader, updates=updates, **settings)


def values(made):
    return {name: np.array(value) for name, value in {**made.parameters, **made.statistics}.items()}


def assert_copies_learn_as_one(one, parted):
    """Losses are equal; the step of a shared parameter is the sum of its copies' steps."""
    assert parted.copies
    df.surgery.transfer(one, parted)
    before = values(one)
    (_, first), (_, second) = trained(one), trained(parted)
    assert second.epochs[-1]["train"] == pytest.approx(first.epochs[-1]["train"], rel=1e-5)
    after, steps = values(one), {}
    for name, value in values(parted).items():
        original = parted.copies.get(name, name)
        if original in one.statistics:
            np.testing.assert_allclose(value, after[original], rtol=1e-4, atol=1e-5, err_msg=name)
        else:
            steps[original] = steps.get(original, 0) + value - before[original]
    assert steps.keys() == one.parameters.keys()
    for name, step in steps.items():
        expected = after[name] - before[name]
        largest = max(np.abs(expected).max(), 1e-4)  # some have no gradient but for rounding
        np.testing.assert_allclose(step, expected, atol=2e-3 * largest + 5e-7, rtol=0, err_msg=name)
