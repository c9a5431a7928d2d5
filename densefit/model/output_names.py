"""Names of a symbol's outputs, with and without MXNet's suffix."""

from __future__ import annotations


def short_name(output: str) -> str:
    """MXNet's output name without its `_output` suffix.

    >>> short_name("age_output"), short_name("age")
    ('age', 'age')
    """
    return output[: -len("_output")] if output.endswith("_output") else output
