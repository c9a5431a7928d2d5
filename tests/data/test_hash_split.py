from collections import Counter

import pytest

from densefit.data.hash_split import hash_split

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}
NAMES = [f"image {i}" for i in range(20_000)]


def test_each_split_has_its_part():
    counts = Counter(hash_split(NAMES, FRACTIONS))
    for split, fraction in FRACTIONS.items():
        assert counts[split] / len(NAMES) == pytest.approx(fraction, abs=0.01)


def test_added_names_move_no_other():
    before = dict(zip(NAMES[::2], hash_split(NAMES[::2], FRACTIONS)))
    after = dict(zip(NAMES, hash_split(NAMES, FRACTIONS)))
    assert all(after[name] == split for name, split in before.items())


def test_it_depends_on_the_seed_and_not_on_the_order_of_the_settings():
    splits = hash_split(NAMES, FRACTIONS)
    assert hash_split(NAMES, dict(reversed(FRACTIONS.items()))) == splits
    again = hash_split(NAMES, FRACTIONS, seed=1)
    same = sum(first == second for first, second in zip(splits, again)) / len(NAMES)
    assert same == pytest.approx(0.7**2 + 2 * 0.15**2, abs=0.02)


def test_dividing_the_last_part_moves_nothing_else():
    parts = dict(zip(NAMES, hash_split(NAMES, {"train": 0.7, "val": 0.3})))
    finer = dict(zip(NAMES, hash_split(NAMES, FRACTIONS)))
    assert all((finer[name] == "train") == (parts[name] == "train") for name in NAMES)


def test_it_is_the_same_for_ever():
    splits = hash_split(["a", "Bild ä", "0", "\udcff", "5"], FRACTIONS)
    assert splits == ["train", "val", "test", "train", "test"]
