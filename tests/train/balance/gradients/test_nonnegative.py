import sys

import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.train.balance import MGDA, DualProj, UPGrad
from densefit.train.balance.gradients.nonnegative import nonnegative_least_squares


@pytest.mark.parametrize("balancer", [MGDA, UPGrad, DualProj])
def test_without_scipy_the_package_is_named(monkeypatch, balancer):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ConfigError, match=r"(?s)SciPy.*densefit\[balance\]"):
        balancer()


def test_it_is_the_least_over_all_sets_of_zeros():
    rng = np.random.default_rng(1)
    for _ in range(20):
        matrix, target = rng.normal(size=(4, 3)), rng.normal(size=4)
        best = np.inf
        for zeros in range(8):
            free = [n for n in range(3) if not zeros >> n & 1]
            x = np.zeros(3)
            x[free] = np.linalg.lstsq(matrix[:, free], target, rcond=None)[0]
            if (x >= 0).all():
                best = min(best, np.linalg.norm(matrix @ x - target))
        found = nonnegative_least_squares(matrix, target)
        assert np.linalg.norm(matrix @ found - target) == pytest.approx(best)
