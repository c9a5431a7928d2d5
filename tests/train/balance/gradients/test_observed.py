import json

import numpy as np
import pytest

from densefit.train.balance.gradients.gram import gram_matrix
from densefit.train.balance.gradients.observed import Observed, affinity

HEADS = ["a", "b", "c"]


def begun():
    balancer = Observed(every=1)
    balancer.begin(HEADS)
    return balancer


def test_the_gradient_is_the_plain_sum():
    rows = np.random.default_rng(0).normal(size=(3, 9)).astype(np.float32)
    np.testing.assert_allclose(begun().combine(rows), rows.sum(axis=0), rtol=1e-6)


def test_affinity_is_what_a_small_step_does():
    """On quadratic losses: the decrease of b's loss by a's step over that by b's own step."""
    rng = np.random.default_rng(1)
    theta = rng.normal(size=5)
    targets = {head: rng.normal(size=5) for head in HEADS}

    def loss(head, at):
        return np.sum((at - targets[head]) ** 2)

    gradients = {head: 2 * (theta - targets[head]) for head in HEADS}
    balancer = begun()
    balancer.factors(gram_matrix(np.array(list(gradients.values()))))
    measured, rate = affinity(balancer.state_dict()), 1e-6
    for first in HEADS:
        for second in HEADS:
            if first == second:
                assert f"{first}/{second}" not in measured
                continue
            before = loss(second, theta)
            by_first = before - loss(second, theta - rate * gradients[first])
            own = before - loss(second, theta - rate * gradients[second])
            share, cosine, updates = measured[f"{first}/{second}"]
            np.testing.assert_allclose(share, by_first / own, rtol=1e-4)
            a, b = gradients[first], gradients[second]
            np.testing.assert_allclose(cosine, a @ b / np.sqrt(a @ a * (b @ b)))
            assert updates == 1


def test_averages_are_over_updates_that_have_both_heads():
    balancer = begun()
    balancer.factors(np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]))
    balancer.factors(np.array([[4.0, -3.0, 2.0], [-3.0, 6.0, 0.0], [2.0, 0.0, 1.0]]))
    measured = affinity(balancer.state_dict())
    assert measured["a/b"][0] == (1 - 3) / (2 + 6)
    assert measured["b/a"][0] == (1 - 3) / (4 + 4)
    assert measured["a/b"][2] == 2
    assert measured["a/c"] == (2.0, 1.0, 1)
    assert measured["c/b"] == (0.0, 0.0, 1)


def test_a_resume_goes_on_and_a_new_training_begins_anew():
    gram = np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.0], [0.5, 0.0, 1.0]])
    whole, first = begun(), begun()
    for balancer in (whole, first):
        balancer.factors(gram)
    second = begun()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for balancer in (whole, second):
        balancer.factors(2 * gram)
    assert second.state_dict() == whole.state_dict()
    second.begin(HEADS)
    assert affinity(second.state_dict()) == {}


def test_heads_of_the_state_are_checked():
    state = begun().state_dict()
    state["products"] = {"x/a": 1.0}
    with pytest.raises(Exception, match="a head 'x'"):
        begun().load_state_dict(state)
