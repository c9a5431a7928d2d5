"""Behaviour that every registered balancer shares."""

import inspect
import json

import numpy as np
import pytest

from densefit.train.balance import Balancer, balancers
from densefit.train.balance.last_losses import LastLossBalancer

HEADS = ["depth", "mask", "age"]
TOTAL, PER_EPOCH, WIDTH = 12, 3, 6

CASES = {
    "aligned_mtl": {},
    "cagrad": {},
    "config": {},
    "db_mtl": {"beta": 0.5},
    "dualproj": {},
    "dwa": {},
    "excess_mtl": {"lr": 0.3},
    "fairgrad": {"alpha": 3.0},
    "famo": {"lr": 0.2},
    "fixed": {"factors": {"mask": 0.5}},
    "gls": {},
    "graddrop": {"leak": 0.25, "seed": 3},
    "gradnorm": {"lr": 0.05},
    "gradvac": {"beta": 0.25, "seed": 3},
    "imtl_g": {},
    "imtl_l": {"initial": 0.1},
    "mgda": {},
    "moco": {"gamma": 0.02},
    "modo": {"gamma": 0.02},
    "nash_mtl": {},
    "observed": {"every": 2},
    "pcgrad": {"seed": 3},
    "rgw": {"seed": 3},
    "rlw": {"seed": 3},
    "scheduled": {"courses": {"age": {"name": "linear", "lr": 1.0}}},
    "sdmgrad": {"lr": 0.5},
    "stch": {"mu": 0.2, "preferences": {"age": 2.0}},
    "uncertainty": {"kinds": {"depth": "regression"}},
    "upgrad": {},
}
every_balancer = pytest.mark.parametrize("name", CASES)


def made(name, heads=HEADS):
    balancer = balancers.create(name, **CASES[name])
    balancer.begin(heads, total=TOTAL, updates_per_epoch=PER_EPOCH)
    return balancer


def measured(update):
    """head -> (loss, gradient without weight) of an update; not all heads are in each."""
    rng = np.random.default_rng(update)
    found = {h: (rng.uniform(0.1, 2), rng.normal(size=WIDTH)) for h in sorted(HEADS)}
    if update % 4 == 1:
        del found[sorted(HEADS)[update % 3]]
    return found


def trained(balancer, updates):
    """The weights and the shared gradient of each update."""
    found = []
    for update in updates:
        weights, seen = balancer.weights(update), measured(update)
        combined = None
        if balancer.needs != "nothing":
            balancer.observe({head: loss for head, (loss, _) in seen.items()})
        if balancer.needs == "gradients":
            nothing = (0.0, np.zeros(WIDTH))
            rows = [weights[head] * seen.get(head, nothing)[1] for head in balancer.heads]
            rows = np.array(rows, np.float32)
            if balancer.is_independent:
                noise = np.random.default_rng(update).normal(0, 0.1, rows.shape)
                noise = noise[[sorted(HEADS).index(head) for head in balancer.heads]] * (rows != 0)
                balancer.observe_parts(rows + noise, rows - noise)
            combined = balancer.combine(rows)
        if balancer.needs_losses_after:
            balancer.observe_after({head: loss**1.1 for head, (loss, _) in seen.items()})
        found.append((weights, combined))
        if update % PER_EPOCH == PER_EPOCH - 1:
            balancer.end_epoch()
    return found


def assert_alike(first, second, exactly):
    for (weights, combined), (others, other) in zip(first, second):
        assert weights == (others if exactly else pytest.approx(others, rel=1e-6))
        if combined is not None:
            np.testing.assert_allclose(combined, other, rtol=0 if exactly else 1e-5, atol=1e-6)
    assert len(first) == len(second)


def test_every_registered_balancer_has_a_case():
    assert sorted(CASES) == balancers.names()


@every_balancer
def test_what_it_needs_and_costs_is_declared(name):
    balancer = made(name)
    assert balancer.needs in ("nothing", "losses", "gradients")
    assert isinstance(balancer.learned, bool)
    assert type(balancer).cost is not Balancer.cost or "cost" in vars(type(balancer))
    told = inspect.getdoc(type(balancer))
    assert "absent" in told.lower()
    for setting in inspect.signature(type(balancer)).parameters:
        assert f"{setting}:" in told


@every_balancer
def test_weights_are_finite_and_not_negative_for_every_head(name):
    for weights, combined in trained(made(name), range(TOTAL)):
        assert list(weights) == HEADS
        assert all(type(value) is float and 0 <= value < np.inf for value in weights.values())
        if combined is not None:
            assert (combined.shape, combined.dtype) == ((WIDTH,), np.float32)
            assert np.isfinite(combined).all()


@every_balancer
def test_asking_for_weights_changes_nothing(name):
    asked, quiet = made(name), made(name)
    for update in (5, 0, 5, TOTAL + 3):
        assert asked.weights(update) == asked.weights(update)
    assert_alike(trained(asked, range(TOTAL)), trained(quiet, range(TOTAL)), exactly=True)


@every_balancer
@pytest.mark.parametrize("cut", [1, 4, 6])
def test_a_state_in_the_middle_gives_the_same_future(name, cut):
    first = made(name)
    trained(first, range(cut))
    state = json.loads(json.dumps(first.state_dict()))
    second = made(name)
    second.load_state_dict(state)
    second.load_state_arrays(first.state_arrays())
    assert second.state_dict() == first.state_dict()
    rest = range(cut, TOTAL)
    expected = trained(made(name), range(TOTAL))[cut:]
    assert_alike(trained(first, rest), expected, exactly=True)
    assert_alike(trained(second, rest), expected, exactly=True)


@every_balancer
def test_a_state_is_a_copy(name):
    balancer = made(name)
    trained(balancer, range(4))
    state, arrays = balancer.state_dict(), balancer.state_arrays()
    kept = json.dumps(state)
    copies = {key: array.copy() for key, array in arrays.items()}
    other = made(name)
    other.load_state_dict(state)
    other.load_state_arrays(arrays)
    trained(balancer, range(4, TOTAL))
    trained(other, range(4, TOTAL))
    assert json.dumps(state) == kept
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, copies[key])


@every_balancer
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0)])
def test_the_order_of_the_heads_changes_nothing(name, order):
    moved = trained(made(name, [HEADS[number] for number in order]), range(TOTAL))
    assert_alike(moved, trained(made(name), range(TOTAL)), exactly=False)


@every_balancer
def test_begin_forgets_what_was_seen(name):
    balancer = made(name)
    first = trained(balancer, range(TOTAL))
    balancer.begin(HEADS, total=TOTAL, updates_per_epoch=PER_EPOCH)
    assert_alike(trained(balancer, range(TOTAL)), first, exactly=True)


@every_balancer
@pytest.mark.parametrize("head", [*HEADS, None])
def test_one_head_that_is_present_gives_its_own_gradient(name, head):
    """Its row as it is, which has the weight in it; of no head, nothing. And others' stay."""
    balancer = made(name)
    trained(balancer, range(PER_EPOCH))
    weights = balancer.weights(PER_EPOCH)
    rows = np.zeros((len(HEADS), WIDTH), np.float32)
    if head is not None:
        rows[HEADS.index(head)] = np.random.default_rng(5).normal(size=WIDTH)
    balancer.observe({} if head is None else {head: 0.7})
    np.testing.assert_array_equal(balancer.combine(rows), rows.sum(axis=0))
    if not isinstance(balancer, LastLossBalancer):  # whose weights follow the head's loss
        assert balancer.weights(PER_EPOCH) == weights


@every_balancer
def test_one_head_alone_is_trained_as_without_a_balancer(name):
    if name in ("fixed", "scheduled", "stch", "uncertainty"):  # their cases name heads
        balancer = balancers.create(name, **({"courses": {}} if name == "scheduled" else {}))
    else:
        balancer = balancers.create(name, **CASES[name])
    balancer.begin(["age"], total=TOTAL, updates_per_epoch=PER_EPOCH)
    seen = [update for update in range(TOTAL) if "age" in measured(update)]
    for update in seen:
        loss, gradient = measured(update)["age"]
        assert balancer.weights(update) == {"age": pytest.approx(1.0)}
        balancer.observe({"age": loss})
        combined = balancer.combine(np.array([gradient], np.float32))
        np.testing.assert_allclose(combined, gradient, rtol=1e-5)
