import io

import numpy as np
import pytest
from PIL import Image

from densefit.data.io.image_header import is_lossy, kind_of, stated_size
from densefit.errors import DataError

SIZE = (37, 51)
KINDS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("GIF", {}),
    ("BMP", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": Image.Exif()}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"big_tiff": True}),
    ("PPM", {}),
]


def written(kind, size=SIZE, **options):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("size", [SIZE, (1, 1), (300, 2)])
def test_the_size_is_the_one_that_pillow_finds(kind, options, size):
    data = written(kind, size, **options)
    assert Image.open(io.BytesIO(data)).size == size[::-1]
    assert stated_size(data, True) == size
    assert kind_of(data, "") == {"PPM": "PNM"}.get(kind, kind)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_header_that_is_cut_off_states_nothing(kind, options):
    data = written(kind, **options)
    for length in range(9):
        assert stated_size(data[:length], True) is None
        with pytest.raises(DataError, match=r"cannot be decoded[\s\S]*a\.png"):
            kind_of(data[:length], "a.png")


def test_a_turned_jpeg_has_the_size_that_is_shown():
    exif = Image.Exif()
    exif[0x0112] = 8
    data = written("JPEG", exif=exif)
    assert stated_size(data, True) == SIZE[::-1]
    assert stated_size(data, False) == SIZE


def test_what_loses():
    lossy = [written("JPEG"), written("WEBP"), written("TIFF", compression="jpeg")]
    lossy += [written("WEBP", exif=b"Exif\0\0" + bytes(200), icc_profile=b"x" * 501)]
    assert all(is_lossy(data, kind_of(data, "")) for data in lossy)
    sound = [written("PNG"), written("WEBP", lossless=True), written("TIFF"), written("GIF")]
    assert not any(is_lossy(data, kind_of(data, "")) for data in sound)
