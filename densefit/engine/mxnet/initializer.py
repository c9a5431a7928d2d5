"""Initial values of parameters."""

from __future__ import annotations

import hashlib
import random
import re
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.engine.mxnet import drawn_values
from densefit.errors import ConfigError

#: Endings of names whose parameters MXNet's initializers fill with a constant, by this method.
_CONSTANT = {
    "bias": "_init_bias",
    "gamma": "_init_gamma",
    "beta": "_init_beta",
    "min": "_init_zero",
    "max": "_init_one",
}
_STATED_CONSTANT = re.compile(r'\["(zero|one|constant)s?"')  # in a variable's attribute


class He(mx.init.Xavier):  # type: ignore[misc]
    """Normal with variance 2 / fan (He et al. 2015), which keeps the scale through ReLUs.

    The fan of a convolution is its outputs, as in ResNets. The fan of a fully connected layer is
    its inputs: with few outputs, the other rule makes the first logits huge.
    """

    def __init__(self) -> None:
        super().__init__(rnd_type="gaussian", factor_type="out", magnitude=2)

    def _init_weight(self, name: Any, arr: Any) -> None:
        self.factor_type = "in" if arr.ndim == 2 else "out"
        super()._init_weight(name, arr)


drawn_values.PURE.add(He)  # its factor follows from the shape


class ByName:
    """Initialize each parameter from the seed and its name only.

    With a single random stream, adding a head would change the initial values of every
    later parameter.

    Args:
        initializer: MXNet's, or any callable of (InitDesc, NDArray); None for `He`.
        seed: seed of the initial values.
    """

    def __init__(self, initializer: Any = None, seed: int = 0) -> None:
        self.initializer = initializer or He()
        self.seed = seed

    def __call__(self, name: Any, array: Any) -> None:
        """Fill `array` with the initial value of parameter `name`; float64 gets float32's value.

        Python's and numpy's generators, which some initializers draw from, are restored;
        MXNet's, whose state cannot be read, is seeded by the loop before it is used.
        """
        if is_constant(self.initializer, name):
            self.initializer(name, array)
            return
        digest = hashlib.sha256(str(name).encode()).digest()
        words = [self.seed % 2**32, *np.frombuffer(digest, "<u4").tolist()]
        seed = int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)
        states = random.getstate(), np.random.get_state()
        try:
            self._fill(name, array, seed)
            if array.dtype == np.float64:  # MXNet draws other numbers of double precision
                single = mx.nd.zeros(array.shape, array.context)
                self._fill(name, single, seed)
                if (array.astype(np.float32) != single).max().asscalar():
                    array[:] = single.astype(np.float64)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])

    def _fill(self, name: Any, array: Any, seed: int) -> None:
        key = drawn_values.key_of(self.initializer, name, array, seed)
        if drawn_values.fill(key, array):
            return
        random.seed(seed)
        np.random.seed(seed)
        mx.random.seed(seed)
        self.initializer(name, array)
        drawn_values.store(key, array)


def is_constant(initializer: Any, name: Any) -> bool:
    """Whether an initializer surely draws no random number for a parameter.

    To seed MXNet's generators takes 2 ms, and most parameters are BatchNorm's.
    """
    base, kind = mx.init.Initializer, type(initializer)
    if not issubclass(kind, base) or kind.__call__ is not base.__call__:
        return False
    if not isinstance(name, mx.init.InitDesc):
        return False
    stated = name.attrs.get("__init__", "")
    if stated:
        return bool(_STATED_CONSTANT.match(stated))
    methods = (method for ending, method in _CONSTANT.items() if name.endswith(ending))
    return any(getattr(kind, method) is getattr(base, method) for method in methods)


def as_initializer(initializer: Any) -> Any:
    """Make an initializer of MXNet's name ("xavier"); others are returned.

    Raises:
        ConfigError: an unknown name, or an object that is not an initializer.
    """
    if isinstance(initializer, str):
        try:
            return mx.init.create(initializer)
        except (KeyError, AssertionError, TypeError, ValueError) as error:
            raise ConfigError(
                f"Unknown initializer {initializer!r}",
                expected="MXNet's name, e.g. 'xavier', or an object: mx.init.Xavier(...)",
            ) from error
    if initializer is not None and not callable(initializer):
        raise ConfigError("This is not an initializer", received=repr(initializer)[:200])
    return initializer
