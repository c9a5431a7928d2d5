import pytest

from densefit.errors import ConfigError
from densefit.train.balance import Fixed


def test_unnamed_heads_count_one():
    balancer = Fixed({"seg": 0.25, "age": 0})
    balancer.begin(["det", "seg", "age"])
    assert balancer.weights(0) == balancer.weights(10**6) == {"det": 1.0, "seg": 0.25, "age": 0.0}


def test_an_unknown_head_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no head 'sge'[^|]*did you mean 'seg'"):
        Fixed({"sge": 1.0}).begin(["det", "seg"])


@pytest.mark.parametrize("factor", [-0.1, float("nan"), float("inf"), "1", True, None])
def test_wrong_factors_are_refused_when_made(factor):
    with pytest.raises(ConfigError, match=r"0 or more[^|]*seg="):
        Fixed({"seg": factor})
