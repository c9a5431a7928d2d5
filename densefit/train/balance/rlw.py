"""Random loss weighting."""

from __future__ import annotations

import numpy as np

from densefit.train.balance.balancer import Balancer, balancers, check_number

STREAM = 1  # separates these draws from others of the same (seed, update)


@balancers.register("rlw")
class RLW(Balancer):
    """Random weights in each update: softmax of normal draws, times the number of heads.

    Lin, Ye, Zhang and Tsang, Reasonable Effectiveness of Random Weighting, TMLR 2022,
    arXiv:2111.10603. There the weights, like equal ones, add up to 1; here to the number of
    heads. They are a function of (seed, update) and the heads' names, so a resume needs no state.
    An absent head does not change the draws of the others.

    Args:
        seed: seed of the draws, 0 or more.
    """

    cost = "free"

    def __init__(self, seed: int = 0) -> None:
        check_seed(seed, "RLW")
        self.seed = seed

    def weights(self, update: int) -> dict[str, float]:
        names = sorted(self.heads)
        draws = np.random.default_rng((self.seed, update, STREAM)).standard_normal(len(names))
        drawn = dict(zip(names, len(names) * softmax(draws)))
        return {head: float(drawn[head]) for head in self.heads}


def check_seed(seed: object, where: str) -> None:
    """Raise ConfigError unless a seed is a whole number of 0 or more."""
    whole = isinstance(seed, int)
    check_number("seed", seed, "a whole number, 0 or more", lambda s: whole and s >= 0, where)


def softmax(values: np.ndarray) -> np.ndarray:
    """Compute the softmax of (n,) values without overflow.

    >>> softmax(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    powers = np.exp(values - np.max(values))
    return np.asarray(powers / powers.sum())
