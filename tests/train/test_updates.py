"""The batches of an epoch, update by update."""

from types import SimpleNamespace

import pytest

from densefit.callbacks.callback import TrainState
from densefit.errors import DataError
from densefit.train.updates import Updates


def reader(numbers, events=None):
    """Something to read batches from, which are numbers here."""

    def batches(epoch, skip, position):
        for number in numbers[skip:]:
            if isinstance(number, Exception):
                raise number
            if events is not None:
                events.append(number)
            yield number

    return SimpleNamespace(batches=batches, iterator=None)


@pytest.mark.parametrize(
    ("done", "left", "expected"),
    [
        (0, None, [[0, 1], [2, 3], [4]]),
        (1, None, [[2, 3], [4]]),
        (3, None, []),
    ],
)
def test_the_last_update_may_have_fewer_micro_batches(done, left, expected):
    state = TrainState(None, batch=done, accumulate=2, updates=left)
    updates = Updates(state, reader(range(5)))
    assert [list(batches) for batches in updates] == expected


def test_a_batch_is_read_when_it_is_needed_and_random_numbers_are_seeded_before():
    events = []
    state = TrainState(None, accumulate=2)
    updates = iter(Updates(state, reader(range(4), events), lambda: events.append("seed")))
    batches = next(updates)
    assert events == ["seed", 0]
    assert list(batches) == [0, 1]
    assert events == ["seed", 0, 1]


def test_an_error_of_the_data_names_the_update():
    updates = iter(Updates(TrainState(None, update=6), reader([DataError("broken")])))
    with pytest.raises(DataError, match="(?s)broken.*update 7"):
        next(updates)
