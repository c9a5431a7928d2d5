"""Whose random generators they are."""

import random

import numpy as np
import pytest

import densefit as df
from densefit.train.find_lr import find_lr
from densefit.train.seeds import seed_all, seeded


def drawn():
    return (
        random.random(),
        np.random.random(),
        df.engine.draw_seed(),
    )


def seed(number):
    random.seed(number)
    np.random.seed(number)
    df.engine.seed(number)


def two_heads(tiny):
    return df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])


@pytest.mark.parametrize("what", ["conflict", "find_lr", "score", "predict", "transfer"])
def test_what_stands_beside_a_training_leaves_the_generators(tiny, what):
    """What is drawn after it follows from the owner's seed: the same again, another of another."""
    network = two_heads(tiny)
    loader = tiny.loader(network)
    df.fit(network, loader, updates=1)
    do = {
        "conflict": lambda: df.surgery.conflict(network, loader, batches=1),
        "find_lr": lambda: find_lr(network, loader, updates=3),
        "score": lambda: df.score(network, loader),
        "predict": lambda: list(df.predict(network, loader)),
        "transfer": lambda: df.surgery.transfer(network, two_heads(tiny)),
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


@pytest.mark.parametrize("number", [0, 7, 2**33])
def test_all_three_generators_are_seeded(number):
    values = []
    for _ in range(2):
        seed_all(number % 2**31)
        values.append(drawn())
    assert values[0] == values[1]
    seed_all(1234)
    assert all(one != other for one, other in zip(drawn(), values[0]))
