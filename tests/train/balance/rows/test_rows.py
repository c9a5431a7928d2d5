"""Balancers with arrays against TorchJD and the papers' formulas in numpy, update by update."""

import numpy as np
import pytest

from densefit.errors import CheckpointError, ConfigError
from densefit.train.balance import DBMTL, ExcessMTL, MoCo

rng = np.random.default_rng(0)
MATRICES = {
    "three": rng.normal(size=(3, 6)),
    "conflicting": rng.normal(size=(4, 8)) - 1.5 * np.eye(4, 8),
    "parallel": np.outer([1.0, 2.0, 0.5], rng.normal(size=6)),
    "opposite": np.array([[1.0, 2.0, -1.0], [-1.0, -2.0, 1.0]]),
}
every_matrix = pytest.mark.parametrize("case", MATRICES)
MAKERS = {
    "db_mtl": lambda: DBMTL(beta=0.5),
    "moco": lambda: MoCo(gamma=0.01),
    "excess_mtl": lambda: ExcessMTL(lr=0.3),
}
every_balancer = pytest.mark.parametrize("name", MAKERS)


def begun(balancer, count):
    balancer.begin([f"head{number}" for number in range(count)])
    return balancer


def updates(case, count=5):
    """(losses, gradients) of a few updates that differ."""
    noise = np.random.default_rng(2)
    matrix = MATRICES[case]
    for _ in range(count):
        gradients = matrix + 0.3 * noise.normal(size=matrix.shape)
        yield noise.uniform(0.2, 3, len(matrix)), gradients.astype(np.float32)


def observe(balancer, losses):
    balancer.observe(dict(zip(balancer.heads, losses.tolist())))


@every_matrix
@pytest.mark.parametrize("warmup", [1, 3])
def test_excess_mtl_is_torchjds(case, warmup):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchjd.aggregation").ExcessMTL(0.3, n_warmup_steps=warmup)
    balancer = begun(ExcessMTL(lr=0.3, warmup=warmup), len(MATRICES[case]))
    for _, gradients in updates(case):
        expected = len(gradients) * theirs(torch.as_tensor(gradients.astype(float))).numpy()
        np.testing.assert_allclose(balancer.combine(gradients), expected, rtol=1e-4, atol=1e-4)
    assert len(set(balancer.state_dict()["weights"].values())) > 1


@every_matrix
def test_db_mtl_is_the_papers_formula_at_the_scale_of_the_sum(case):
    balancer = begun(DBMTL(beta=0.9, sigma=0.5), len(MATRICES[case]))
    averages = None
    for step, (losses, gradients) in enumerate(updates(case), 1):
        of_logarithms = gradients / losses[:, None]
        share = 0.9 / step**0.5
        averages = of_logarithms if step == 1 else share * averages + (1 - share) * of_logarithms
        lengths = np.linalg.norm(averages, axis=1)
        expected = (averages * (lengths.max() / lengths)[:, None]).sum(axis=0)
        expected *= len(losses) / (1 / losses).sum()
        observe(balancer, losses)
        np.testing.assert_allclose(balancer.combine(gradients), expected, rtol=1e-4, atol=1e-5)


def projected(point):
    """The nearest point on the simplex, by bisection of what is subtracted."""
    low, high = point.min() - 1, point.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(point - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(point - high, 0)


@every_matrix
def test_moco_is_the_papers_formula(case):
    gamma, rho, count = 0.02, 0.1, len(MATRICES[case])
    balancer = begun(MoCo(beta=0.4, gamma=gamma, rho=rho), count)
    w, averages = np.full(count, 1 / count), None
    for _, gradients in updates(case):
        averages = gradients if averages is None else averages + 0.4 * (gradients - averages)
        w = projected(w - gamma * (averages @ averages.T + rho * np.eye(count)) @ w)
        expected = count * w @ averages
        np.testing.assert_allclose(balancer.combine(gradients), expected, rtol=1e-4, atol=1e-5)
    assert w.max() - w.min() > 1e-3


@every_balancer
def test_absent_heads_are_as_if_they_were_not_there(name):
    """From the first update on: the present heads' direction is that of a training without it."""
    whole, without = begun(MAKERS[name](), 3), MAKERS[name]()
    without.begin(["head0", "head2"])
    for losses, gradients in updates("three"):
        gradients[1] = 0
        for balancer, rows in ((whole, [0, 1, 2]), (without, [0, 2])):
            seen = {f"head{row}": float(losses[row]) for row in rows if row != 1}
            balancer.observe(seen)
            balancer.combined = balancer.combine(gradients[rows])
        np.testing.assert_allclose(whole.combined, without.combined, rtol=1e-5, atol=1e-6)


@every_balancer
def test_an_absent_head_keeps_its_array_and_weight(name):
    balancer = begun(MAKERS[name](), 3)
    for losses, gradients in updates("three", 3):
        observe(balancer, losses)
        balancer.combine(gradients)
    arrays, weights = balancer.state_arrays(), balancer.state_dict().get("weights", {})
    losses, gradients = next(updates("conflicting"))
    gradients = gradients[:3, :6].copy()
    gradients[1] = 0
    balancer.observe({"head0": 1.0, "head2": 2.0})
    balancer.combine(gradients)
    after = balancer.state_arrays()
    changed = [key for key, array in arrays.items() if (array != after[key]).any()]
    assert changed == [key for key in arrays if not key.endswith("head1")]
    assert balancer.state_dict().get("weights", {}).get("head1") == weights.get("head1")


@every_balancer
def test_another_number_of_parameters_begins_anew(name):
    """As after `unfreeze`."""
    balancer, new = (begun(MAKERS[name](), 3) for _ in range(2))
    for losses, gradients in updates("three", 2):
        observe(balancer, losses)
        balancer.combine(gradients)
    gradients = np.random.default_rng(8).normal(size=(3, 9)).astype(np.float32)
    for each in (balancer, new):
        observe(each, np.array([1.0, 2.0, 3.0]))
    if name == "moco":  # whose weights are of the heads, not of the parameters
        assert balancer.combine(gradients).shape == (9,)
    else:
        np.testing.assert_array_equal(balancer.combine(gradients), new.combine(gradients))


@every_balancer
def test_arrays_of_others_are_refused(name):
    with pytest.raises(CheckpointError, match=r"(average|squares)/head2[^|]*head9"):
        begun(MAKERS[name](), 3).load_state_arrays({"average/head9": np.zeros(3, np.float32)})


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (DBMTL, {"beta": 1.0}),
        (DBMTL, {"sigma": -1}),
        (MoCo, {"beta": 0}),
        (MoCo, {"gamma": 0}),
        (ExcessMTL, {"lr": 0}),
        (ExcessMTL, {"warmup": 0}),
    ],
)
def test_settings_out_of_range_are_refused(make, settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        make(**settings)


def test_db_mtl_without_losses_says_what_is_missing():
    with pytest.raises(ConfigError, match="observe"):
        begun(DBMTL(), 2).combine(np.eye(2, dtype=np.float32))
