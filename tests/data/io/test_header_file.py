import numpy as np
import pytest
from PIL import Image

from densefit.data.io.header_file import ImageHeader, read_header
from densefit.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "JPEG"),
        ("a.png", "PNG"),
        ("a.webp", "WEBP"),
        ("a.bmp", "BMP"),
        ("a.tif", "TIFF"),
        ("a.gif", "GIF"),
        ("a.ppm", "PNM"),
    ],
)
def test_format_and_size(tmp_path, name, kind):
    Image.fromarray(PIXELS).save(tmp_path / name)
    assert read_header(tmp_path / name) == ImageHeader(kind, (30, 50))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_files_larger_than_the_first_bytes(tmp_path, name):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    assert read_header(tmp_path / name).size == (300, 200)


def test_a_header_behind_a_large_preview(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 60000
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=exif)
    header = read_header(tmp_path / "a.jpg")
    assert header == ImageHeader("JPEG", (30, 50), 6)
    assert header.size_as_read(exif=True) == (50, 30)
    assert header.size_as_read(exif=False) == (30, 50)


def test_broken_files(tmp_path):
    for name, data in (("empty.jpg", b""), ("text.jpg", b"no image"), ("cut.png", b"\x89PNG\r\n")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=f"{name}"):
            read_header(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        read_header(tmp_path / "missing.jpg")
