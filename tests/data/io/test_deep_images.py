import logging

import cv2
import numpy as np
import pytest

from densefit.data.io.image import read_image
from densefit.data.io.value_image import read_values
from densefit.errors import DataError


def write(path, values):
    cv2.imwrite(str(path), values)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits_are_told_once_a_folder(tmp_path, caplog, name, channels):
    values = np.full((8, 8, channels), 4095, np.uint16)
    path = write(tmp_path / name, values)
    for _ in range(2):
        assert read_image(path).max() in (15, 16)  # TIFFs are rounded
    (message,) = (record.getMessage() for record in caplog.records)
    for part in (str(path), "4095", "12 bits", "values >> 4"):
        assert part in message
    (tmp_path / "other").mkdir()
    read_image(write(tmp_path / "other" / name, values))
    assert len(caplog.records) == 2


def test_other_pictures_are_not_told(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    read_image(write(tmp_path / "full.png", np.full((8, 8), 40000, np.uint16)))
    read_image(write(tmp_path / "dark.png", np.full((8, 8), 10, np.uint8)))
    read_image(write(tmp_path / "dark.tif", np.full((8, 8, 3), 10, np.uint8)))
    assert not caplog.records


def test_floats_are_no_photograph(tmp_path, capfd):
    path = write(tmp_path / "a.tif", np.full((4, 4), 1.5, np.float32))
    with pytest.raises(DataError, match=r"of measurements[\s\S]*32 bits"):
        read_image(path)
    assert read_values(path).dtype == np.float32
    assert capfd.readouterr().err == ""
