"""Views: which windows, and where the original lies in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.data.loader.views import Views, starts
from densefit.data.sample import Sample
from densefit.data.transforms.resize import Letterbox, Resize
from densefit.errors import ConfigError


def sample(height=30, width=40):
    rng = np.random.default_rng(0)
    return Sample("a", rng.integers(0, 256, (height, width, 3)).astype(np.uint8), {})


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(1, 400), st.integers(1, 90), st.floats(0, 0.95))
def test_windows_cover_every_pixel_and_overlap_enough(length, window, overlap):
    found = starts(length, window, overlap)
    if length <= window:
        assert found == [-((window - length) // 2)]
        return
    assert found[0] == 0
    assert found[-1] == length - window
    gaps = np.diff(found)
    assert (gaps >= 1).all()
    assert (gaps <= max(1, window * (1 - overlap) + 1e-9)).all()
    if len(found) > 2:  # with one window fewer they would overlap less
        assert (length - window) / (len(found) - 2) > max(1, int(window * (1 - overlap) + 1e-9))


@pytest.mark.parametrize("overlap", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_the_fewest_windows_in_spite_of_rounding(overlap):
    step = round(100 * (1 - overlap))
    assert starts(100 + 9 * step, 100, overlap) == [step * number for number in range(10)]


@pytest.mark.parametrize("overlap", [0.75, 0.8, 0.99])
def test_windows_are_a_pixel_apart_at_least(overlap):
    assert starts(9, 4, overlap) == [0, 1, 2, 3, 4, 5]
    corners = [
        view.corner for _, view in Views(fit="original", overlap=overlap).of(sample(9, 4), (4, 4))
    ]
    assert corners == [(top, 0) for top in range(6)]


@pytest.mark.parametrize(("fit", "transform"), [("letterbox", Letterbox), ("stretch", Resize)])
@pytest.mark.parametrize("size", [(30, 40), (50, 20), (7, 9)])
def test_one_view_is_what_the_loader_makes(fit, transform, size):
    whole = sample(*size)
    ((image, view),) = Views(fit=fit).of(whole, (24, 32))
    expected = transform(24, 32)(whole, np.random.default_rng())
    np.testing.assert_array_equal(image, expected.image)
    np.testing.assert_allclose(view.matrix, expected.geometry.matrix, atol=1e-12)
    assert (view.size, view.input_size) == (size, (24, 32))


def test_windows_at_the_original_size_hold_its_very_pixels():
    whole = sample(30, 40)
    looks = Views(fit="original", flip=True, overlap=0.5).of(whole, (16, 16))
    seen = np.zeros((30, 40), int)
    for image, view in looks:
        y, x = view.corner
        part = whole.image[y : y + 16, x : x + 16]
        np.testing.assert_array_equal(image[:, ::-1] if view.mirrored else image, part)
        seen[y : y + 16, x : x + 16] += 1
        box = np.float64([[x + 1, y + 2, x + 5, y + 9]])
        corners = view.matrix @ np.vstack([box[0, [0, 2]], box[0, [1, 3]], [1, 1]])
        inside = np.r_[corners.min(1), corners.max(1)][None]
        np.testing.assert_allclose(view.boxes_to_original(inside), box)
    assert seen.min() >= 2
    assert sum(view.mirrored for _, view in looks) == len(looks) // 2


def test_scales_change_the_size_and_small_pictures_get_a_frame():
    views = Views(scales=(0.5, 2.0), fit="original")
    assert views.sizes((30, 40), (32, 32)) == [(15, 20), (60, 80)]
    looks = views.of(sample(30, 40), (32, 32))
    assert [view.scaled for _, view in looks] == [(15, 20)] + [(60, 80)] * 9
    image, view = looks[0]
    assert view.corner == (-8, -6)
    assert (image[:8] == 114).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scales": ()}, "above 0"),
        ({"scales": (1, 0)}, "above 0"),
        ({"scales": (1, 1.0)}, "twice"),
        ({"fit": "crop"}, "letterbox or stretch or original"),
        ({"overlap": 1.0}, "below 1"),
    ],
)
def test_settings_are_checked(wrong, said):
    with pytest.raises(ConfigError, match=said):
        Views(**wrong)
