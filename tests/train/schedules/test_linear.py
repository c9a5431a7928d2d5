import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import Linear, Poly


def test_it_is_torch_s(rates, torch_rates):
    assert rates(Linear(0.3, final=0.03)) == pytest.approx(torch_rates("linear"), rel=1e-12)


def test_it_is_the_polynomial_of_power_1(rates):
    settings = {"final": 0.02, "warmup": 7, "warmup_start": 0.05}
    expected = rates(Poly(0.3, power=1, **settings))
    assert rates(Linear(0.3, **settings)) == pytest.approx(expected, rel=1e-12)


def test_the_end_is_final_exactly():
    resolved = Linear(0.3, final=0.01).resolve(70)
    assert resolved(0) == 0.3
    assert resolved(70) == resolved(12345) == 0.01


def test_a_final_rate_above_the_full_one_is_refused():
    with pytest.raises(ConfigError, match="0 to lr=0.1"):
        Linear(0.1, final=0.2)
