import numpy as np
import pytest

from densefit.errors import ConfigError
from densefit.tools.predicting.selection import Selection


class Head:
    name, classes = "boxes", ("cat", "dog")


PREDICTION = {
    "boxes": np.arange(12, dtype=np.float32).reshape(3, 4),
    "scores": np.array([0.3, 0.9, 0.5], np.float32),
    "classes": np.array([0, 1, 0]),
    "masks": ["a", "b", "c"],
}


@pytest.mark.parametrize(
    ("selection", "masks"),
    [
        (Selection(), ["a", "b", "c"]),
        (Selection(threshold=0.3), ["a", "b", "c"]),  # as float32, 0.3 is a little more
        (Selection(threshold=0.31), ["b", "c"]),
        (Selection(classes=["cat"]), ["a", "c"]),
        (Selection(most=2), ["b", "c"]),
        (Selection(0.4, ["cat"], 1), ["c"]),
        (Selection(1.0), []),
    ],
)
def test_objects_are_selected_with_all_that_belongs_to_them(selection, masks):
    selected = selection(Head, PREDICTION)
    assert selected["masks"] == masks
    rows = ["abc".index(mask) for mask in masks]
    for name in ("boxes", "scores", "classes"):
        np.testing.assert_array_equal(selected[name], PREDICTION[name][rows])


def test_maps_and_probabilities_stay_whole():
    mask = np.zeros((2, 2), np.uint8)
    assert Selection(0.9, ["cat"])(Head, mask) is mask


@pytest.mark.parametrize(
    ("selection", "said"),
    [(Selection(2.0), "0 to 1"), (Selection(most=0), "count"), (Selection(classes=["dgo"]), "dog")],
)
def test_what_selects_nothing_is_an_error(selection, said):
    with pytest.raises(ConfigError, match=said):
        selection.check([Head])
    Selection(0.5, ["dog"], 3).check([Head])
