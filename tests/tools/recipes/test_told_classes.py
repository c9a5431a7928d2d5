"""Class lists beside `classes` that a head is told: they are those of a mixture's numbers."""

from __future__ import annotations

import pytest

import densefit as df
from densefit.datasets import Shapes
from densefit.errors import ConfigError
from densefit.tools.recipes.recipe_heads import check_classes


def test_things_in_another_order_are_refused():
    mixture = df.Mixture({"a": Shapes(3, size=(48, 60)), "b": Shapes(3, size=(48, 60))})
    things = list(mixture.classes)
    classes = list(mixture.mask_classes)
    check_classes(df.head("panoptic", classes=classes, things=things), mixture, True)
    turned = df.head("panoptic", classes=classes, things=things[::-1])
    with pytest.raises(ConfigError, match="things of the head"):
        check_classes(turned, mixture, True)
