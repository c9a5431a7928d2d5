"""Random numbers, from torch's generator of the device; MXNet draws others from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of

Draw = Callable[..., Any]


def _uniform(low: Any, high: Any) -> Any:
    return low + (high - low) * torch.rand_like(low)


def _normal(loc: Any, scale: Any) -> Any:
    return loc + scale * torch.randn_like(loc)


def _gamma(alpha: Any, beta: Any) -> Any:
    """Shape and scale; torch takes the rate."""
    return torch._standard_gamma(alpha) * beta


def _exponential(lam: Any) -> Any:
    return torch.empty_like(lam).exponential_() / lam


def _poisson(lam: Any) -> Any:
    return torch.poisson(lam)


def _negative_binomial(count: Any, success: Any) -> Any:
    return torch.poisson(_gamma(count, (1 - success) / success))


def _generalized(mu: Any, alpha: Any) -> Any:
    """Mean and dispersion; a Poisson distribution where the dispersion is 0."""
    spread = torch.where(alpha == 0, 1.0, alpha)
    rate = torch.where(alpha == 0, mu, _gamma(1 / spread, mu * spread))
    return torch.poisson(rate)


#: MXNet's name -> (draw from parameters of the shape of the result, parameters with defaults).
_DISTRIBUTIONS: dict[str, tuple[Draw, dict[str, float]]] = {
    "uniform": (_uniform, {"low": 0.0, "high": 1.0}),
    "normal": (_normal, {"loc": 0.0, "scale": 1.0}),
    "gamma": (_gamma, {"alpha": 1.0, "beta": 1.0}),
    "exponential": (_exponential, {"lam": 1.0}),
    "poisson": (_poisson, {"lam": 1.0}),
    "negative_binomial": (_negative_binomial, {"k": 1.0, "p": 1.0}),
    "generalized_negative_binomial": (_generalized, {"mu": 1.0, "alpha": 1.0}),
}


def _enter(name: str, draw: Draw, defaults: dict[str, float]) -> None:
    extra = (name,) if name in ("uniform", "normal") else ()

    @operator(f"_random_{name}", f"random_{name}", *extra)
    def make(attrs: Attributes) -> Compute:
        numbers = [attrs.number(key, default) for key, default in defaults.items()]
        shape = attrs.wholes("shape", (1,)) or (1,)
        dtype = dtype_of(attrs)

        def compute(run: Any) -> Any:
            return draw(*[torch.full(shape, n, device=run.device) for n in numbers]).to(dtype)

        return compute

    @operator(f"_random_{name}_like")
    def make_like(attrs: Attributes) -> Compute:
        numbers = [attrs.number(key, default) for key, default in defaults.items()]
        return lambda run, x: draw(*[torch.full_like(x, n) for n in numbers])

    @operator(f"_sample_{name}", f"sample_{name}")
    def make_samples(attrs: Attributes) -> Compute:
        """As many numbers as `shape` says for each element of the parameters."""
        shape = attrs.wholes("shape", ()) if attrs.optional("shape") else ()
        dtype = dtype_of(attrs)

        def compute(run: Any, *parameters: Any) -> Any:
            sizes = (*parameters[0].shape, *shape)
            spread = [p.reshape(*p.shape, *[1] * len(shape)).expand(sizes) for p in parameters]
            return draw(*[p.detach().contiguous() for p in spread]).to(dtype)

        return compute


for _name, (_draw, _defaults) in _DISTRIBUTIONS.items():
    _enter(_name, _draw, _defaults)


@operator("_random_randint", "random_randint")
def randint(attrs: Attributes) -> Compute:
    """Whole numbers from low to below high."""
    low, high = attrs.whole("low"), attrs.whole("high")
    shape, dtype = attrs.wholes("shape", (1,)) or (1,), dtype_of(attrs, "int32")
    return lambda run: torch.randint(low, high, shape, dtype=dtype, device=run.device)


@operator("_sample_multinomial", "sample_multinomial")
def multinomial(attrs: Attributes) -> Compute:
    """Indices drawn by the probabilities of each row; with `get_prob` also their logarithms."""
    shape = attrs.wholes("shape", ()) if attrs.optional("shape") else ()
    with_logarithm, dtype = attrs.flag("get_prob"), dtype_of(attrs, "int32")
    count = 1
    for size in shape:
        count *= size

    def compute(run: Any, p: Any) -> Any:
        rows = p.reshape(-1, p.shape[-1])
        index = torch.multinomial(rows.detach(), count, replacement=True)
        sizes = (*p.shape[:-1], *shape) or (1,)
        drawn = index.reshape(sizes).to(dtype)
        return (drawn, rows.gather(1, index).log().reshape(sizes)) if with_logarithm else drawn

    return compute


@operator("_shuffle", "shuffle")
def shuffle(attrs: Attributes) -> Compute:
    """Permute the first axis."""
    return lambda run, x: x[torch.randperm(len(x), device=x.device)]
