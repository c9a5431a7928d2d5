import numpy as np
import pytest
from PIL import Image

from densefit.data.io.color_image import read_color_codes
from densefit.errors import DataError

RGB = np.array([[[1, 2, 3], [255, 0, 0]], [[0, 0, 255], [0, 255, 0]]], np.uint8)
CODES = [[0x010203, 0xFF0000], [0x0000FF, 0x00FF00]]


def test_red_is_the_highest_byte(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    codes = read_color_codes(tmp_path / "a.png")
    assert codes.dtype == np.uint32
    np.testing.assert_array_equal(codes, CODES)
    Image.fromarray(RGB).convert("RGBA").save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_color_codes(tmp_path / "b.png"), CODES)


def test_grey_and_two_bits(tmp_path):
    Image.fromarray(RGB[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_color_codes(tmp_path / "a.png"), [[0x010101, 0xFFFFFF], [0, 0]]
    )
    palette = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    palette.putpalette(RGB.tobytes())
    palette.save(tmp_path / "b.png", bits=2)
    np.testing.assert_array_equal(read_color_codes(tmp_path / "b.png"), CODES)


def test_damaged_files_are_named(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[:-20])
    with pytest.raises(DataError, match=r"a\.png"):
        read_color_codes(tmp_path / "a.png")
    Image.fromarray(RGB).save(tmp_path / "b.webp", quality=50)
    with pytest.raises(DataError, match=r"WEBP file with losses[\s\S]*b\.webp"):
        read_color_codes(tmp_path / "b.webp")
