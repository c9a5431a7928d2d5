"""Initial values of parameters, drawn by numpy."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.symbol.initializers.descriptions import InitDesc, Initializer, create
from densefit.symbol.initializers.layers import He
from densefit.symbol.initializers.patterns import Load, Mixed

#: End of a parameter's name -> its value, whatever the initializer of the network.
_ENDS = {"bias": 0.0, "gamma": 1.0, "beta": 0.0, "mean": 0.0, "var": 1.0, "min": 0.0, "max": 1.0}


def values(
    name: str,
    shape: Sequence[int],
    seed: int = 0,
    initializer: Any = None,
    attrs: Mapping[str, str] | None = None,
) -> np.ndarray:
    """Draw the initial value of a parameter, float32, from the seed and its name alone.

    The variable's own initializer comes first. Then, as in MXNet, biases, betas and means are
    0, gammas and variances 1.

    Args:
        name: name of the parameter.
        shape: its shape.
        seed: seed of the initial values.
        initializer: of the network: densefit's, MXNet's, the name or text of one, or a callable
            (name, array) that fills the array; None for `He`.
        attrs: attributes of the variable.

    Raises:
        ConfigError: the initializer is unknown, or has no value for the parameter.

    >>> float(values("fc_weight", (1000, 20), initializer="uniform").max()) < 0.07
    True
    >>> values("fc_bias", (2,))
    array([0., 0.], dtype=float32)
    """
    rng = np.random.default_rng(np.random.SeedSequence(_words(name, seed)))
    described = (attrs or {}).get("__init__")
    array = _draw(InitDesc(name, attrs), tuple(shape), rng, initializer, described)
    return np.array(array, np.float32).reshape(tuple(shape))


def _words(name: str, seed: int) -> list[int]:
    digest = hashlib.sha256(str(name).encode()).digest()
    return [seed % 2**32, *np.frombuffer(digest, "<u4").tolist()]


def _draw(
    desc: InitDesc,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    initializer: Any,
    described: str | None,
) -> np.ndarray:
    if described:
        return create(described).draw(desc, shape, rng)
    chosen = as_initializer(initializer)
    if isinstance(chosen, Mixed):
        return _draw(desc, shape, rng, chosen.choose(desc), None)
    if isinstance(chosen, Load):
        if desc in chosen.param:
            return chosen.value(desc, shape)
        return _draw(desc, shape, rng, chosen.default_init, None)
    if not isinstance(chosen, Initializer):
        return _filled(chosen, desc, shape, rng)
    for end, number in _ENDS.items():
        if desc.endswith(end):
            return np.full(shape, number)
    if not desc.endswith("weight"):
        raise ConfigError(
            f"The initializer has no value for {str(desc)!r}",
            expected="a name that ends in weight, bias, gamma or beta",
            fix="sym.Variable(name, init=init.Zero()), or another initializer",
        )
    return chosen.draw(desc, shape, rng)


def as_initializer(initializer: Any) -> Any:
    """Make densefit's initializer of MXNet's, or of a name; other callables are returned.

    Raises:
        ConfigError: an unknown name, or an object that is not an initializer.
    """
    if initializer is None:
        return He()
    if isinstance(initializer, (Initializer, Mixed, Load)):
        return initializer
    if isinstance(initializer, str):
        return create(initializer)
    if type(initializer).__name__ == "Mixed" and hasattr(initializer, "map"):
        patterns, chosen = zip(*initializer.map)
        return Mixed([pattern.pattern for pattern in patterns], list(chosen))
    if type(initializer).__name__ == "Load" and hasattr(initializer, "param"):
        return Load(initializer.param, initializer.default_init)
    if hasattr(initializer, "dumps"):
        try:
            return create(initializer.dumps())
        except ConfigError:
            pass  # a user's subclass, which fills an array
    if not callable(initializer):
        raise ConfigError("This is not an initializer", received=repr(initializer)[:200])
    return initializer


def _filled(
    fill: Callable[..., Any], desc: InitDesc, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """The array that a user's function fills; it may draw from Python's and numpy's generators."""
    array = np.zeros(shape, np.float32)
    with _seeded(int(rng.integers(2**31))):
        try:
            fill(desc, array)
        except Exception as error:
            raise ConfigError(
                f"The initializer {fill!r:.100} fills no numpy array: {error}",
                expected="a function (name, array) that sets array[:]",
                where=str(desc),
                fix="an initializer of densefit.symbol.init, or a class with `draw`",
            ) from error
    return array


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's and numpy's generators in a block, and restore them."""
    states = random.getstate(), np.random.get_state()
    try:
        random.seed(seed)
        np.random.seed(seed)
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
