"""Whose random generators they are."""

import random

import numpy as np
import pytest

import densefit as df
from densefit.backend import mx
from densefit.train.find_lr import find_lr
from densefit.train.seeds import seed_all, seed_mxnet, seeded


def drawn():
    return (
        random.random(),
        np.random.random(),
        mx.nd.random.uniform(shape=(3,)).asnumpy().tolist(),
    )


def seed(number):
    random.seed(number)
    np.random.seed(number)
    mx.random.seed(number)


def two_heads(tiny):
    return df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])


@pytest.mark.parametrize("what", ["conflict", "find_lr", "score", "predict", "transfer"])
def test_what_stands_beside_a_training_leaves_the_generators(tiny, what):
    """What is drawn after it follows from the owner's seed: the same again, another of another."""
    network = two_heads(tiny)
    loader = tiny.loader(network)
    df.fit(network, loader, updates=1)
    do = {
        "conflict": lambda: df.conflict(network, loader, batches=1),
        "find_lr": lambda: find_lr(network, loader, updates=3),
        "score": lambda: df.score(network, loader),
        "predict": lambda: list(df.predict(network, loader)),
        "transfer": lambda: df.transfer(network, two_heads(tiny)),
    }[what]
    seed(5)
    plain = drawn()
    found = []
    for number in (5, 5, 6):
        seed(number)
        do()
        found.append(drawn())
    assert found[0][:2] == plain[:2]  # as if nothing had been
    assert found[0] == found[1]
    assert all(one != other for one, other in zip(found[0], found[2]))


def test_within_the_block_the_seed_counts():
    found = []
    for _ in range(2):
        with seeded(3):
            found.append(drawn())
    assert found[0] == found[1]


@pytest.mark.parametrize("seed", [0, 7, 2**33])
def test_all_three_generators_are_seeded(seed):
    values = []
    for _ in range(2):
        seed_all(seed % 2**31)
        values.append(drawn())
    assert values[0] == values[1]
    seed_all(1234)
    assert all(a != b for a, b in zip(drawn(), values[0]))


def test_mxnet_s_generator_depends_on_seed_and_epoch():
    values = {}
    for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0), (-3, 0)):
        seed_mxnet(seed, epoch)
        values.setdefault((seed, epoch), set()).add(mx.nd.random.uniform(shape=(1,)).asscalar())
    assert all(len(found) == 1 for found in values.values())
    assert len(set.union(*values.values())) == 4
