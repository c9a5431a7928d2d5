"""Arguments of Module.fit where MXNet cannot be imported: none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit import adapters
from densefit.callbacks.callback import Callback
from densefit.errors import EngineError
from densefit.interop.mxnet import is_installed
from densefit.model.heads.adapter import HeadAdapter


class NoArguments:
    """Stand for `ModuleArguments` where there are none.

    Args:
        arguments: arguments by their names in Module.fit; None values are ignored.

    Raises:
        EngineError: one is not None: MXNet's metrics and callbacks need MXNet.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        stated = sorted(name for name, value in arguments.items() if value is not None)
        if stated:
            raise EngineError(
                f"{stated[0]} is an argument of MXNet's Module.fit, and MXNet cannot be imported",
                expected="metrics of heads or routes, and densefit's callbacks",
                received=", ".join(stated),
                fix='pip install "densefit[mxnet]"; or df.Route(..., metrics=[...])',
            )
        self.adapters: dict[str, HeadAdapter] = {}
        self.callbacks: list[Callback] = []

    def attach(self, learner: Any, scorer: Any, train: Any) -> None:
        """Do nothing: there is no callback that would follow the training."""


def _is_adapted(arguments: Any) -> bool:
    """Whether these are arguments, and MXNet's adapter is not there to take them."""
    return not is_installed and isinstance(arguments, Mapping)


@adapters.module_arguments.register(_is_adapted)
def _of_arguments(arguments: Mapping[str, Any], **context: Any) -> NoArguments:
    return NoArguments(arguments)
