"""What another process must know to do the same work."""

from __future__ import annotations

import pickle

import densefit as df
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.loader.sample_task import SampleTask
from densefit.data.transforms import RandomFlip
from densefit.datasets import Shapes


def test_declarations_of_targets_travel_with_the_work():
    rooms, streets = (Shapes(4, size=(32, 40)) for _ in range(2))
    data = df.Mixture(
        {"rooms": rooms, "streets": streets}, targets={"rooms": {"mask": "room_mask"}}
    )
    text = pickle.dumps(SampleTask(data, RandomFlip(1.0), (), 0, 0))
    declared = KINDS.pop("room_mask")  # as in a process that has just begun
    try:
        made = pickle.loads(text)(0)
        assert KINDS["room_mask"] == declared
    finally:
        KINDS["room_mask"] = declared
    assert made.original["room_mask"].shape == (32, 40)
