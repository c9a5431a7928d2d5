"""Names of parameters, translated by patterns."""

import pytest

from densefit.checkpoint.weights.renaming import renamed
from densefit.errors import ConfigError

NAMES = ["a.1.w", "a.2.w", "b[0]_w", "c"]


@pytest.mark.parametrize(
    ("rename", "expected"),
    [
        ({}, NAMES),
        ({"c": "d"}, ["a.1.w", "a.2.w", "b[0]_w", "d"]),
        ({"a.*.w": "x_*_weight"}, ["x_1_weight", "x_2_weight", "b[0]_w", "c"]),
        ({"*.*.w": "*-*"}, ["a-1", "a-2", "b[0]_w", "c"]),
        ({"b[0]*": "b0*"}, ["a.1.w", "a.2.w", "b0_w", "c"]),  # only * is special
        ({"a*": None}, [None, None, "b[0]_w", "c"]),
        ({"*": None, "a.2*": "a2*"}, [None, "a2.w", None, None]),  # the last one counts
        ({"a.2*": "a2*", "*": "z*"}, ["za.1.w", "za.2.w", "zb[0]_w", "zc"]),
        ({"c": "a.1.w", "a.1.w": "c"}, ["c", "a.2.w", "b[0]_w", "a.1.w"]),
    ],
)
def test_names_become_others(rename, expected):
    assert renamed(NAMES, rename) == dict(zip(NAMES, expected))


@pytest.mark.parametrize(
    ("rename", "said"),
    [
        ({"a1*": "x*"}, "matches no parameter(?s:.*)'a1"),
        ({"a.*.w": "x"}, "different numbers of"),
        ({"c": "x*"}, "different numbers of"),
        ({"c": "a.1.w"}, "would be called 'a.1.w'(?s:.*)'a.1.w': None"),
        ({"[ab]*": "x*"}, "matches no parameter"),
    ],
)
def test_mistakes_are_told(rename, said):
    with pytest.raises(ConfigError, match=said):
        renamed(NAMES, rename)
