"""Balancers of independent micro-batches against TorchJD's weightings, and in a training."""

import numpy as np
import pytest

import densefit as df
from densefit.errors import ConfigError
from densefit.train.balance import GradientBalancer, MoDo, SDMGrad, balancers
from tests.train.test_balancing import HEADS, Values

rng = np.random.default_rng(0)
MATRICES = {
    "two": rng.normal(size=(2, 5)),
    "conflicting": rng.normal(size=(4, 8)) - 1.5 * np.eye(4, 8),
    "parallel": np.outer([1.0, 2.0, 0.5], rng.normal(size=6)),
    "opposite": np.array([[1.0, 2.0, -1.0], [-1.0, -2.0, 1.0]]),
}


@pytest.mark.parametrize("case", MATRICES)
@pytest.mark.parametrize("name", ["MoDo", "SDMGrad"])
def test_weights_are_torchjds(case, name):
    torch = pytest.importorskip("torch")
    aggregation = pytest.importorskip("torchjd.aggregation")
    theirs = getattr(aggregation, f"{name}Weighting")(**({"gamma": 0.05} if name == "MoDo" else {}))
    balancer = MoDo(gamma=0.05) if name == "MoDo" else SDMGrad()
    matrix = MATRICES[case]
    balancer.begin([f"head{number}" for number in range(len(matrix))])
    noise = np.random.default_rng(3)
    for _ in range(4):
        first, rest = (matrix + 0.4 * noise.normal(size=matrix.shape) for _ in range(2))
        weights = theirs(torch.as_tensor(first @ rest.T)).numpy()
        balancer.observe_parts(first, rest)
        found = balancer.combine(first + rest)
        expected = len(matrix) * weights @ (first + rest)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["modo", "sdmgrad"])
def test_a_head_in_one_part_alone_moves_no_weight(name):
    balancer = balancers.create(name)
    balancer.begin(["a", "b", "c"])
    rows = rng.normal(size=(3, 5))
    without = rows * np.array([[1], [1], [0]])
    balancer.observe_parts(rows, without)
    weights = balancer.state_dict()["weights"]
    assert weights["c"] == pytest.approx(1 / 3)
    assert weights["a"] != weights["b"]
    assert sum(weights.values()) == pytest.approx(1)
    pair = balancers.create(name)
    pair.begin(["a", "b"])
    pair.observe_parts(rows[:2], without[:2])
    expected = pair.state_dict()["weights"]
    assert weights["a"] == pytest.approx(expected["a"] * 2 / 3)


class Watch(GradientBalancer):
    """Equal weights, and a record of the gradients."""

    def __init__(self):
        super().__init__()
        self._seen = []

    def observe_parts(self, first, rest):
        self._seen += [first, rest]

    def combine(self, gradients):
        if not self.is_independent:
            self._seen.append(gradients.copy())
        return super().combine(gradients)

    def _factors(self, gram, heads):
        return np.ones(len(gram))


class WatchParts(Watch):
    is_independent = True


@pytest.mark.parametrize("engine", [pytest.param("mxnet", marks=pytest.mark.mxnet), "torch"])
def test_parts_are_the_mean_gradients_of_the_micro_batches(tiny, engine, monkeypatch):
    """As if each were an update, also where one has fewer labels."""
    monkeypatch.setattr("densefit.data.loader.loader_facts.check_labelled", lambda *_: {})

    class Own(tiny.Brightness):
        def __init__(self, name):
            super().__init__(name)
            self.targets = (name,)

        def encode(self, sample):
            return {"value": np.array(sample.targets[self.name], np.float32)}

    def seen(watch, **settings):
        network = df.Network(tiny.Backbone(), [Own(name) for name in HEADS])
        data = df.Loader(
            Values(4, {3: ["one"]}), batch_size=2, heads=network.heads, workers=0, shuffle=False
        )
        schedule = df.Constant(1e-12)
        df.fit(
            network,
            data,
            balance=watch,
            engine=engine,
            progress=False,
            schedule=schedule,
            **settings,
        )
        return watch._seen

    apart = seen(Watch(), updates=2)
    together = seen(WatchParts(), updates=1, accumulate=2)
    assert len(apart) == len(together) == 2
    for one, two in zip(apart, together):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5 * np.abs(one).max())


@pytest.mark.parametrize("name", ["modo", "sdmgrad"])
def test_one_micro_batch_is_refused(tiny, name):
    network = df.Network(tiny.Backbone(), [tiny.Brightness("a"), tiny.Brightness("b")])
    with pytest.raises(ConfigError, match=r"accumulate=1[^|]*accumulate=2 with half the batch"):
        df.fit(network, tiny.loader(network, 4, 2, workers=0), balance=name, updates=1)
