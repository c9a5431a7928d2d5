from types import SimpleNamespace

import pytest

from densefit.errors import ConfigError
from densefit.tools.scoring.scored_split import scored_split


def splits(**names):
    return SimpleNamespace(**{"test": None, "validation": None, **names})


@pytest.mark.parametrize(
    ("split", "data", "expected", "why"),
    [
        ("dev", splits(test="test"), "dev", "by --split"),
        (None, splits(test="t", validation="v"), "t", "the recipe's test split"),
        (None, splits(validation="v"), "v", "the recipe has no test split"),
    ],
)
def test_the_split_and_why(split, data, expected, why):
    name, reason = scored_split(split, data)
    assert name == expected
    assert reason.startswith(why)
    assert len(f"split {name!r}, 12,345 samples: {reason}") <= 88


def test_without_splits_one_must_be_named():
    with pytest.raises(ConfigError, match="--split NAME"):
        scored_split(None, splits())
