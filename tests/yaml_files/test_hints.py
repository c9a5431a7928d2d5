"""Types of a dataclass's fields."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from densefit.yaml_files.hints import hints_of


@dataclass
class Size:
    height: int | None
    names: list[str]


def test_texts_are_evaluated_once_and_cannot_be_changed():
    assert hints_of(Size) == {"height": int | None, "names": list[str]}
    assert hints_of(Size) is hints_of(Size)
    with pytest.raises(TypeError):
        hints_of(Size)["height"] = int
