"""Balancers of gradients against TorchJD's aggregators, on random and degenerate matrices.

TorchJD's MGDA takes a limited number of Frank-Wolfe steps, and its Nash-MTL needs solvers that are
not installed: `test_mgda.py` and `test_nash_mtl.py` compare these with the papers' conditions.
"""

import itertools

import numpy as np
import pytest

from densefit.train.balance import balancers

torch = pytest.importorskip("torch")
aggregation = pytest.importorskip("torchjd.aggregation")
linalg = pytest.importorskip("torchjd.linalg")

rng = np.random.default_rng(0)
MATRICES = {
    "two": rng.normal(size=(2, 5)),
    "three": rng.normal(size=(3, 6)),
    "conflicting": rng.normal(size=(4, 8)) - 1.5 * np.eye(4, 8),
    "of different lengths": rng.normal(size=(3, 6)) * [[1e-2], [1.0], [1e2]],
    "parallel": np.outer([1.0, 2.0, 0.5], rng.normal(size=6)),
    "orthogonal": np.diag([1.0, 2.0, 3.0]),
    "dependent": rng.normal(size=(4, 2)) @ rng.normal(size=(2, 6)),
    "opposite": np.array([[1.0, 2.0, -1.0], [-1.0, -2.0, 1.0]]),
    "opposite and a third": np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "zero gradient": np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [-0.5, 1.0, 1.0]]),
    "one": rng.normal(size=(1, 5)),
}


class ByEnumeration(linalg.DualConeProjector):
    """The least `v.G.v` with v >= u, by trying each set of coordinates that are at the bound."""

    def __call__(self, us, gram):
        if us.dim() > 1:
            return torch.stack([self(u, gram) for u in us])
        u, gram = us.numpy().astype(float), gram.numpy().astype(float)
        best = u
        for bound in itertools.product([True, False], repeat=len(u)):
            free = ~np.array(bound)
            inverse = np.linalg.pinv(gram[np.ix_(free, free)])
            v = u.copy()
            v[free] = -inverse @ (gram[np.ix_(free, ~free)] @ u[~free])
            if (v >= u - 1e-9).all() and v @ gram @ v < best @ gram @ best:
                best = v
        return torch.as_tensor(best)


def reference(name, matrix, **settings):
    """What TorchJD makes of a matrix, without rows of zeros."""
    return getattr(aggregation, name)(**settings)(torch.as_tensor(matrix)).numpy()


def combined(name, matrix, **settings):
    balancer = balancers.create(name, **settings)
    balancer.begin([f"head{number}" for number in range(len(matrix))])
    return balancer.combine(matrix)


def present(matrix):
    return matrix[(matrix != 0).any(axis=1)]


def projector():
    return {"projector": ByEnumeration()}


# name -> TorchJD's name, its settings, ours, factor on TorchJD's result for n heads
SAME = {
    "imtl_g": ("IMTLG", {}, {}, lambda n: n),
    "aligned_mtl": ("AlignedMTL", {}, {}, lambda n: n),
    "aligned_mtl/median": (
        "AlignedMTL",
        {"scale_mode": "median"},
        {"scale": "median"},
        lambda n: n,
    ),
    "aligned_mtl/mean": ("AlignedMTL", {"scale_mode": "rmse"}, {"scale": "mean"}, lambda n: n),
    "config": ("ConFIG", {}, {}, lambda n: 1),
    "upgrad": ("UPGrad", projector, {}, lambda n: n),
    "dualproj": ("DualProj", projector, {}, lambda n: n),
}
#: Where no direction is distinguished, both follow rounding errors.
UNDEFINED = {("config", "opposite"), ("imtl_g", "opposite")}


@pytest.mark.parametrize("case", MATRICES)
@pytest.mark.parametrize("name", SAME)
def test_it_is_torchjds(name, case):
    theirs, settings, own, factor = SAME[name]
    if (name, case) in UNDEFINED:
        assert np.abs(combined(name, MATRICES[case])).max() < 1e-6
        return
    matrix = MATRICES[case]
    settings = settings() if callable(settings) else settings
    rows = present(matrix)
    expected = factor(len(rows)) * reference(theirs, rows, **settings)
    found = combined(name.partition("/")[0], matrix, **own)
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("case", ["two", "three", "conflicting", "orthogonal", "dependent"])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.0])
def test_fairgrad_has_torchjds_direction(case, alpha):
    matrix = MATRICES[case]
    expected = reference("FairGrad", matrix, alpha=alpha, max_iters=10000)
    found = combined("fairgrad", matrix, alpha=alpha)
    cosine = found @ expected / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 1 - 1e-4


def test_mgda_has_torchjds_limit():
    for case in ("two", "three", "conflicting", "zero gradient"):
        rows = present(MATRICES[case])
        expected = len(rows) * reference("MGDA", rows, epsilon=1e-9, max_iters=20000)
        found = combined("mgda", MATRICES[case])
        np.testing.assert_allclose(found, expected, atol=2e-2 * np.abs(rows).max(), err_msg=case)
        assert np.linalg.norm(found) <= np.linalg.norm(expected) * (1 + 1e-6)


@pytest.mark.parametrize(
    "case", ["two", "three", "conflicting", "of different lengths", "opposite"]
)
def test_gradvac_is_torchjds_update_by_update(case, monkeypatch):
    matrix = MATRICES[case]
    names = [f"head{number}" for number in range(len(matrix))]
    balancer = balancers.create("gradvac", beta=0.25, seed=1)
    balancer.begin(names)
    theirs = aggregation.GradVac(beta=0.25)
    noise = np.random.default_rng(2)
    from densefit.train.balance.gradients.gradvac import STREAM
    from densefit.train.balance.gradients.pcgrad import drawn_orders

    for update in range(4):
        rows = matrix + 0.2 * noise.normal(size=matrix.shape)
        orders = drawn_orders(names, names, (1, update, STREAM))
        draws = iter(
            [torch.tensor([o - (o > head) for o in order]) for head, order in enumerate(orders)]
        )
        monkeypatch.setattr(torch, "randperm", lambda count, draws=draws: next(draws))
        expected = theirs(torch.as_tensor(rows)).numpy()
        np.testing.assert_allclose(balancer.combine(rows), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", ["two", "three", "conflicting", "opposite", "parallel"])
@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_graddrop_is_torchjds_with_the_same_draws(case, leak, monkeypatch):
    from densefit.train.balance.gradients.graddrop import with_drawn_signs

    matrix = MATRICES[case]
    draws = np.random.default_rng(3).random(matrix.shape[1])
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.as_tensor(draws))
    leaks = torch.full((len(matrix),), leak, dtype=torch.float64)
    expected = reference("GradDrop", matrix, leak=leaks)
    np.testing.assert_allclose(
        with_drawn_signs(matrix, draws, leak), expected, rtol=1e-5, atol=1e-6
    )
