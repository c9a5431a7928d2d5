"""What callbacks read in `param.locals`: Module.fit gives them its local variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Dict  # noqa: UP035 - a base class at run time on Python 3.9

from densefit.backend import mx

_PARAMS = ("arg_params", "aux_params")


class ModuleLocals(Dict[str, Any]):  # noqa: UP006 - Python 3.9
    """A dict whose "arg_params" and "aux_params" are read when they are asked for.

    Args:
        params: gives (arg_params, aux_params).
        values: the other entries.
    """

    def __init__(self, params: Callable[[], tuple[Any, Any]], values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._params = params

    def __missing__(self, key: str) -> Any:
        if key not in _PARAMS:
            raise KeyError(key)
        self.update(zip(_PARAMS, self._params()))
        return self[key]

    def __contains__(self, key: object) -> bool:
        return key in _PARAMS or super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        return self[key] if key in self else default


class TrainedModule:
    """The mx.mod.Module in training, with the outputs of the last batch whatever its shape.

    Args:
        learner: of the training.
    """

    def __init__(self, learner: Any) -> None:
        self._learner = learner

    def get_outputs(self, merge_multi_context: bool = True) -> Any:
        """Outputs of the last batch, as Module.get_outputs gives them."""
        return self._learner.computed.get_outputs(merge_multi_context)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._learner.module, name)


def data_batch(batch: Any) -> Any:
    """A fed batch as an mx.io.DataBatch; None for none."""
    if batch is None:
        return None
    return mx.io.DataBatch(
        list(batch.data.values()), list(batch.label.values()), pad=batch.rows - batch.real
    )
