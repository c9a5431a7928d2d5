"""Methods of Symbols that are operators: `x.reshape(...)` is `sym.reshape(x, ...)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NAMES = (
    "reshape reshape_like zeros_like ones_like broadcast_axes repeat pad swapaxes split "
    "slice slice_axis slice_like take one_hot pick sort topk argsort argmax argmax_channel argmin "
    "clip abs sign flatten shape_array size_array expand_dims broadcast_to broadcast_like tile "
    "transpose flip depth_to_space space_to_depth diag sum nansum prod nanprod mean max min norm "
    "round rint fix floor ceil trunc sin cos tan arcsin arccos arctan degrees radians sinh cosh "
    "tanh arcsinh arccosh arctanh exp expm1 log log10 log2 log1p sqrt rsqrt cbrt rcbrt square "
    "reciprocal relu sigmoid softmax log_softmax softmin"
).split()


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        from densefit.symbol.builder.functions import function

        return function(name)(self, *args, **settings)

    method.__name__, method.__doc__ = name, f"See `sym.{name}`."
    return method


class Methods:
    """Operators as methods."""

    def squeeze(self, axis: Any = None, inplace: bool = False, **settings: Any) -> Any:
        """See `sym.squeeze`."""
        from densefit.symbol.builder.functions import function

        return function("squeeze")(self, axis=axis, **settings)

    def split_v2(self: Any, *args: Any, **settings: Any) -> Any:
        """See `sym.split_v2`."""
        from densefit.symbol.builder.special import split_v2

        return split_v2(self, *args, **settings)


for _name in _NAMES:
    setattr(Methods, _name, _method(_name))
Methods.astype = _method("cast")  # type: ignore[attr-defined]
