"""Refuse parameters that do not fit a graph, before it is bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densefit.errors import BindError


def check_parameters(
    shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, Any], heads: Sequence[str]
) -> None:
    """Raise BindError for a parameter of a shape that does not fit the symbol."""
    for name, value in values.items():
        if name in shapes and tuple(value.shape) != tuple(shapes[name]):
            raise BindError(
                f"The parameter {name!r} has another shape than the symbol needs",
                expected=tuple(shapes[name]),
                received=tuple(value.shape),
                where=f"heads {', '.join(heads)}",
                fix="was it trained for another number of classes?",
            )


def check_complete(
    shapes: Mapping[str, tuple[int, ...]], inputs: Iterable[str], values: Mapping[str, Any]
) -> None:
    """Raise BindError for a parameter that has no value.

    Args:
        shapes: shapes of the graph's arguments and auxiliary states.
        inputs: names of the arguments that are no parameters.
        values: values of parameters by name.
    """
    free = set(inputs)
    lacking = [name for name in shapes if name not in free and name not in values]
    if lacking:
        raise BindError(
            "arg_params and aux_params lack parameters of the symbol",
            expected={name: shapes[name] for name in lacking},
            received=f"{len(values)} arrays",
            fix="fit(..., allow_missing=True) initialises them",
        )


def check_same_parameters(
    bound_shapes: Mapping[str, tuple[int, ...]],
    inferred: Mapping[str, tuple[int, ...]],
    inputs: Iterable[str],
    shapes: Mapping[str, tuple[int, ...]],
    where: str,
) -> None:
    """Raise BindError if a batch of other shapes changes the shape of a parameter.

    Args:
        bound_shapes: shapes of arguments and auxiliary states as bound.
        inferred: the same, inferred from the batch.
        inputs: names of the arguments that are no parameters.
        shapes: shapes of the batch.
        where: description of the data, for error messages.
    """
    free = set(inputs)
    for name, shape in inferred.items():
        if name not in free and shape != bound_shapes[name]:
            raise BindError(
                f"A batch of these shapes would need a parameter {name!r} of another shape",
                expected=bound_shapes[name],
                received=f"{shape} for {dict(shapes)}",
                where=where,
                fix="give all batches the same shape, or let the symbol reduce what varies "
                "(a global Pooling) before a FullyConnected",
            )
