import itertools

import numpy as np
import pytest

from densefit.train.balance import PCGrad
from densefit.train.balance.gradients.gram import gram_matrix
from densefit.train.balance.gradients.pcgrad import projected


def pseudo_code(gradients, orders):
    """Algorithm 1 of the paper, line by line."""
    projections = []
    for i, g_i in enumerate(gradients):
        g_pc = g_i.copy()
        for j in orders[i]:
            g_j = gradients[j]
            if g_pc @ g_j < 0:
                g_pc = g_pc - (g_pc @ g_j) / np.linalg.norm(g_j) ** 2 * g_j
        projections.append(g_pc)
    return sum(projections)


@pytest.mark.parametrize("heads", [1, 2, 3, 5])
def test_it_is_the_papers_algorithm_for_any_order(heads):
    rng = np.random.default_rng(heads)
    for _ in range(20):
        gradients = rng.normal(size=(heads, 6))
        orders = [rng.permutation([j for j in range(heads) if j != i]) for i in range(heads)]
        found = projected(gram_matrix(gradients), orders) @ gradients
        np.testing.assert_allclose(found, pseudo_code(gradients, orders), rtol=1e-9, atol=1e-9)


def test_the_orders_of_updates_are_permutations_drawn_evenly():
    heads, count = ["a", "b", "c"], 600
    gradients = np.array([[1, 0, 0.3], [-0.6, 1, 0], [-0.5, -0.7, 1]], np.float32)
    of_a_kind = {}
    for order in itertools.product(*(itertools.permutations({0, 1, 2} - {i}) for i in range(3))):
        of_a_kind.setdefault(tuple(pseudo_code(gradients, order).round(5)), []).append(order)
    assert len(of_a_kind) > 2  # the order matters for these
    balancer = PCGrad(seed=1)
    balancer.begin(heads)
    found = [tuple(balancer.combine(gradients).astype(float).round(5)) for _ in range(count)]
    total = sum(len(orders) for orders in of_a_kind.values())
    for result, orders in of_a_kind.items():
        seen = sum(np.allclose(result, one, atol=2e-5) for one in found)
        assert seen / count == pytest.approx(len(orders) / total, abs=0.08)


def test_without_conflict_it_is_the_sum():
    gradients = np.abs(np.random.default_rng(0).normal(size=(3, 9))).astype(np.float32)
    balancer = PCGrad()
    balancer.begin(["a", "b", "c"])
    np.testing.assert_allclose(balancer.combine(gradients), gradients.sum(axis=0), rtol=1e-6)


def test_an_absent_head_conflicts_with_none():
    gradients = np.array([[1.0, -2.0], [-1.0, 1.0], [0.0, 0.0]], np.float32)
    three, two = PCGrad(), PCGrad()
    three.begin(["a", "b", "absent"])
    two.begin(["a", "b"])
    np.testing.assert_allclose(three.combine(gradients), two.combine(gradients[:2]), rtol=1e-6)
    assert three.combine(np.zeros_like(gradients)).tolist() == [0.0, 0.0]


def test_opposite_gradients_leave_nothing():
    balancer = PCGrad()
    balancer.begin(["a", "b"])
    assert balancer.combine(np.array([[1, 2], [-2, -4]], np.float32)).tolist() == [0.0, 0.0]
