"""The `param.locals` of callbacks: Module.fit passes its local variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from densefit.backend import mx
from densefit.errors import ConfigError
from densefit.interop.parameters import ndarray_copies
from densefit.model.output_names import short_name

_PARAMS = ("arg_params", "aux_params")


class ModuleLocals(dict[str, Any]):
    """A dict that reads "arg_params" and "aux_params" on first access.

    Args:
        params: returns (arg_params, aux_params).
        values: the other entries.
    """

    def __init__(self, params: Callable[[], tuple[Any, Any]], values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._params = params

    def __missing__(self, key: str) -> Any:
        if key not in _PARAMS:
            raise KeyError(f"{key!r} is none of the values that callbacks get: {sorted(self)}")
        self.update(zip(_PARAMS, self._params()))
        return self[key]

    def __contains__(self, key: object) -> bool:
        return key in _PARAMS or super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default."""
        return self[key] if key in self else default


class TrainedModule:
    """View of the mx.mod.Module in training, with the outputs of the last batch of any shape.

    Args:
        learner: engine of the training.
    """

    def __init__(self, learner: Any) -> None:
        self._learner = learner

    def get_outputs(self, merge_multi_context: bool = True) -> Any:
        """Return the outputs of the last batch, like Module.get_outputs."""
        if self._learner.name == "mxnet":
            return self._learner.computed.get_outputs(merge_multi_context)
        return [mx.nd.array(output) for output in self._learner.outputs().values()]

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return copies of the current parameters, like Module.get_params."""
        network = self._learner.network
        return ndarray_copies(network.parameters), ndarray_copies(network.statistics)

    def set_params(
        self, arg_params: Mapping[str, Any], aux_params: Mapping[str, Any] | None, **how: Any
    ) -> None:
        """Replace some of the parameters in training, like Module.set_params."""
        learner = self._learner
        network = learner.network
        learner.parameters.load(
            {**network.parameters, **arg_params},
            {**network.statistics, **(aux_params or {})},
            "set_params",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._learner.module, name)


class ScoredModule(TrainedModule):
    """View of the Module in training, with the outputs of a validation batch.

    Args:
        learner: engine of the training.
        outputs: short name -> rows without padding, for the outputs that metrics use.
    """

    def __init__(self, learner: Any, outputs: Mapping[str, Any]) -> None:
        super().__init__(learner)
        self._measured = outputs

    def get_outputs(self, merge_multi_context: bool = True) -> Any:
        """Return the outputs of the last batch.

        Raises:
            ConfigError: an output was not computed.
        """
        names = self._learner.network.symbol.list_outputs()
        missing = [name for name in names if short_name(name) not in self._measured]
        if missing:
            raise ConfigError(
                "A validation computes the outputs that are measured alone",
                expected=f"all of {names}",
                received=f"none of {missing}",
                fix="eval_metric=... computes all outputs; or give df.fit an mx.mod.Module",
            )
        outputs = [mx.nd.array(self._measured[short_name(name)]) for name in names]
        return outputs if merge_multi_context else [[output] for output in outputs]
