"""MXNet as `mx`; where it cannot be imported, a stand-in whose classes have no instances.

So adapters that also take PyTorch's loaders and plain iterables run without MXNet:
`isinstance(batch, mx.io.DataBatch)` is then False.
"""

from __future__ import annotations

from typing import Any

from densefit.errors import EngineError

__all__ = ["is_installed", "mx"]


class _Absent(type):
    """A class or module of MXNet where MXNet is not; its attributes are such, too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Absent(f"{cls.__name__}.{name}", (), {})

    def __call__(cls, *args: Any, **settings: Any) -> Any:
        raise EngineError(
            f"{cls.__name__} is MXNet's, which cannot be imported",
            fix='pip install "densefit[mxnet]"',
        )


try:
    from densefit.backend import mx

    is_installed = True
except EngineError:
    mx, is_installed = _Absent("mxnet", (), {}), False
