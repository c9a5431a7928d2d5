"""Divide samples into splits by a hash of their names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

_FIRST = ("train", "val", "test")


def hash_split(names: Iterable[str], fractions: Mapping[str, float], seed: int = 0) -> list[str]:
    """The split of each name.

    A name's split depends on the name, the seed and the fractions alone: names that are added
    later move no other, and equal names come into one split. Splits have their fractions on
    average, not exactly. "train", "val" and "test" come first, in this order, and others
    alphabetically: dividing the last fraction further moves no name of the splits before it.

    >>> hash_split(["c", "d", "e"], {"train": 0.6, "val": 0.4})
    ['train', 'train', 'val']

    Args:
        names: of the samples, or of their groups.
        fractions: split -> its part of the samples; their sum is 1.
        seed: another number gives another division.
    """
    order = [name for name in _FIRST if name in fractions]
    order += sorted(fractions.keys() - set(_FIRST))
    upper, edges = 0.0, []
    for split in order[:-1]:
        upper += fractions[split]
        edges.append((upper, split))
    listed = list(names)
    splits = {name: _split(name, edges, order, seed) for name in set(listed)}
    return [splits[name] for name in listed]


def _split(name: str, edges: list[tuple[float, str]], order: list[str], seed: int) -> str:
    data = f"{seed}\0{name}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(data, digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    return next((split for upper, split in edges if position < upper), order[-1])
