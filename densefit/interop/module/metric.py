"""Module.fit's `eval_metric` as a densefit metric."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError
from densefit.interop.eval_metric import copied, created, name_of, named, parts_of, reset
from densefit.interop.metrics import LegacyMetric, declared_direction


class ModuleMetric(LegacyMetric):
    """Adapter of an mx EvalMetric that receives all outputs and labels by name, as from Module.

    `update` takes two mappings: full output name -> array, and label name -> array. They are
    passed to `EvalMetric.update_dict` as CPU NDArrays; `output_names` and `label_names` of the
    metric select among them. Values come from `get_global_name_value`: they cover the epoch even
    after `reset_local`, except for metrics without global sums.

    Args:
        metric: an argument of `mx.metric.create`.
        exposed: second metric object, with the same updates, which MXNet's callbacks receive and
            may reset; values are read from `metric`. None: callbacks receive `metric` itself.
    """

    def __init__(self, metric: Any, exposed: Any = None) -> None:
        self.metric = created(metric)
        self.exposed = self.metric if exposed is None else exposed
        self.name = name_of(self.metric)
        self.higher_is_better = declared_direction(self.metric)
        self.primary = next(iter(self.compute()), self.name)

    def fresh(self) -> ModuleMetric:
        metric = copied(self.metric)
        return ModuleMetric(metric, None if self.exposed is self.metric else copied(metric))

    def reset(self) -> None:
        self._updated = False
        for metric in self._objects():
            with named(metric, "reset"):
                reset(metric)

    def update(self, predictions: Any, targets: Any, ids: Sequence[str]) -> None:
        if not len(ids):
            return
        outputs, labels = _by_name(predictions), _by_name(targets)
        self._updated = True
        for metric in self._objects():
            with named(metric, "update", labels, outputs):
                metric.update_dict(labels, outputs)

    def compute(self) -> dict[str, float]:
        """Return the values by name; repeated names get "_2", "_3"..."""
        seen: Counter[str] = Counter()
        numbers: dict[str, float] = {}
        for name, value in self.pairs():
            seen[name] += 1
            numbers[name if seen[name] == 1 else f"{name}_{seen[name]}"] = value
        return numbers

    def prefers_high(self, key: str) -> bool:
        """Return the direction of a value; in a composite, of the child of that name."""
        for part in parts_of(self.metric):
            if key.startswith(name_of(part)):
                return declared_direction(part)
        return self.higher_is_better

    def state_dict(self) -> dict[str, Any]:
        kinds = [type(part).__name__ for part in parts_of(self.metric)]
        return {**super().state_dict(), "kinds": kinds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        kinds = [type(part).__name__ for part in parts_of(self.metric)]
        if state.get("kinds", kinds) != kinds:
            raise CheckpointError(
                "The sums of the epoch so far are of another eval_metric",
                expected=", ".join(kinds),
                received=", ".join(map(str, state["kinds"])),
                fix="go on with the same metric, or from the end of an epoch",
            )
        super().load_state_dict(state)
        if self.exposed is not self.metric:
            ModuleMetric(self.exposed).load_state_dict(state)

    def _objects(self) -> list[Any]:
        return [self.metric] if self.exposed is self.metric else [self.metric, self.exposed]


def check_names(metric: Any, outputs: Sequence[str]) -> list[str]:
    """Return the labels that a metric selects by name.

    Args:
        metric: an mx EvalMetric.
        outputs: full names of the symbol's outputs.

    Raises:
        ConfigError: the metric selects an output that the symbol does not have.
    """
    labels: dict[str, None] = {}
    for part in parts_of(metric):
        if type(part).update_dict is not mx.metric.EvalMetric.update_dict:
            continue  # an overridden update_dict may use the names differently
        for name in part.output_names or ():
            if name not in outputs:
                raise ConfigError(
                    f"The metric {name_of(part)!r} names the output {name!r}, which the symbol "
                    "does not have",
                    expected=f"of {', '.join(outputs)}",
                    received=f"output_names={part.output_names}",
                )
        labels.update(dict.fromkeys(part.label_names or ()))
    return list(labels)


def _by_name(arrays: Mapping[str, Any]) -> OrderedDict[str, Any]:
    return OrderedDict((name, _on_cpu(array)) for name, array in arrays.items())


def _on_cpu(array: Any) -> Any:
    if isinstance(array, mx.nd.NDArray):
        return array.as_in_context(mx.cpu())
    array = np.asarray(array)
    # Explicit dtype: MXNet would convert everything to float32.
    return mx.nd.array(array, mx.cpu(), np.uint8 if array.dtype == np.bool_ else array.dtype)
