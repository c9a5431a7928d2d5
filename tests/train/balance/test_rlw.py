import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import RLW
from densefit.train.balance.rlw import softmax


def drawn(seed, updates, heads=("a", "b", "c")):
    balancer = RLW(seed)
    balancer.begin(heads)
    return np.array([list(balancer.weights(t).values()) for t in updates])


def test_weights_add_up_to_the_heads_and_are_equal_on_average():
    found = drawn(0, range(4000))
    np.testing.assert_allclose(found.sum(axis=1), 3, rtol=1e-12)
    # the standard error of the mean is some 0.01
    np.testing.assert_allclose(found.mean(axis=0), 1, atol=0.05)


def test_logits_are_standard_normal():
    logs = np.log(drawn(1, range(4000)))
    # what a softmax leaves of its logits: their differences, here of variance 2
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert (logs[:, first] - logs[:, second]).std() == pytest.approx(2**0.5, rel=0.05)


def test_they_depend_on_seed_and_update_alone():
    np.testing.assert_array_equal(drawn(3, [7]), drawn(3, range(10))[[7]])
    assert (drawn(3, range(20)) != drawn(4, range(20))).all()
    assert len(np.unique(drawn(3, range(20))[:, 0])) == 20


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None, True])
def test_wrong_seeds_are_refused(seed):
    with pytest.raises(ConfigError, match="seed="):
        RLW(seed)


def test_softmax_of_the_papers_formula():
    values = np.array([0.5, -1.0, 2.0])
    expected = [np.exp(v) / sum(np.exp(u) for u in values) for v in values]
    np.testing.assert_allclose(softmax(values), expected, rtol=1e-12)
