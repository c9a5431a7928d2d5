"""The functions of `sym.random`: numbers as parameters, or Symbols of parameters."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from densefit.symbol.builder.functions import UNSET, function
from densefit.symbol.builder.symbol import Symbol


def _draw(kind: str, parameters: list[Any], settings: dict[str, Any]) -> Symbol:
    """Draw with numbers, or for each entry of Symbols.

    Args:
        kind: name of the distribution.
        parameters: all numbers or all Symbols.
        settings: shape, dtype, name...
    """
    for kinds, prefix in ((Symbol, "_sample_"), (Number, "_random_")):
        if all(isinstance(value, kinds) for value in parameters):
            return function(f"{prefix}{kind}")(*parameters, **settings)
    raise ValueError(
        f"Distribution parameters must be either Symbols or numbers, but got {parameters}"
    )


def _distribution(kind: str, **defaults: float) -> Callable[..., Symbol]:
    """A function of a distribution's parameters, shape, dtype and the settings of a layer."""
    names = [*defaults, "shape", "dtype"]

    def draw(*args: Any, **settings: Any) -> Symbol:
        settings = {**dict(zip(names, args)), **settings}
        parameters = [settings.pop(name, default) for name, default in defaults.items()]
        return _draw(kind, parameters, settings)

    draw.__name__, draw.__doc__ = kind, f"Draw from {kind}({', '.join(defaults)})."
    return draw


uniform = _distribution("uniform", low=0, high=1)
normal = _distribution("normal", loc=0, scale=1)
poisson = _distribution("poisson", lam=1)
gamma = _distribution("gamma", alpha=1, beta=1)
negative_binomial = _distribution("negative_binomial", k=1, p=1)
generalized_negative_binomial = _distribution("generalized_negative_binomial", mu=1, alpha=1)


def randn(*shape: int, **settings: Any) -> Symbol:
    """Draw from a normal distribution; the sizes are positional."""
    return normal(shape=shape or UNSET, **settings)


def exponential(scale: Any = 1, shape: Any = UNSET, dtype: Any = UNSET, **settings: Any) -> Symbol:
    """Draw from an exponential distribution of a scale."""
    return _draw("exponential", [1.0 / scale], {"shape": shape, "dtype": dtype, **settings})


def multinomial(
    data: Symbol, shape: Any = UNSET, get_prob: bool = True, dtype: Any = "int32", **settings: Any
) -> Symbol:
    """Draw classes from rows of probabilities."""
    return function("_sample_multinomial")(data, shape, get_prob, dtype=dtype, **settings)


def shuffle(data: Symbol, **settings: Any) -> Symbol:
    """Shuffle the first axis."""
    return function("_shuffle")(data, **settings)


def randint(low: int, high: int, shape: Any = UNSET, dtype: Any = UNSET, **settings: Any) -> Symbol:
    """Draw whole numbers from low to high - 1."""
    return function("_random_randint")(low, high, shape=shape, dtype=dtype, **settings)
