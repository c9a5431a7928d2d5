import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from densefit.datasets.files.bitmaps import (
    Bitmap,
    decode_base64,
    png_mask,
    unzip_png,
    whole_number,
)
from densefit.errors import DataError

SIZE = (6, 8)
MASK = np.zeros(SIZE, bool)
MASK[1:4, 2:7] = True
MASK[2, 3] = False


def png(image, **settings):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **settings)
    return buffer.getvalue()


def palette(mask):
    image = Image.fromarray(mask.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 255])
    return image


def coloured(mask):
    return Image.fromarray(np.where(mask[..., None], [9, 0, 3, 255], 0).astype(np.uint8))


@pytest.mark.parametrize(
    "data",
    [
        png(Image.fromarray(MASK)),
        png(Image.fromarray(MASK.astype(np.uint8))),
        png(Image.fromarray(MASK.astype(np.uint8) * 255)),
        png(palette(MASK), transparency=0, optimize=0),
        png(palette(MASK)),
        png(coloured(MASK)),
        png(coloured(MASK).convert("RGB")),
        png(Image.fromarray(np.where(MASK, 0, 70).astype(np.uint8)), transparency=70),
    ],
    ids="1-bit grey-1 grey-255 palette-alpha palette rgba rgb transparent-grey".split(),
)
def test_a_mask_in_each_form_that_tools_write(data):
    np.testing.assert_array_equal(png_mask(data, SIZE, "a.json"), MASK)
    np.testing.assert_array_equal(
        png_mask(unzip_png(zlib.compress(data), SIZE, "a.json"), SIZE, "a.json"), MASK
    )


def test_a_bomb_is_refused_before_it_is_in_memory():
    bomb = zlib.compress(bytes(200 << 20), 9)
    with pytest.raises(DataError, match="larger than the image"):
        unzip_png(bomb, SIZE, "a.json")
    large = png(Image.new("1", (20_000, 9_000)))
    with pytest.raises(DataError, match="larger than its image"):
        png_mask(large, SIZE, "a.json")


@pytest.mark.parametrize("end", [20, -20])
def test_broken_data_are_refused(end):
    data = png(palette(MASK))
    with pytest.raises(DataError, match=r"a\.json"):
        png_mask(data[:end], SIZE, "a.json")
    with pytest.raises(DataError, match=r"a\.json"):
        unzip_png(zlib.compress(data)[:end], SIZE, "a.json")
    with pytest.raises(DataError, match="no PNG"):
        png_mask(b"GIF89a", SIZE, "a.json")


@pytest.mark.parametrize("text", [None, "", 5, "a", "ü" * 4])
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(DataError, match=r"(?s)A mask is no text in base64.*a\.json"):
        decode_base64(text, "A mask", "a.json")


def test_base64_is_decoded():
    assert decode_base64(base64.b64encode(b"ab").decode(), "A mask", "a.json") == b"ab"


def test_a_bitmap_is_tight_and_within_its_image():
    bitmap = Bitmap(MASK, -3, 2).tight()
    assert bitmap.box == (-1, 3, 4, 6)
    part = bitmap.within((5, 20))
    assert part.box == (0, 3, 4, 5)
    np.testing.assert_array_equal(part.mask, MASK[1:3, 3:7])
    assert Bitmap(MASK, 30, 0).within((5, 20)).mask.size == 0
    assert Bitmap(np.zeros((3, 4), bool), 5, 6).tight().box == (5, 6, 5, 6)


@pytest.mark.parametrize("value", [None, "3", True, float("nan"), 1e9, [1]])
def test_no_position(value):
    with pytest.raises(DataError, match="The left side is no position"):
        whole_number(value, "The left side", "a.json")


def test_fractions_are_cut_off():
    assert [whole_number(value, "x", "a") for value in (3, 3.9, -0.5)] == [3, 3, -1]
