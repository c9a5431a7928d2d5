"""Random numbers, from PyTorch's generators: MXNet's distributions, other numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of

Tensor = torch.Tensor


def _uniform(low: Tensor, high: Tensor) -> Tensor:
    return low + (high - low) * torch.rand_like(low)


def _normal(mean: Tensor, deviation: Tensor) -> Tensor:
    return mean + deviation * torch.randn_like(mean)


def _gamma(shape: Tensor, scale: Tensor) -> Tensor:
    return shape if shape.is_meta else torch._standard_gamma(shape) * scale


def _exponential(rate: Tensor) -> Tensor:
    return -torch.log1p(-torch.rand_like(rate)) / rate


def _poisson(mean: Tensor) -> Tensor:
    return mean if mean.is_meta else torch.poisson(mean)


def _negative_binomial(failures: Tensor, probability: Tensor) -> Tensor:
    return _poisson(_gamma(failures, (1 - probability) / probability))


def _generalized(mean: Tensor, alpha: Tensor) -> Tensor:
    """Poisson numbers whose mean is of a gamma distribution; alpha 0 for a fixed mean."""
    spread = alpha.clamp(min=1e-12)
    return _poisson(torch.where(alpha > 0, _gamma(1 / spread, mean * spread), mean))


#: Name -> (what draws, settings and their defaults).
_DRAWS: dict[str, tuple[Callable[..., Tensor], dict[str, float]]] = {
    "uniform": (_uniform, {"low": 0.0, "high": 1.0}),
    "normal": (_normal, {"loc": 0.0, "scale": 1.0}),
    "gamma": (_gamma, {"alpha": 1.0, "beta": 1.0}),
    "exponential": (_exponential, {"lam": 1.0}),
    "poisson": (_poisson, {"lam": 1.0}),
    "negative_binomial": (_negative_binomial, {"k": 1.0, "p": 1.0}),
    "generalized_negative_binomial": (_generalized, {"mu": 1.0, "alpha": 1.0}),
}


def _kind(attrs: Attributes) -> str:
    name = attrs.node.op.removeprefix("_random_").removeprefix("random_")
    return name.removeprefix("_sample_").removeprefix("sample_").removesuffix("_like")


@operator(*(f"{prefix}{name}" for name in _DRAWS for prefix in ("_random_", "random_")))
@operator("uniform", "normal")
def random(attrs: Attributes) -> Compute:
    """Numbers of one distribution in a shape."""
    draw, defaults = _DRAWS[_kind(attrs)]
    settings = [attrs.number(name, default) for name, default in defaults.items()]
    shape, dtype = attrs.wholes("shape", (1,)), dtype_of(attrs)

    def compute(run: Any) -> Any:
        filled = [torch.full(shape, value, device=run.device) for value in settings]
        return draw(*filled).to(dtype)

    return compute


@operator(*(f"_random_{name}_like" for name in _DRAWS))
def random_like(attrs: Attributes) -> Compute:
    """Numbers of one distribution in the shape and dtype of the input."""
    draw, defaults = _DRAWS[_kind(attrs)]
    settings = [attrs.number(name, default) for name, default in defaults.items()]

    def compute(run: Any, data: Any) -> Any:
        like = data.detach()
        return draw(*(torch.full_like(like, value) for value in settings))

    return compute


@operator(*(f"{prefix}{name}" for name in _DRAWS for prefix in ("_sample_", "sample_")))
def sample(attrs: Attributes) -> Compute:
    """Numbers of one distribution per entry of the inputs, each in a shape; no gradient."""
    draw, _ = _DRAWS[_kind(attrs)]
    shape = attrs.wholes("shape", ())

    def compute(run: Any, *parameters: Any) -> Any:
        size = (*parameters[0].shape, *shape)
        spread = [
            parameter.detach().reshape(*parameter.shape, *(1 for _ in shape)).expand(size)
            for parameter in parameters
        ]
        return draw(*(parameter.contiguous() for parameter in spread))

    return compute


@operator("_random_randint", "random_randint")
def randint(attrs: Attributes) -> Compute:
    """Whole numbers from low to high - 1."""
    low, high = attrs.whole("low"), attrs.whole("high")
    shape, dtype = attrs.wholes("shape", (1,)), dtype_of(attrs, "int32")
    return lambda run: torch.randint(low, high, shape, device=run.device).to(dtype)


@operator("_sample_multinomial", "sample_multinomial")
def multinomial(attrs: Attributes) -> Compute:
    """Classes by their probabilities (..., K), each row in a shape; with `get_prob` their log."""
    shape, has_log = attrs.wholes("shape", ()), attrs.flag("get_prob")
    dtype = dtype_of(attrs, "int32")

    def compute(run: Any, data: Any) -> Any:
        rows = data.reshape(-1, data.shape[-1])
        count = 1
        for length in shape:
            count *= length
        if data.is_meta:
            index = torch.zeros(len(rows), count, dtype=torch.int64, device=data.device)
        else:
            index = torch.multinomial(rows.detach(), count, replacement=True)
        size = (*data.shape[:-1], *shape) or (1,)
        classes = index.reshape(size).to(dtype)
        if not has_log:
            return classes
        return classes, torch.log(rows.gather(1, index)).reshape(size)

    return compute


@operator("_shuffle", "shuffle")
def shuffle(attrs: Attributes) -> Compute:
    """Rows in a random order."""

    def compute(run: Any, data: Any) -> Any:
        return data[torch.randperm(data.shape[0], device=data.device)]

    return compute
