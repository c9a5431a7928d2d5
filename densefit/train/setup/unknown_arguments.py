"""Arguments that `fit` does not have, and what they are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError

#: What other loops call the arguments of `fit`.
_ELSEWHERE = {
    "num_epoch": "epochs",
    "eval_data": "validation",
    "train_data": "train",
    "force_init": "arg_params (given parameters count without it)",
    "force_rebind": "nothing: a training binds for itself",
    "lr": "optimizer_params={'learning_rate': ...}",
    "learning_rate": "optimizer_params={'learning_rate': ...}",
    "context": "devices",
    "ctx": "devices",
}


def check_unknown(others: Mapping[str, Any]) -> None:
    """Raise ConfigError for arguments that `fit` does not have."""
    for name in others:
        raise ConfigError(
            f"fit has no argument {name!r}",
            fix=f"here it is {_ELSEWHERE[name]}; docs/from-module-fit.md has all of Module.fit's"
            if name in _ELSEWHERE
            else "help(df.fit) has its arguments",
        )
