"""GLS and STCH against TorchJD's functions of the losses, whose gradients are the weights."""

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import GLS, STCH

LOSSES = {"a": 0.5, "b": 2.0, "c": 0.1}


def weights(balancer, losses=LOSSES, heads=("a", "b", "c")):
    balancer.begin(heads)
    assert balancer.weights(0) == dict.fromkeys(heads, 1.0)
    balancer.observe(losses)
    return balancer.weights(1)


def slopes(name, **settings):
    torch = pytest.importorskip("torch")
    scalarization = pytest.importorskip("torchjd.scalarization")
    values = torch.tensor(list(LOSSES.values()), dtype=torch.float64, requires_grad=True)
    getattr(scalarization, name)(**settings)(values).backward()
    return values.grad.numpy()


def test_gls_is_the_slope_of_torchjds_geometric_mean():
    np.testing.assert_allclose(list(weights(GLS()).values()), 3 * slopes("GeometricMean"))


@pytest.mark.parametrize("mu", [0.05, 1.0])
def test_stch_is_the_slope_of_torchjds(mu):
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(list(weights(STCH(mu)).values()), 9 * slopes("STCH", mu=mu))
    preferences, ideal = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.1, 0.0, 0.0])
    expected = 9 * slopes("STCH", mu=mu, weights=preferences, reference=ideal)
    found = weights(STCH(mu, preferences={"a": 2.0}, ideal={"a": 0.1}))
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-6)


@pytest.mark.parametrize("make", [GLS, STCH])
def test_equal_losses_weigh_one_and_heads_without_losses_do_not_count(make):
    assert weights(make(), dict.fromkeys("abc", 0.7)) == pytest.approx(dict.fromkeys("abc", 1.0))
    pair = weights(make(), {"a": 0.5, "c": 0.1}, ("a", "c"))
    for losses in ({"a": 0.5, "c": 0.1}, {"a": 0.5, "c": 0.1, "b": 0.0}):
        assert weights(make(), losses) == pytest.approx({**pair, "b": 1.0})


def test_a_head_without_labels_keeps_its_last_loss():
    balancer = GLS()
    weights(balancer)
    balancer.observe({"a": 1.0})
    expected = weights(GLS(), {**LOSSES, "a": 1.0})
    assert balancer.weights(2) == expected


def test_terms_count_together():
    assert weights(GLS(), {"a/x": 0.2, "a/y": 0.3, "b": 2.0, "c": 0.1}) == weights(GLS())


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"mu": 0.0}, "mu=0.0"),
        ({"preferences": {"a": 0.0}}, "preferences.a"),
        ({"ideal": {"a": -1.0}}, "ideal.a"),
    ],
)
def test_wrong_settings_are_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        STCH(**settings)


def test_unknown_heads_are_refused():
    with pytest.raises(ConfigError, match="'d'"):
        STCH(preferences={"d": 1.0}).begin("abc")
