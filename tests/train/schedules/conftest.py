"""The rates of torch's own schedulers, and those of a schedule."""

import json
from pathlib import Path

import pytest

# Made by tests/train/golden/make_schedules.py with torch 2.14.
GOLDEN = json.loads((Path(__file__).parents[1] / "golden/schedules.json").read_text())


@pytest.fixture
def torch_rates():
    """Name of a table -> torch's rate of each update, at the full rate 0.3."""
    return lambda name: GOLDEN["rates"][name]["rates"]


@pytest.fixture
def torch_plateau():
    """Name of a table -> settings, scores (None for nan) and rates of ReduceLROnPlateau."""
    return GOLDEN["plateaus"].get


@pytest.fixture
def rates():
    """The rates of a schedule's updates."""

    def listed(schedule, total=40, updates_per_epoch=None):
        resolved = schedule.resolve(total, updates_per_epoch)
        return [resolved(t) for t in range(total)]

    return listed
