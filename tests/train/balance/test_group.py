"""Some heads are balanced as if alone, and the rest are summed as without a balancer."""

import numpy as np
import pytest

import densefit as df
from densefit.data.stable_repr import stable_repr
from densefit.errors import CheckpointError, ConfigError, TrainingDiverged
from densefit.train.balance import CAGrad, GradientBalancer, Uncertainty, balancers, group

HEADS = ["edges", "depth", "mask", "age"]
MEMBERS = ["depth", "age"]
ROWS = [1, 3]
SETTINGS = {
    "scheduled": {"courses": {"age": {"name": "linear", "lr": 1.0}}},
    "fixed": {"factors": {"age": 0.5}},
    "uncertainty": {"kinds": {"depth": "regression"}},
}
GRADIENTS = [
    name for name in balancers.names() if issubclass(balancers.get(name), GradientBalancer)
]


def pair(name):
    """A balancer of the two heads alone, and one of them as a group."""
    alone, whole = (balancers.create(name, **SETTINGS.get(name, {})) for _ in range(2))
    grouped = group(whole, MEMBERS)
    alone.begin(MEMBERS, 8, 2)
    grouped.begin(HEADS, 8, 2)
    return alone, grouped


@pytest.mark.parametrize("name", balancers.names())
def test_the_members_are_balanced_as_if_alone(name):
    """Over several updates: weights, gradients at parameters, factors at features, and states."""
    alone, grouped = pair(name)
    assert grouped.needs == alone.needs
    rng = np.random.default_rng(0)
    for update in range(6):
        weights = grouped.weights(update)
        assert weights == {"edges": 1.0, "mask": 1.0, **alone.weights(update)}
        losses = dict(zip(HEADS, rng.uniform(0.1, 2.0, 4).tolist()))
        members = {head: losses[head] for head in MEMBERS}
        gradients = rng.normal(size=(4, 6)).astype(np.float32)
        if alone.needs != "nothing":
            grouped.observe(losses)
            alone.observe(members)
        if isinstance(alone, GradientBalancer):
            assert grouped.compares(update) == alone.compares(update)
            if alone.is_independent:
                parts = rng.normal(size=(2, 4, 6)).astype(np.float32)
                grouped.observe_parts(*parts)
                alone.observe_parts(*parts[:, ROWS])
            expected = alone.combine(gradients[ROWS]) + gradients[0] + gradients[2]
            np.testing.assert_allclose(grouped.combine(gradients), expected, rtol=1e-5, atol=1e-6)
            grouped.observe(losses)
            alone.observe(members)
            gram = gradients.astype(np.float64) @ gradients.T.astype(np.float64)
            factors = grouped.factors(gram)
            np.testing.assert_array_equal(factors[ROWS], alone.factors(gram[np.ix_(ROWS, ROWS)]))
            assert factors[[0, 2]].tolist() == [1.0, 1.0]
            present = ["edges", "depth", "age"]
            expected = [1.0, *alone.last_factors(["depth", "age"])]
            assert grouped.last_factors(present)[[0, 1, 3]].tolist() == expected
            assert grouped.last_factors(present)[2] == 0
        if alone.needs_losses_after:
            grouped.observe_after(losses)
            alone.observe_after(members)
        if update % 2:
            grouped.end_epoch()
            alone.end_epoch()
        assert grouped.state_dict() == alone.state_dict()
    arrays = alone.state_arrays()
    assert set(grouped.state_arrays()) == set(arrays)
    _, again = pair(name)
    again.load_state_dict(grouped.state_dict())
    again.load_state_arrays(arrays)
    assert again.weights(6) == grouped.weights(6)


def test_learned_weights_are_of_the_members():
    _, grouped = pair("uncertainty")
    values = {f"{head}_log_variance": 0.7 for head in MEMBERS}
    weights = grouped.weights_now(0, values.__getitem__)
    assert weights["depth"] == pytest.approx(0.5 * np.exp(-0.7))
    assert weights["edges"] == weights["mask"] == 1.0


@pytest.mark.parametrize("name", GRADIENTS)
def test_an_update_without_members_is_a_plain_sum(name):
    _, grouped = pair(name)
    gradients = np.zeros((4, 3), np.float32)
    gradients[0], gradients[2] = [1, 2, 3], [-4, 1, 1]
    grouped.observe({"edges": 1.0, "mask": 2.0})
    np.testing.assert_allclose(grouped.combine(gradients), [-3, 3, 4])
    assert grouped.factors(gradients @ gradients.T).tolist() == [1, 0, 1, 0]


def test_what_is_not_finite_names_its_head_also_outside_of_the_group():
    _, grouped = pair("dwa")
    with pytest.raises(TrainingDiverged, match="'edges'"):
        grouped.observe({"edges": np.nan, "age": 1.0})
    _, grouped = pair("cagrad")
    with pytest.raises(TrainingDiverged, match="edges"):
        grouped.factors(np.diag([np.inf, 1.0, 1.0, 1.0]))


@pytest.mark.parametrize("heads", [["a", "a"], "ab", [], ["a"], [1, 2], None])
def test_a_group_is_a_list_of_different_heads(heads):
    with pytest.raises(ConfigError, match="CAGrad balances some heads"):
        group(CAGrad(), heads)


def test_mistakes_are_refused():
    with pytest.raises(ConfigError, match="one balancer"):
        group(group(CAGrad(), MEMBERS), MEMBERS)
    with pytest.raises(ConfigError, match="one balancer"):
        group("cagrad", MEMBERS)
    with pytest.raises(ConfigError, match="'dept'") as error:
        group(CAGrad(), ["dept", "age"]).begin(HEADS)
    assert "did you mean 'depth'" in str(error.value)
    _, grouped = pair("dwa")
    with pytest.raises(CheckpointError):
        grouped.load_state_dict({"other": 1})


def test_a_checkpoint_identifies_heads_and_settings():
    texts = {
        stable_repr(group(CAGrad(c=c), members))
        for c in (0.4, 0.5)
        for members in (["a", "b"], ["a", "c"])
    }
    assert len(texts) == 4
    assert stable_repr(group(CAGrad(), ["a", "b"])) in texts


def heads(tiny):
    return [tiny.Brightness("a"), tiny.Brightness("b", weight=0.5), tiny.Brightness("c")]


@pytest.mark.parametrize(
    "balance",
    [
        group(CAGrad(at="features"), ["a", "b"]),
        group(CAGrad(), ["a", "b"]),
        group(Uncertainty(), ["a", "b"]),
    ],
    ids=["features", "parameters", "learned"],
)
def test_a_training_with_a_group(tiny, balance):
    """The head that is left out learns with its plain weight; one step of plain descent."""

    def step(balance):
        network = df.Network(tiny.Backbone(), heads(tiny))
        history = df.fit(
            network,
            tiny.loader(network, 4, 4, workers=0),
            balance=balance,
            updates=1,
            engine="torch",
            optimizer="sgd",
            progress=False,
            schedule=df.Constant(0.01),
        )
        return tiny.values(network), history

    plain, _ = step(None)
    grouped, _ = step(balance)
    for key in ("c_fc_weight", "c_fc_bias"):
        np.testing.assert_allclose(grouped[key], plain[key], rtol=1e-6, atol=1e-7)
    learned = {key for key in grouped if key not in plain}
    is_learned = isinstance(balance.balancer, Uncertainty)
    assert learned == ({"a_log_variance", "b_log_variance"} if is_learned else set())
    if not is_learned:
        assert any(not np.array_equal(plain[key], grouped[key]) for key in plain)
