import math

import pytest

from densefit.data.mixture.temperature import tempered

SIZES = [400, 400, 30, 1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 100.0, math.inf])
def test_shares_are_powers_of_the_sizes(temperature):
    assert tempered(SIZES, temperature) == [size ** (1.0 / temperature) for size in SIZES]


@pytest.mark.parametrize("temperature", [0.02, 0.01, 1e-3, 1e-300, 5e-324])
def test_no_temperature_is_too_low(temperature):
    shares = tempered(SIZES, temperature)
    assert all(math.isfinite(share) for share in shares)
    assert math.isfinite(1e6 * sum(shares))
    assert shares[0] == shares[1] > 0
    assert shares[2] / shares[0] == pytest.approx(math.exp(math.log(30 / 400) / temperature))


def test_the_two_forms_meet():
    for temperature in (0.0099, 0.01, 0.0101):
        first, *_, last = tempered([400, 399], temperature)
        assert last / first == pytest.approx((399 / 400) ** (1 / temperature), rel=1e-9)
