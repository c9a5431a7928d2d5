"""Initializers by MXNet's names: what a variable is filled with at first.

Their text, `dumps()`, is the same as MXNet's, and stands in the JSON of a graph.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError

_registered: dict[str, Callable[..., Initializer]] = {}


class InitDesc(str):
    """Name of a parameter, with its attributes.

    Args:
        name: its name.
        attrs: attributes of the variable.
        global_init: initializer of the network.
    """

    attrs: Mapping[str, str]
    global_init: Any

    def __new__(
        cls, name: str, attrs: Mapping[str, str] | None = None, global_init: Any = None
    ) -> InitDesc:
        """Make the text of the name."""
        desc = super().__new__(cls, name)
        desc.attrs, desc.global_init = attrs or {}, global_init
        return desc


class Initializer:
    """Base class: subclasses implement `draw`, or MXNet's `_init_weight(name, array)`.

    Args:
        settings: as in `dumps`.
    """

    def __init__(self, **settings: Any) -> None:
        self._kwargs = settings

    def dumps(self) -> str:
        """Text of the initializer.

        >>> Normal(0.5).dumps()
        '["normal", {"sigma": 0.5}]'
        """
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """Draw the values of a weight.

        Args:
            name: name of the parameter.
            shape: its shape.
            rng: generator to draw from.
        """
        array = np.zeros(shape, np.float32)
        self._init_weight(name, array)
        return array

    def _init_weight(self, name: str, arr: np.ndarray) -> None:
        raise NotImplementedError(f"{type(self).__name__} fills no weight: implement draw")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Initializer):
            return NotImplemented
        return type(self) is type(other) and self._kwargs == other._kwargs

    def __hash__(self) -> int:
        return hash(self.dumps())

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self._kwargs.items())
        return f"{type(self).__name__}({settings})"


def register(klass: Any) -> Any:
    """Register a class, so that variables may name it."""
    _registered[klass.__name__.lower()] = klass
    return klass


def alias(*names: str) -> Callable[[Any], Any]:
    """Register a class by further names."""

    def enter(klass: Any) -> Any:
        _registered.update(dict.fromkeys(map(str.lower, names), klass))
        return klass

    return enter


def create(initializer: Any, **settings: Any) -> Initializer:
    """Make an initializer of its name, its text, or itself.

    Raises:
        ConfigError: the name is unknown, or the settings do not fit.
    """
    if isinstance(initializer, Initializer):
        return initializer
    try:
        if initializer.startswith("["):
            initializer, settings = json.loads(initializer)
        return _registered[initializer.lower()](**settings)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"Unknown initializer {initializer!r:.200}",
            expected=f"a name of {', '.join(sorted(_registered))}, or the text of one",
            received=f"{type(error).__name__}: {error}",
        ) from error


@register
@alias("zeros")
class Zero(Initializer):
    """Zeros."""

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        return np.zeros(shape)


@register
@alias("ones")
class One(Initializer):
    """Ones."""

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        return np.ones(shape)


@register
class Constant(Initializer):
    """One value, or an array of them.

    Args:
        value: a number or an array.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value=value if np.isscalar(value) else np.asarray(value).tolist())

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        return np.broadcast_to(np.asarray(self._kwargs["value"], np.float64), shape)


@register
class Uniform(Initializer):
    """Uniform between -scale and scale.

    Args:
        scale: bound of the values.
    """

    def __init__(self, scale: float = 0.07) -> None:
        super().__init__(scale=scale)

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        scale = self._kwargs["scale"]
        return rng.uniform(-scale, scale, shape)


@register
class Normal(Initializer):
    """Normal with mean 0.

    Args:
        sigma: standard deviation.
    """

    def __init__(self, sigma: float = 0.01) -> None:
        super().__init__(sigma=sigma)

    def draw(self, name: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """See the class."""
        return rng.normal(0, self._kwargs["sigma"], shape)
