"""Settings of a mixture that are refused. What a Mixture makes of them: see test_mixture.py."""

import pytest

from densefit.data.mixture.checks import check_common, check_renames, check_shares
from densefit.errors import ConfigError, DataError


def shares(datasets=None, ratio=None, temperature=None, length=None, batches="mixed", **more):
    known = {"a": [0], "b": [0, 1]} if datasets is None else datasets
    rest = more.get("unknown", "refuse"), more.get("lacking", "unknown")
    check_shares(known, ratio, temperature, length, batches, *rest)


def test_what_is_right_passes():
    shares()
    shares(ratio={"a": 1, "b": 0.5}, length=1, batches="in_turn", unknown="drop")
    shares(lacking="background")
    check_renames({"a": {"cat": "dog", "cow": None}}, {"a": ["cat", "cow"], "b": []})
    check_common([str(number) for number in range(255)], "mask")
    check_common([str(number) for number in range(256)], "label")


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_a_share_is_a_finite_number_above_0(value):
    with pytest.raises(ConfigError, match="ratio of 'b'"):
        shares(ratio={"a": 1, "b": value})


def test_what_a_dataset_tells_of_classes_that_it_lacks_is_one_of_two():
    with pytest.raises(ConfigError, match="(?s)setting lacking.*unknown or background"):
        shares(lacking="none")


def test_empty_datasets_and_unknown_ones_are_refused():
    with pytest.raises(DataError, match="'b' is empty"):
        shares(datasets={"a": [0], "b": []})
    with pytest.raises(ConfigError, match="did you mean 'streets'"):
        check_renames({"street": {}}, {"streets": ["road"]})
    with pytest.raises(ConfigError, match="did you mean 'road'"):
        check_renames({"streets": {"raod": None}}, {"streets": ["road"]})


@pytest.mark.parametrize(("count", "target"), [(0, "label"), (256, "mask")])
def test_a_map_of_bytes_holds_255_classes(count, target):
    with pytest.raises(ConfigError, match=target):
        check_common([str(number) for number in range(count)], target)
