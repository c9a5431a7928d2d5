"""Arguments of Module.fit, as a metric head and a callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from densefit import adapters
from densefit.backend import mx
from densefit.callbacks.callback import Callback
from densefit.errors import ConfigError
from densefit.interop.eval_metric import copied, created
from densefit.interop.module.fit_callback import ModuleFit
from densefit.interop.module.head_adapter import ModuleHead, module_head
from densefit.model.heads.adapter import HeadAdapter
from densefit.model.network import Network

_EVAL_METRIC = "acc"  # default of Module.fit
_CALLBACKS = ("batch_end", "epoch_end", "eval_batch_end", "eval_end")


class ModuleArguments:
    """Adapters and callbacks from Module.fit's arguments, for `fit` and `score`.

    Args:
        arguments: arguments by their names in Module.fit, and "score_metric", the metric of
            Module.score; None values are ignored.
        network: network in training.
        model: the user's model: a Module, Symbol, Network...
        seen: full names of the outputs that metrics get; None: all.
        evaluated: see `ModelInput`.

    Attributes:
        adapters: additional head adapters with metrics, by name.
        callbacks: callbacks to run after the user's.

    Raises:
        ConfigError: a callback cannot be called, or the metrics do not fit the network.
    """

    def __init__(
        self,
        arguments: Mapping[str, Any],
        network: Network,
        model: Any = None,
        seen: Sequence[str] | None = None,
        evaluated: Callable[[int, Any], None] | None = None,
    ) -> None:
        stated = {name: value for name, value in arguments.items() if value is not None}
        callbacks = {name: _listed(name, stated) for name in _CALLBACKS}
        adapter: ModuleHead | None = None
        if "eval_metric" in stated or "validation_metric" in stated:
            adapter = module_head(
                network,
                stated.get("eval_metric", _EVAL_METRIC),
                stated.get("validation_metric"),
                train_shown=bool(callbacks["batch_end"]),
                validation_shown=bool(callbacks["eval_batch_end"]),
                seen=seen,
            )
        elif "score_metric" in stated:
            metric = created(stated["score_metric"])
            adapter = module_head(network, copied(metric), metric, seen=seen)
        self.adapters: dict[str, HeadAdapter] = {} if adapter is None else {adapter.name: adapter}
        module = model if isinstance(model, mx.mod.BaseModule) else None
        self._fit = ModuleFit(
            adapter,
            **callbacks,
            monitor=stated.get("monitor"),
            model=module,
            evaluated=evaluated,
        )
        self.callbacks: list[Callback] = [self._fit] if stated else []

    def attach(self, learner: Any, scorer: Any, train: Any) -> None:
        """Follow a training before it starts; see `ModuleFit.attach`."""
        if self.callbacks:
            self._fit.attach(learner, scorer, train)


@adapters.module_arguments.register(lambda arguments: isinstance(arguments, Mapping))
def _of_arguments(
    arguments: Mapping[str, Any], network: Network, model: Any = None, **more: Any
) -> ModuleArguments:
    return ModuleArguments(arguments, network, model, **more)


def _listed(kind: str, arguments: Mapping[str, Any]) -> list[Any]:
    """Return the functions of an argument, which is a function or a list of functions."""
    name = f"{kind}_callback"
    value = arguments.get(name, [])
    functions = list(value) if isinstance(value, (list, tuple)) else [value]
    for function in functions:
        if not callable(function):
            raise ConfigError(
                f"{name} is called after each {kind[: -len('_end')].replace('_', ' ')}",
                expected="a function, or a list of functions",
                received=f"{function!r:.200}",
                where=name,
            )
    return functions
