"""Settings of a node: their text in the JSON, and a check of names and values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.symbol.builder.operators import Operator

#: Attributes that MXNet writes as `__name__`, and reads by both names.
HIDDEN = ("ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage", "profiler_scope")


class _Plain:
    """A numpy scalar in a tuple, written as numpy 1 does: 3, not np.int64(3)."""

    def __init__(self, value: np.generic) -> None:
        self._text = str(value)

    def __repr__(self) -> str:
        return self._text


def text_of(value: Any) -> str:
    """Text of a setting.

    >>> text_of((3, np.int64(3))), text_of(True), text_of(0.1)
    ('(3, 3)', 'True', '0.1')
    """
    return str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(
            _Plain(item) if isinstance(item, np.generic) else _plain(item) for item in value
        )
    return value


def dtype_text(dtype: Any) -> str:
    """Name of a numpy dtype; bfloat16 may be a structured one, as in MXNet."""
    if dtype == "bfloat16":
        return "bfloat16"
    described = np.dtype(dtype)
    return described.names[0] if described.names else described.name


def hidden_name(key: str) -> str:
    """Name of an attribute in the JSON."""
    return f"__{key}__" if key in HIDDEN else key


def with_short_names(attrs: Mapping[str, str]) -> dict[str, str]:
    """Attributes with the hidden ones by both names."""
    short = {name: attrs[f"__{name}__"] for name in HIDDEN if f"__{name}__" in attrs}
    return {**attrs, **short}


def node_attributes(operator: Operator, settings: Mapping[str, Any]) -> dict[str, str]:
    """Attributes of a node from the settings of a call.

    Raises:
        ConfigError: a setting is unknown, missing, or has an impossible value.
    """
    attrs: dict[str, str] = {}
    for key, value in settings.items():
        for name in HIDDEN:
            if key.endswith(name) and key != name and not key.startswith("__"):
                raise ConfigError(
                    f"{key} is an attribute of a variable",
                    where=operator.name,
                    fix=f"w = Variable(..., {name}={value}), and {key[: -len(name) - 1]}=w",
                )
        attrs[hidden_name(key)] = text_of(value)
    if not operator.is_open:
        check_settings(operator, attrs)
    return attrs


def check_settings(operator: Operator, attrs: Mapping[str, str]) -> None:
    """Raise ConfigError for a setting that is unknown, missing or impossible."""
    parameters = operator.parameters
    if not parameters:  # MXNet parses none, and takes all
        return
    for key, value in attrs.items():
        if key.startswith("__") and key.endswith("__"):
            continue
        if key not in parameters and key != operator.counter:
            raise ConfigError(
                f"The operator {operator.name} has no setting {key!r}",
                expected=", ".join(parameters),
                received=f"{key}={value}",
            )
        if key in parameters and not _fits(parameters[key], value):
            raise ConfigError(
                f"The operator {operator.name} cannot have this {key}",
                expected=parameters[key],
                received=value,
            )
    for key, kind in parameters.items():
        if "required" in kind and key not in attrs:
            raise ConfigError(
                f"The operator {operator.name} needs {key}",
                expected=f"{key}: {kind}",
                received=", ".join(f"{name}={value}" for name, value in attrs.items()) or "none",
            )


@lru_cache(maxsize=10000)
def _fits(kind: str, text: str) -> bool:
    """Whether a text is a value of a type, in MXNet's words."""
    if text == "None":
        return "None" in kind or kind.startswith(("Shape", "tuple"))
    if kind.startswith("{"):
        choices = kind[1 : kind.index("}")].split(",")
        return text in [choice.strip().strip("'") for choice in choices]
    if kind.startswith("boolean"):
        return text.lower() in ("true", "false", "0", "1")
    if kind.startswith(("int", "long")):
        return _parses(int, text) and (int(text) >= 0 or "non-negative" not in kind)
    if kind.startswith(("float", "double")):
        return _parses(float, text)
    if kind.startswith(("Shape", "tuple")):
        return _parses(ast.literal_eval, text)
    return True


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except (ValueError, SyntaxError):
        return False
    return True
