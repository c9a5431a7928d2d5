"""Seeds."""

import random

import numpy as np
import pytest

from densefit.backend import mx
from densefit.train.setup import seed_all, seed_mxnet


def draw():
    return random.random(), np.random.rand(), mx.nd.random.uniform(shape=(1,)).asscalar()


@pytest.mark.parametrize("seed", [0, 7, 2**33])
def test_all_three_generators_are_seeded(seed):
    drawn = []
    for _ in range(2):
        seed_all(seed % 2**31)
        drawn.append(draw())
    assert drawn[0] == drawn[1]
    seed_all(1234)
    assert all(a != b for a, b in zip(draw(), drawn[0]))


def test_mxnet_s_generator_depends_on_seed_and_epoch():
    values = {}
    for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0), (-3, 0)):
        seed_mxnet(seed, epoch)
        values.setdefault((seed, epoch), set()).add(mx.nd.random.uniform(shape=(1,)).asscalar())
    assert all(len(found) == 1 for found in values.values())
    assert len(set.union(*values.values())) == 4
