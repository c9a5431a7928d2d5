import math

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import DWA, balancers


def trained(balancer, epochs):
    """The weights of each epoch, whose updates have these losses."""
    found = []
    for epoch in epochs:
        found.append(balancer.weights(0))
        for losses in epoch:
            balancer.observe(losses)
        balancer.end_epoch()
    return [*found, balancer.weights(0)]


def made(heads=("a", "b"), **settings):
    balancer = DWA(**settings)
    balancer.begin(heads)
    return balancer


def test_by_hand():
    epochs = [
        [{"a": 3.0, "b": 1.0}, {"a": 5.0, "b": 3.0}],  # means 4 and 2
        [{"a": 2.0, "b": 2.0}],  # ratios 1/2 and 1
        [{"a": 1.0, "b": 4.0}],  # ratios 1/2 and 2
    ]
    found = trained(made(), epochs)
    assert found[0] == found[1] == {"a": 1.0, "b": 1.0}
    for weights, ratios in ((found[2], (0.5, 1.0)), (found[3], (0.5, 2.0))):
        powers = [math.exp(ratio / 2) for ratio in ratios]
        assert weights["a"] == pytest.approx(2 * powers[0] / sum(powers), rel=1e-12)
        assert weights["b"] == pytest.approx(2 * powers[1] / sum(powers), rel=1e-12)


def test_a_higher_temperature_is_more_equal():
    epochs = [[{"a": 1.0, "b": 1.0}], [{"a": 0.1, "b": 1.0}]]
    gaps = []
    for temperature in (0.5, 2.0, 100.0):
        last = trained(made(temperature=temperature), epochs)[-1]
        gaps.append(last["b"] - last["a"])
    assert gaps[0] > gaps[1] > gaps[2] > 0


def test_a_head_that_never_came_counts_as_standing_still():
    epochs = [[{"a": 1.0, "b": 2.0}], [{"a": 0.5, "b": 2.0}]]
    last = trained(made(["a", "b", "never"]), epochs)[-1]
    assert last["never"] == last["b"] > last["a"]
    assert sum(last.values()) == pytest.approx(3)


def test_updates_and_epochs_without_a_head_are_passed_over():
    epochs = [[{"a": 4.0, "b": 1.0}, {"b": 1.0}], [{"b": 1.0}], [{"a": 2.0, "b": 1.0}]]
    last = trained(made(), epochs)[-1]
    assert last["b"] / last["a"] == pytest.approx(math.exp((1.0 - 0.5) / 2), rel=1e-12)


def test_losses_of_zero_and_of_any_size_leave_finite_weights():
    epochs = [[{"a": 0.0, "b": 1e-300}], [{"a": 1.0, "b": 1e300}]]
    last = trained(made(), epochs)[-1]
    assert last == {"a": 0.0, "b": 2.0}


def test_negative_losses_and_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match="head b"):
        made().observe({"a": 1.0, "b": -0.1})
    with pytest.raises(ConfigError, match="temperature="):
        DWA(temperature=0)


def test_terms_are_compared_with_themselves():
    """A term that came in one epoch only tells nothing of how fast its head learns."""
    epochs = [[{"a": 1.0, "b/x": 2.0}], [{"a": 1.0, "b/x": 2.0, "b/y": 9.0}]]
    assert trained(made(), epochs)[-1] == {"a": 1.0, "b": 1.0}
    # 2 + 8 over two epochs each; the updates that have only one of them do not count for less
    epochs = [
        [{"a": 1.0, "b/x": 2.0, "b/y": 8.0}],
        [{"a": 1.0, "b/x": 1.0}, {"a": 1.0, "b/y": 4.0}, {"a": 1.0, "b/y": 4.0}],
    ]
    last = trained(made(), epochs)[-1]
    assert last["b"] / last["a"] == pytest.approx(math.exp((0.5 - 1.0) / 2), rel=1e-12)


@pytest.mark.parametrize("name", ["dwa", "gradnorm"])
def test_a_loss_that_rounding_puts_below_0_counts_as_0(name):
    """-log_softmax of a class that is certain is -1e-6 in float32."""
    found = []
    for last in (0.0, -1.4e-6):
        balancer = balancers.create(name)
        balancer.begin(["a", "b"], 8, 2)
        for losses in ({"a": 1.0, "b": 2.0}, {"a": last, "b": 1.5}):
            balancer.observe(losses)
            if name == "gradnorm":
                balancer.combine(np.eye(2))
            balancer.end_epoch()
        found.append(balancer.weights(2))
    assert found[0] == found[1]
    assert found[0]["a"] != 1.0
