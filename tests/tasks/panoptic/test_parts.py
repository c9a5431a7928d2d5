"""Names of heads inside a head, and the merger of both."""

import numpy as np

from densefit.data.sample import Geometry
from densefit.model.tta.view_merger import Predictions
from densefit.tasks.panoptic.parts import PartsMerger, add_prefixes, strip_prefix


def test_parts_have_back_what_they_gave():
    parts = {"a": {"x": 1, "b_x": 2}, "b": {"x": 3, "y": 4}}
    whole = add_prefixes(parts)
    assert len(whole) == 4
    assert {part: strip_prefix(part, whole) for part in parts} == parts


class Given:
    """An array that is on the device."""

    def __init__(self, value):
        self.value = value

    def asnumpy(self):
        return np.array(self.value)


def test_each_part_merges_its_own_outputs():
    def merger(factor):
        return Predictions(
            lambda outputs, geometries: [factor * outputs["x"]], lambda found, views: sum(found)
        )

    both = PartsMerger({"a": merger(1), "b": merger(100)}, lambda found: found["a"] + found["b"])
    view = Geometry.identity(4, 4)
    for value in (1, 2):
        both.add({"a_x": Given(value), "b_x": Given(10 * value)}, view)
    assert both.result() == 3 + 3000
