"""What every balancer of gradients does where gradients cancel, agree, vanish or are infinite."""

import numpy as np
import pytest

from densefit.errors import TrainingDiverged
from densefit.train.balance import GradientBalancer, balancers

NAMES = ["a", "b", "c"]
COMPARING = [
    name for name in balancers.names() if issubclass(balancers.get(name), GradientBalancer)
]
every_balancer = pytest.mark.parametrize("name", COMPARING)
rng = np.random.default_rng(5)
ROWS = rng.normal(size=(3, 7)).astype(np.float32)


def begun(name, heads=NAMES):
    balancer = balancers.create(name)
    balancer.begin(heads)
    return balancer


def combined(name, rows, heads=NAMES, losses=None):
    """The last of three combinations, so that averages count."""
    balancer = begun(name, heads)
    for _ in range(3):
        present = [head for head, row in zip(heads, rows) if (row != 0).any()]
        balancer.observe(losses or dict.fromkeys(present, 1.0))
        if balancer.is_independent:
            balancer.observe_parts(np.asarray(rows, np.float32), np.asarray(rows, np.float32))
        found = balancer.combine(np.asarray(rows, np.float32))
    return found


@every_balancer
@pytest.mark.parametrize("absent", NAMES)
def test_a_head_without_labels_is_as_if_it_were_not_there(name, absent):
    """Its factor is 0, and the rest have those that they have without it."""
    rows = ROWS.copy()
    rows[NAMES.index(absent)] = 0
    rest = [head for head in NAMES if head != absent]
    found, without = begun(name), begun(name, rest)
    for _ in range(2):
        for balancer in (found, without):
            balancer.observe(dict.fromkeys(rest, 1.0))
        factors = found.factors(rows @ rows.T)
        assert factors[NAMES.index(absent)] == 0.0
        among = rows[[NAMES.index(head) for head in rest]]
        if name in ("pcgrad", "gradvac", "rgw"):  # their draws are of all heads' names
            without.begin(NAMES)
            without.load_state_dict(found.state_dict())
            continue
        expected = without.factors(among @ among.T)
        np.testing.assert_allclose(np.delete(factors, NAMES.index(absent)), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["pcgrad", "gradvac"])
def test_two_heads_have_one_order_however_many_are_absent(name):
    rows = ROWS.copy()
    rows[1] = 0
    expected = combined(name, rows[[0, 2]], ["a", "c"])
    np.testing.assert_allclose(combined(name, rows), expected, rtol=1e-5, atol=1e-7)


@every_balancer
def test_one_gradient_is_itself(name):
    rows = np.zeros((3, 7), np.float32)
    rows[1] = ROWS[1]
    np.testing.assert_array_equal(combined(name, rows), rows[1])


@every_balancer
def test_no_gradient_is_nothing(name):
    assert (combined(name, np.zeros((3, 7))) == 0).all()


@every_balancer
def test_opposite_gradients_give_a_finite_sum_along_them(name):
    """Exactly 180 degrees: no direction helps both, and none may be infinite."""
    first = ROWS[0] / np.linalg.norm(ROWS[0])
    for length in (1.0, 0.25):
        found = combined(name, [first, -length * first, np.zeros(7)])
        assert np.isfinite(found).all()
        assert np.linalg.norm(found) < 4.0
        across = found - (found @ first) * first
        if name != "graddrop":  # whose numbers have a sign each
            assert np.linalg.norm(across) < 1e-3


@every_balancer
def test_equal_gradients_give_their_sum(name):
    """At the scale of the sum, but for CAGrad's 1 + c times it."""
    found = combined(name, np.tile(ROWS[0], (3, 1)))
    factor = 1.4 if name == "cagrad" else 1.0
    np.testing.assert_allclose(found, 3 * factor * ROWS[0], rtol=2e-4, atol=1e-5)


@every_balancer
def test_parallel_gradients_stay_on_their_line(name):
    first = ROWS[0] / np.linalg.norm(ROWS[0])
    found = combined(name, np.outer([1.0, 0.5, 4.0], first))
    assert found @ first > 0
    assert np.linalg.norm(found - (found @ first) * first) < 1e-3 * np.linalg.norm(found)


@every_balancer
def test_orthogonal_gradients_of_one_length_give_their_sum(name):
    if name in ("cagrad", "rgw"):
        return  # 1 + c / sqrt(n), and draws
    np.testing.assert_allclose(combined(name, np.eye(3)), np.ones(3), rtol=1e-3)


@every_balancer
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_told_by_head(name, value):
    balancer = begun(name)
    balancer.observe(dict.fromkeys(NAMES, 1.0))
    gram = ROWS.astype(float) @ ROWS.T.astype(float)
    gram[1] = gram[:, 1] = value
    with pytest.raises(TrainingDiverged, match="in that of b\n"):
        balancer.factors(gram)


@every_balancer
def test_a_product_that_is_not_finite_is_told_by_both_heads(name):
    """With finite squares."""
    balancer = begun(name)
    balancer.observe(dict.fromkeys(NAMES, 1.0))
    gram = ROWS.astype(float) @ ROWS.T.astype(float)
    gram[0, 2] = gram[2, 0] = np.nan
    with pytest.raises(TrainingDiverged, match="in that of a, c\n"):
        balancer.factors(gram)


@every_balancer
def test_gradients_of_very_different_lengths_are_finite(name):
    rows = ROWS * np.array([[1e-6], [1.0], [1e6]], np.float32)
    assert np.isfinite(combined(name, rows)).all()
