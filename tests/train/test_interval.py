"""When validations and saves fall."""

import pytest

from densefit.train.interval import Interval


def falls(every, updates=12, per_epoch=4):
    interval = Interval(every, per_epoch, updates)
    return (
        [n for n in range(1, updates + 1) if interval.after_update(n)],
        [n for n in range(1, updates // per_epoch + 1) if interval.after_epoch(n)],
    )


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("1ep", ([], [1, 2, 3])),
        ("2ep", ([], [2])),
        ("0.5ep", ([2, 4, 6, 8, 10, 12], [])),
        ("5st", ([5, 10], [])),
        (6, ([6, 12], [])),
        ("25%", ([3, 6, 9, 12], [])),
        ("0ep", ([], [])),
        (0, ([], [])),
    ],
)
def test_when(every, expected):
    assert falls(every) == expected


def test_lengths_that_are_not_known():
    assert Interval("2ep").after_epoch(2)  # whole epochs need no length
    for every, expected in (("0.5ep", 5), ("10%", 8)):
        interval = Interval(every)
        assert interval.is_unresolved
        assert not any(interval.after_update(done) for done in range(20))
        interval.set_length(80, 10)
        assert [done for done in range(1, 17) if interval.after_update(done)][0] == expected
