"""Among how many devices a batch can be split."""

import pytest

from densefit.backend import mx
from densefit.engine.mxnet.devices import usable


@pytest.mark.parametrize("rows", range(1, 20))
def test_as_many_as_mxnet_can_serve(rows):
    split = mx.executor_manager._split_input_slice
    for count in range(1, 9):
        used = len(usable(range(count), rows))
        assert len(split(rows, [1] * used)) == used
        if used < min(count, rows):
            with pytest.raises(ValueError, match="Too many slices"):
                split(rows, [1] * (used + 1))


def test_the_first_devices_are_used():
    assert usable("abcd", 6) == ["a", "b", "c"]
    assert usable("abcd", 1) == ["a"]
    assert usable("a", 9) == ["a"]
