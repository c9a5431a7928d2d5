import numpy as np
import pytest

import densefit as df
from densefit.data.cut import CutGeometry, whole
from densefit.data.sample import Geometry, LostGeometry, Sample
from densefit.errors import DataError

SIZES = [(1, 1), (7, 300), (64, 64), (65, 63), (333, 500), (1000, 31)]


def geometry(size, matrix, input_size):
    return Geometry(size, np.array(matrix, np.float64), input_size)


@pytest.mark.parametrize(
    ("size", "matrix", "shown"),
    [
        ((10, 20), [[1, 0, 0], [0, 1, 0]], 1.0),
        ((10, 20), [[1, 0, -5], [0, 1, 0]], 0.75),
        ((10, 20), [[-1, 0, 25], [0, 1, 0]], 0.75),  # mirrored
        ((10, 20), [[1, 0, 0], [0, 2, -10]], 0.5),
        ((40, 40), [[1, 0, 0], [0, 1, -10]], 0.5 * 0.25),
        ((10, 20), [[1, 0, 50], [0, 1, 0]], 0.0),
    ],
)
def test_the_share_of_a_picture_that_is_shown(size, matrix, shown):
    found = whole(geometry(size, matrix, (10, 20)), "sample 'a', head 'b'")
    assert found.size == size
    assert getattr(found, "shown", 1.0) == pytest.approx(shown)
    if shown < 1:
        with pytest.raises(
            DataError, match=rf"(?s){100 * shown:.0f} % of it.*sample 'a'.*letterbox"
        ):
            found.boxes_to_original(np.zeros((1, 4)))


@pytest.mark.parametrize("name", ["resize", "letterbox"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("target", [(64, 64), (33, 97), (1, 5)])
def test_what_is_fitted_into_the_input_is_never_cut(name, size, target):
    sample = Sample("a", np.zeros((*size, 3), np.uint8), {})
    moved = df.transform(name, height=target[0], width=target[1])(sample, np.random.default_rng(0))
    own = moved.geometry or Geometry.identity(*size)
    assert whole(own, "") is own


def test_what_is_lost_or_turned_stays_so():
    lost = LostGeometry((4, 4), (4, 4), "it was warped")
    turned = geometry((4, 4), [[0, 1, 0], [-1, 0, 4]], (4, 4))
    assert whole(lost, "") is lost
    assert whole(turned, "") is turned
    assert not hasattr(CutGeometry((1, 1), (1, 1), "", 0.5), "other")
