import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import GradNorm
from densefit.train.balance.gradients.gradnorm import LEAST

HEADS = ["a", "b", "c"]


def made(heads=HEADS, **settings):
    balancer = GradNorm(**settings)
    balancer.begin(heads)
    return balancer


def update(balancer, losses, gradients):
    """One update as the loop makes it: `gradients` by head are those of the bare losses."""
    weights = balancer.weights(0)
    balancer.observe(losses)
    rows = [weights[head] * np.asarray(gradients[head]) for head in balancer.heads]
    return balancer.combine(np.array(rows, np.float32))


def objective(logs, gradients, targets):
    """Half the squares of the log lengths' distance from the log targets, which are given."""
    lengths = [np.exp(log) * np.linalg.norm(g) for log, g in zip(logs, gradients)]
    return sum(np.log(length / target) ** 2 for length, target in zip(lengths, targets)) / 2


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.5])
def test_weights_descend_towards_the_papers_target(alpha):
    rng = np.random.default_rng(0)
    balancer = made(alpha=alpha, lr=0.01)
    first = dict(zip(HEADS, (2.0, 1.0, 0.5)))
    update(balancer, first, dict(zip(HEADS, rng.normal(size=(3, 7)))))
    for _ in range(5):
        weights = np.array(list(balancer.weights(0).values()))
        losses = {head: loss * rng.uniform(0.2, 1) for head, loss in first.items()}
        gradients = rng.normal(size=(3, 7)) * [[0.1], [1.0], [3.0]]
        norms = [w * np.linalg.norm(g) for w, g in zip(weights, gradients)]
        inverse_rates = [losses[h] / first[h] for h in HEADS]
        relative = [rate / np.mean(inverse_rates) for rate in inverse_rates]
        targets = [np.mean(norms) * rate**alpha for rate in relative]
        logs = np.log(weights)
        expected = weights.copy()
        for k in range(3):
            step = 1e-6 * np.eye(3)[k]
            higher = objective(logs + step, gradients, targets)
            slope = (higher - objective(logs - step, gradients, targets)) / 2e-6
            expected[k] *= np.exp(-0.01 * slope)
        expected *= 3 / expected.sum()
        update(balancer, losses, dict(zip(HEADS, gradients)))
        found = np.array(list(balancer.weights(0).values()))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert found.sum() == pytest.approx(3)


@pytest.mark.parametrize(
    ("ratio", "unit"),
    [*((ratio, 1.0) for ratio in (1.5, 5, 8, 10, 50, 500, 1 / 50)), (8, 1e-6), (8, 1e4)],
)
@pytest.mark.parametrize("settings", [{"alpha": 0.0}, {}, {"lr": 1.0}])
def test_lengths_come_to_their_target_and_stay(ratio, unit, settings):
    balancer = made(["a", "b"], **settings)
    gradients = {"a": [ratio * unit, 0.0], "b": [0.0, unit]}
    alpha = settings.get("alpha", 1.5)
    update(balancer, {"a": 1.0, "b": 1.0}, gradients)
    for number in range(300):
        update(balancer, {"a": 1.0, "b": 0.5}, gradients)
        weights = balancer.weights(0)
        if number >= 250:
            assert weights["a"] * ratio / weights["b"] == pytest.approx(2**alpha, rel=0.1)
            assert sum(weights.values()) == pytest.approx(2)


def test_noise_is_averaged_over_updates():
    balancer, rng = made(["a", "b"], alpha=0.0), np.random.default_rng(0)
    found = []
    for number in range(700):
        a, b = np.exp(rng.normal(0, 0.7, 2)) * [100.0, 1.0]
        update(balancer, {"a": 1.0, "b": 1.0}, {"a": [a, 0.0], "b": [0.0, b]})
        found += [list(balancer.weights(0).values())] if number >= 300 else []
    ratios = np.array(found)[:, 0] * 100 / np.array(found)[:, 1]
    assert 0.7 < ratios.min() < ratios.max() < 1.4


def test_a_gradient_that_is_gone_for_an_update_changes_little():
    balancer = made(["a", "b"], alpha=0.0)
    same = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    for _ in range(5):
        update(balancer, {"a": 1.0, "b": 1.0}, same)
    update(balancer, {"a": 1.0, "b": 1.0}, {**same, "a": [0.0, 0.0]})
    assert 1.0 < balancer.weights(0)["a"] < 1.1
    for _ in range(400):
        update(balancer, {"a": 1.0, "b": 1.0}, same)
    assert balancer.weights(0) == pytest.approx({"a": 1.0, "b": 1.0}, abs=0.01)


def test_with_alpha_zero_the_norms_become_equal():
    balancer = made(alpha=0.0, lr=0.01)
    gradients = {"a": [0.5, 0], "b": [0, 1.0], "c": [2.0, 0]}
    for _ in range(2000):
        update(balancer, dict.fromkeys(HEADS, 1.0), gradients)
    norms = [balancer.weights(0)[h] * np.linalg.norm(gradients[h]) for h in HEADS]
    assert max(norms) / min(norms) < 1.1


def test_a_head_that_learns_more_slowly_gets_a_longer_gradient():
    balancer = made(["a", "b"], alpha=1.5)
    same = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    update(balancer, {"a": 1.0, "b": 1.0}, same)
    for _ in range(50):
        update(balancer, {"a": 1.0, "b": 0.2}, same)
    assert balancer.weights(0)["a"] > 1.5


def test_gradients_are_added_up():
    balancer = made(["a", "b"])
    found = update(balancer, {"a": 1.0, "b": 1.0}, {"a": [1.0, 2.0], "b": [0.5, -1.0]})
    assert found.tolist() == [1.5, 1.0]


def test_an_absent_head_keeps_its_weight_and_the_others_theirs_together():
    balancer = made()
    gradients = {"a": [1.0, 0.0], "b": [0.0, 3.0], "c": [1.0, 1.0]}
    update(balancer, dict.fromkeys(HEADS, 1.0), gradients)
    before = balancer.weights(0)
    update(balancer, {"a": 0.5, "b": 1.0}, {**gradients, "c": [0.0, 0.0]})
    after = balancer.weights(0)
    assert after["c"] == before["c"]
    assert after["a"] != before["a"]
    assert after["a"] + after["b"] == pytest.approx(before["a"] + before["b"])
    update(balancer, {}, dict.fromkeys(HEADS, [0.0, 0.0]))
    assert balancer.weights(0) == after


def test_long_gradients_do_not_make_weights_negative():
    balancer = made(["a", "b"], lr=1.0)
    for _ in range(20):
        update(balancer, {"a": 1.0, "b": 1.0}, {"a": [1e4, 0.0], "b": [0.0, 1.0]})
    assert min(balancer.weights(0).values()) > LEAST / 1e4
    assert sum(balancer.weights(0).values()) == pytest.approx(2)


def test_losses_that_all_became_zero_are_no_division_by_zero():
    balancer = made(["a", "b"])
    update(balancer, {"a": 1.0, "b": 1.0}, {"a": [1.0], "b": [1.0]})
    update(balancer, {"a": 0.0, "b": 0.0}, {"a": [0.0], "b": [0.0]})
    assert balancer.weights(0) == {"a": 1.0, "b": 1.0}


def test_a_head_without_any_loss_yet_counts_as_absent():
    balancer = made(["a", "b", "c"])
    update(balancer, {"a": 1.0, "b": 0.0, "c": 1.0}, {"a": [1.0], "b": [0.0], "c": [3.0]})
    weights = balancer.weights(1)
    assert weights["b"] == 1.0
    assert weights["a"] + weights["c"] == pytest.approx(2.0)
    assert weights["a"] > 1.0
    update(balancer, {"a": 1.0, "b": 0.5, "c": 1.0}, {"a": [1.0], "b": [2.0], "c": [3.0]})
    assert balancer.state_dict()["first"]["b"] == 0.5


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="observe"):
        made().combine(np.zeros((3, 2), np.float32))
    with pytest.raises(ConfigError, match="negative"):
        made().observe({"a": -1.0})
    for settings in ({"alpha": -0.1}, {"lr": 0.0}, {"lr": 1.5}, {"lr": float("inf")}):
        with pytest.raises(ConfigError, match="out of range"):
            GradNorm(**settings)


def test_terms_are_compared_with_themselves():
    """A head whose second term is there now and then trains no more slowly when it is."""
    same = {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    balancer = made(["a", "b"])
    update(balancer, {"a": 1.0, "b/x": 1.0}, same)
    update(balancer, {"a": 1.0, "b/x": 1.0, "b/y": 7.0}, same)
    update(balancer, {"a": 1.0, "b/y": 7.0}, same)
    assert balancer.weights(0) == {"a": 1.0, "b": 1.0}
    whole, apart = made(["a", "b"]), made(["a", "b"])
    for factor in (1.0, 0.7, 0.2):
        update(whole, {"a": 1.0, "b": 4.0 * factor}, same)
        update(apart, {"a": 1.0, "b/x": 1.0 * factor, "b/y": 3.0 * factor}, same)
    assert apart.weights(0) == pytest.approx(whole.weights(0), rel=1e-12)
    assert apart.weights(0)["a"] > 1.0
    again = made(["a", "b"])
    again.load_state_dict(apart.state_dict())
    assert again.state_dict() == apart.state_dict()
    with pytest.raises(ConfigError, match="no head 'c'"):
        balancer.observe({"c/x": 1.0})


def test_a_first_loss_of_next_to_nothing_leaves_the_weights_numbers():
    balancer = made(["a", "b"], alpha=0.5)
    with np.errstate(all="raise"):
        update(balancer, {"a": 1e-310, "b": 1.0}, dict(zip("ab", np.eye(2))))
        update(balancer, {"a": 1.0, "b": 1.0}, dict(zip("ab", np.eye(2))))
    weights = balancer.weights(2)
    assert all(np.isfinite(weight) and weight > 0 for weight in weights.values())
    assert sum(weights.values()) == pytest.approx(2)
