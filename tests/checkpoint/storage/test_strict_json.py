import pytest

from densefit.checkpoint.storage.strict_json import dumps, loads
from densefit.errors import CheckpointError


def test_states_come_back_with_lists_for_tuples():
    assert loads(dumps({"a": (1, [float("inf")]), 3: None})) == {"a": [1, [float("inf")]], 3: None}


def test_the_path_of_what_cannot_be_stored_is_named():
    with pytest.raises(CheckpointError, match=r"state cannot hold this[\s\S]*state\['a'\]\[1\]"):
        dumps({"a": [1, object()]})
    with pytest.raises(CheckpointError, match=r"bytes[\s\S]*state\[0\]"):
        dumps([b"a"])


def test_other_text_is_refused():
    with pytest.raises(CheckpointError, match="state is not what densefit writes"):
        loads("[NaN]")
