from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.data.mixture.epoch_sizes import Portions

SHARES = st.one_of(st.integers(1, 50), st.floats(1e-3, 1e3), st.just(1))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.lists(SHARES, min_size=1, max_size=6))
def test_shares_hold_in_each_epoch_and_over_60_of_them(total, shares):
    portions = Portions(total, shares)
    whole, done = sum(Fraction(str(share)) for share in shares), [0] * len(shares)
    for epoch in range(60):
        counts = portions.of(epoch)
        assert sum(counts) == total
        assert portions.before(epoch) == done
        done = [before + count for before, count in zip(done, counts)]
        for count, before, share in zip(counts, done, shares):
            exact = total * Fraction(str(share)) / whole
            assert abs(count - exact) < 1
            assert abs(before - (epoch + 1) * exact) < 1


def test_epochs_may_be_asked_for_in_any_order():
    first, second = Portions(7, [3, 5, 2.5]), Portions(7, [3, 5, 2.5])
    assert [first.of(n) for n in (50, 3, 49)] == [second.of(n) for n in (50, 3, 49)]
    assert second.of(3) == Portions(7, [3, 5, 2.5]).of(3)


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [(16, [10, 6], [10, 6]), (10, [0.1, 0.2, 0.7], [1, 2, 7]), (12, [1 / 3, 2 / 3], [4, 8])],
)
def test_whole_numbers_are_the_same_in_each_epoch(total, shares, expected):
    portions = Portions(total, shares)
    assert not portions.carries
    assert portions.of(0) == portions.of(99) == expected
