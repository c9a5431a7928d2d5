import pytest

from densefit import errors
from densefit.errors import DataError, DensefitError

KINDS = [
    errors.EngineError,
    errors.ConfigError,
    errors.DataError,
    errors.BindError,
    errors.CheckpointError,
    errors.TrainingDiverged,
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_ours(kind):
    with pytest.raises(DensefitError, match="broken"):
        raise kind("broken")


def test_the_parts_are_lines_in_a_fixed_order():
    error = DataError("what", fix="do this", where="here", received=[1], expected=2)
    assert str(error).splitlines() == [
        "what",
        "  expected: 2",
        "  received: [1]",
        "  where:    here",
        "  fix:      do this",
    ]


def test_the_parts_can_be_read():
    error = DataError("what", expected=(1, 2), received=3, where="here", fix="do this")
    assert (error.what, error.expected, error.received) == ("what", (1, 2), 3)
    assert (error.where, error.fix) == ("here", "do this")


def test_parts_that_are_not_known_are_left_out():
    assert str(DataError("what")) == "what"
    assert str(DataError("what", received=0)) == "what\n  received: 0"
    assert str(DataError("what", received="")) == "what\n  received: "


def test_other_parts_are_refused():
    with pytest.raises(TypeError):
        DataError("what", hint="typo")


def test_a_place_is_added_and_the_kind_stays():
    with pytest.raises(errors.BindError) as caught, errors.located("head a"):
        raise errors.BindError("what", expected=1, received=2, fix="do this")
    error = caught.value
    assert (error.what, error.expected, error.received, error.fix) == ("what", 1, 2, "do this")
    assert error.where == "head a"
    assert isinstance(error.__cause__, errors.BindError)
    with pytest.raises(DataError, match="where:    head a, sample 3"), errors.located("head a"):
        raise DataError("what", where="sample 3")
    with pytest.raises(ValueError, match="^other$"), errors.located("head a"):
        raise ValueError("other")


def test_a_part_without_end_is_cut():
    error = DataError("what", received="a" * 10**6 + "z", where="here.xml")
    assert len(str(error)) < 10_000
    assert "z\n" in str(error)
    assert "1000001 characters" in str(error)
    assert "here.xml" in str(error)
