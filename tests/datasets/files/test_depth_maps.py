import logging

import numpy as np
import pytest
from PIL import Image

from densefit.datasets import DepthFolder
from densefit.datasets.files.depth_maps import DepthReader
from densefit.errors import ConfigError, DataError

SIZE = (4, 6)


def folder(root, *maps):
    """A dataset's folder of one map a picture."""
    for below in ("rgb", "depth"):
        (root / below).mkdir(exist_ok=True)
    for number, values in enumerate(maps):
        Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(root / f"rgb/{number}.png")
        name = f"depth/{number}.{'tiff' if values.dtype.kind == 'f' else 'png'}"
        Image.fromarray(values).save(root / name)
    return root


METRES = np.full(SIZE, 2.5, np.float32)


@pytest.mark.parametrize("values", [METRES, METRES.astype(np.uint8)])
def test_units_that_cannot_be_known_must_be_stated(tmp_path, values):
    folder(tmp_path, values)
    with pytest.raises(DataError, match=r"units[\s\S]*up to 2[\s\S]*depth/0\.[\s\S]*scale=1 if"):
        DepthFolder(tmp_path)
    read = DepthFolder(tmp_path, scale=1.0)
    np.testing.assert_array_equal(read[0].targets["depth"], values)
    stated = DepthFolder(tmp_path, scale=0.001)
    np.testing.assert_allclose(stated[0].targets["depth"], values / 1000, rtol=1e-6)


def test_a_later_map_of_unknown_units_is_told_too(tmp_path):
    maps = [np.full(SIZE, 2500, np.uint16)] * 12
    maps[1] = METRES
    data = DepthFolder(folder(tmp_path, *maps))
    index = next(i for i in range(12) if data.id_of(i) == "1")
    with pytest.raises(DataError, match=r"units[\s\S]*depth/1\.tiff"):
        data[index]


def test_the_median_is_told_and_a_strange_one_warned_of(tmp_path, caplog):
    values = np.full(SIZE, 2500, np.uint16)
    values[0] = 0
    folder(tmp_path, values, values * 2, values * 2)
    with caplog.at_level(logging.INFO):
        assert DepthFolder(tmp_path).median_depth == 5
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "is 5 m" in caplog.text
    caplog.clear()
    DepthFolder(tmp_path, scale=1.0)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "is scale=1.0 metres a unit?" in caplog.text


def test_maps_where_nothing_is_known_or_that_are_broken_have_no_median(tmp_path):
    folder(tmp_path, np.zeros(SIZE, np.uint16), np.zeros(SIZE, np.uint16))
    (tmp_path / "depth/1.png").write_bytes(b"no picture")
    data = DepthFolder(tmp_path)
    assert data.median_depth is None
    assert data[0].targets["depth"].max() == 0
    with pytest.raises(DataError, match=r"1\.png"):
        data[1]


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_scales_that_are_none(scale):
    with pytest.raises(ConfigError, match="metres a unit"):
        DepthReader(scale)


def test_the_largest_value_is_told_once_a_folder(tmp_path, caplog):
    values = np.full((4, 4), 2000, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    read = DepthReader(None)
    read(tmp_path / "a.png", tmp_path / "a.jpg", (4, 4))
    assert not caplog.records
    values[0] = 65535
    Image.fromarray(values).save(tmp_path / "a.png")
    for _ in range(2):
        assert read(tmp_path / "a.png", tmp_path / "a.jpg", (4, 4)).max() == pytest.approx(65.535)
    (message,) = (record.getMessage() for record in caplog.records)
    for part in ("a.png", "25 %", "65535", "65.53 m", "write 0"):
        assert part in message
