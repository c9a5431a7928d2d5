import pickle

import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.cropped_targets import CutGeometry, whole
from densefit.data.geometry.image_ops import crop, flip, resize, rotate90
from densefit.data.geometry.warp import warp
from densefit.data.sample import Geometry, LostGeometry, Sample
from densefit.data.visible_area import visible_share
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
    assert getattr(found, "visible", 1.0) == pytest.approx(shown)
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


@pytest.mark.parametrize(
    ("size", "matrix", "input_size", "shown"),
    [
        ((10, 20), [[0, 1, 0], [-1, 0, 20]], (10, 20), 0.5),  # a wide picture by a quarter
        ((10, 10), [[0, 2, 0], [-2, 0, 20]], (10, 20), 0.5),  # enlarged
        ((8, 8), [[0, 1, 0], [-1, 0, 8]], (10, 14), 1.0),
        ((8, 8), [[0, -1, 14], [-1, 0, 8]], (10, 14), 1.0),
        ((8, 8), [[1, 0, 0], [1, 1, -2]], (10, 14), 54 / 64),  # sheared: two corners are cut off
    ],
)
def test_the_share_of_a_turned_picture(size, matrix, input_size, shown):
    found = whole(geometry(size, matrix, input_size), "")
    assert getattr(found, "visible", 1.0) == pytest.approx(shown)


def test_the_share_is_that_of_the_pixels():
    """Of random maps and windows, against a count of the picture's points that lie in all."""
    rng = np.random.default_rng(5)
    y, x = (np.mgrid[:200, :200].reshape(2, -1) + 0.5) / 200
    cut = 0
    for _ in range(40):
        size = tuple(rng.integers(5, 90, 2).tolist())
        points = np.stack([x * size[1], y * size[0], np.ones_like(x)])
        windows, inside = [], np.ones(len(x), bool)
        for _ in range(rng.integers(1, 4)):
            window = tuple(rng.integers(20, 90, 2).tolist())
            matrix = np.column_stack([rng.normal(0, 0.7, (2, 2)), rng.uniform(0, 60, 2)])
            there = matrix @ points
            inside &= ((there >= 0) & (there <= np.array(window[::-1])[:, None])).all(axis=0)
            windows.append((matrix, window))
        assert visible_share(size, windows) == pytest.approx(inside.mean(), abs=0.01)
        cut += 0 < inside.mean() < 1
    assert cut > 20


@pytest.mark.parametrize(
    ("degrees", "scale", "shown"),
    [(0.01, 1, 1.0), (45, 1, 0.828427), (45, 0.6, 1.0), (0.01, 2, 0.25)],
)
def test_a_turned_picture_is_cut_where_its_corners_leave_the_input(degrees, scale, shown):
    sample = Sample("a", np.zeros((64, 64, 3), np.uint8), {})
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    matrix = np.array([[cos, sin, 32 - 32 * (cos + sin)], [-sin, cos, 32 - 32 * (cos - sin)]])
    found = whole(warp(sample, matrix, 64, 64).geometry, "")
    assert getattr(found, "visible", 1.0) == pytest.approx(shown, abs=1e-6)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("vertical", [False, True])
def test_quarter_turns_and_flips_cut_nothing(quarters, vertical):
    sample = Sample("a", np.zeros((50, 90, 3), np.uint8), {})
    sample = rotate90(flip(resize(sample, 33, 97), vertical), quarters)
    own = df.transform("letterbox", height=64, width=48)(sample, np.random.default_rng(0)).geometry
    assert whole(own, "") is own


@pytest.mark.parametrize(
    "later",
    [
        lambda sample: crop(sample, -40, -40, 144, 144),  # room for all of it, and nothing there
        lambda sample: df.transform("letterbox", height=96, width=96)(sample, None),
        lambda sample: rotate90(resize(crop(sample, -40, -40, 144, 144), 50, 50), 1),
    ],
)
def test_what_was_cut_away_stays_cut_if_there_is_room_again(later):
    sample = Sample("a", np.zeros((64, 64, 3), np.uint8), {})
    found = whole(later(crop(sample, 16, 16, 32, 48)).geometry, "sample 'a'")
    assert found.visible == pytest.approx(0.5 * 0.75)
    once = pickle.loads(pickle.dumps(later(crop(sample, 16, 16, 32, 48)).geometry))  # of a worker
    assert whole(once, "").visible == pytest.approx(0.5 * 0.75)
    uncut = later(sample).geometry
    assert whole(uncut, "") is uncut


def test_almost_all_is_not_told_as_all():
    found = whole(geometry((1000, 1000), [[1, 0, -2], [0, 1, 0]], (1000, 1000)), "")
    with pytest.raises(DataError, match="99 % of it"):
        _ = found.matrix


def test_what_is_lost_stays_so():
    lost = LostGeometry((4, 4), (4, 4), "it was warped")
    assert whole(lost, "") is lost
    cut = CutGeometry((1, 1), (1, 1), "", 0.5)
    assert whole(cut, "") is cut
    assert not hasattr(cut, "other")
