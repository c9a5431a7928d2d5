import math

import pytest

from densefit.errors import ConfigError
from densefit.train.schedules import InverseSquareRoot


def test_with_the_warmup_s_timescale_it_is_the_transformer_s():
    """lr * sqrt(W) * min(t**-0.5, t * W**-1.5), t from 1 (Vaswani et al., equation 3)."""
    resolved = InverseSquareRoot(0.3, timescale=40, warmup=40).resolve(None)
    for t in range(1, 400):
        expected = 0.3 * math.sqrt(40) * min(t**-0.5, t * 40**-1.5)
        # Their first update has t = 1, as ours has in warm-up; ours decays one update later.
        ours = resolved(t - 1) if t <= 40 else resolved(t)
        assert ours == pytest.approx(expected, rel=1e-12)


def test_a_timescale_in_percent_of_a_known_length():
    assert InverseSquareRoot(1.0, timescale="10%").resolve(1000)(300) == 0.5
    with pytest.raises(ConfigError, match=r"InverseSquareRoot\(timescale=...\)"):
        InverseSquareRoot(1.0, timescale="10%").resolve(None)


def test_a_longer_training_begins_as_a_shorter_one(rates):
    schedule = InverseSquareRoot(0.3, timescale=10, warmup=5)
    assert rates(schedule, 100)[:30] == rates(schedule, 30)


def test_a_timescale_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least one update"):
        InverseSquareRoot(0.1, timescale=0)
