import numpy as np
import pytest
from PIL import Image

from densefit.data.io.image import read_image
from densefit.datasets.files.picture_size import picture_size
from densefit.errors import DataError


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "webp", "tif"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 6, 8])
def test_it_is_the_size_that_is_decoded(tmp_path, ending, orientation):
    path = tmp_path / f"x.{ending}"
    settings = {}
    if orientation is not None:
        settings["exif"] = exif = Image.Exif()
        exif[274] = orientation
    Image.fromarray(np.zeros((20, 31, 3), np.uint8)).save(path, **settings)
    for turned in (True, False):
        assert picture_size(path, turned) == read_image(path, turned).shape[:2]


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_picture(tmp_path, data):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x\.jpg"):
        picture_size(path)
