"""Unknown arguments of `fit`, and their present names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError

#: Names of `fit`'s arguments in other training loops.
_ELSEWHERE = {
    "num_epoch": "epochs",
    "eval_data": "validation",
    "train_data": "train",
    "force_init": "arg_params (given parameters count without it)",
    "force_rebind": "nothing: a training binds for itself",
    "learning_rate": "lr",
    "context": "devices",
    "ctx": "devices",
}


def renamed_argument(arguments: dict[str, Any], former: str, name: str) -> Any:
    """Take an argument under its former name, with a DeprecationWarning.

    Args:
        arguments: unknown arguments of `fit`; the former name is removed.
        former: the former name.
        name: the present name.
    """
    warnings.warn(f"fit({former}=...) is now called {name}", DeprecationWarning, stacklevel=3)
    return arguments.pop(former)


def check_unknown(arguments: Mapping[str, Any]) -> None:
    """Raise ConfigError for arguments that `fit` does not have."""
    for name in arguments:
        raise ConfigError(
            f"fit has no argument {name!r}",
            fix=f"here it is {_ELSEWHERE[name]}; docs/from-module-fit.md has all of Module.fit's"
            if name in _ELSEWHERE
            else "help(df.fit) has its arguments",
        )
