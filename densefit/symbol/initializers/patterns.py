"""Initializers that depend on the name of the parameter: Mixed, Load."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError


class Mixed:
    """The initializer of the first pattern that matches the beginning of a name.

    Args:
        patterns: regular expressions.
        initializers: an initializer for each.
    """

    def __init__(self, patterns: Sequence[str], initializers: Sequence[Any]) -> None:
        if len(patterns) != len(initializers):
            raise ConfigError(
                "Mixed takes an initializer for each pattern",
                received=f"{len(patterns)} patterns, {len(initializers)} initializers",
            )
        self.map = list(zip(map(re.compile, patterns), initializers))

    def choose(self, name: str) -> Any:
        """The initializer of a name.

        Raises:
            ConfigError: no pattern matches.
        """
        for pattern, initializer in self.map:
            if pattern.match(name):
                return initializer
        raise ConfigError(
            f"No pattern of Mixed matches {name!r:.200}",
            expected=", ".join(pattern.pattern for pattern, _ in self.map),
            fix='add ".*" as the last pattern',
        )


class Load:
    """Values of a file or a dict; other parameters from another initializer.

    Args:
        param: name, with or without `arg:` or `aux:` -> array.
        default_init: initializer of parameters that are not among them.
        verbose: accepted for compatibility.
    """

    def __init__(
        self, param: Mapping[str, Any], default_init: Any = None, verbose: bool = False
    ) -> None:
        if not isinstance(param, Mapping):
            raise ConfigError(
                "Load takes a dict of arrays",
                received=repr(param)[:200],
                fix="_, arguments, states = df.load_mxnet(prefix, epoch)",
            )
        self.param = {re.sub("^(arg|aux):", "", name): value for name, value in param.items()}
        self.default_init, self.verbose = default_init, verbose

    def value(self, name: str, shape: Sequence[int]) -> np.ndarray:
        """The array of a name.

        Raises:
            ConfigError: it has another shape.
        """
        value = self.param[name]
        array = np.asarray(value.asnumpy() if hasattr(value, "asnumpy") else value)
        if array.shape != tuple(shape):
            raise ConfigError(
                f"The loaded value of {name!r:.200} has another shape",
                expected=tuple(shape),
                received=array.shape,
            )
        return array
