"""A folder of few images gets splits that all have some."""

from collections import Counter

import pytest

from densefit.data.hash_split import hash_split
from densefit.tools.recipes.planning.splits import balanced_seed

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}


@pytest.mark.parametrize("count", [3, 4, 7, 10, 20, 50])
def test_no_split_is_empty(count):
    for folder in range(10):
        names = [f"{folder}/{index}.jpg" for index in range(count)]
        counts = Counter(hash_split(names, FRACTIONS, balanced_seed(names, FRACTIONS)))
        assert counts.keys() == FRACTIONS.keys()
        assert counts["train"] >= count // 3


def test_of_many_images_the_first_seed_is_near_enough():
    names = [f"{index}.jpg" for index in range(2000)]
    assert balanced_seed(names, FRACTIONS) == 0


def test_too_few_images_get_a_seed_too():
    assert balanced_seed(["a.jpg"], FRACTIONS) in range(100)
