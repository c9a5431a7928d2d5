import numpy as np
import pytest
from PIL import Image

from densefit.datasets.files.masks import MaskReader
from densefit.errors import ConfigError, DataError


@pytest.fixture
def path(tmp_path):
    values = np.array([[0, 1, 2], [7, 255, 0]], np.uint8)
    Image.fromarray(values).save(tmp_path / "m.png")
    return tmp_path / "m.png"


def test_values_are_mapped_and_255_stays(path):
    mask = MaskReader(3, {0: 255, 1: 0, 2: 1, 7: 2})(path, "i.jpg", (2, 3))
    np.testing.assert_array_equal(mask, [[255, 0, 1], [2, 255, 255]])


def test_unknown_values_and_sizes(path):
    with pytest.raises(DataError, match=r"0\.\.2, 255[\s\S]*also 7[\s\S]*m\.png"):
        MaskReader(3)(path, "i.jpg", (2, 3))
    with pytest.raises(DataError, match=r"\(3, 3\)[\s\S]*i\.jpg[\s\S]*m\.png"):
        MaskReader(8)(path, "i.jpg", (3, 3))


def test_more_classes_than_a_mask_holds():
    assert MaskReader(255).classes == 255
    with pytest.raises(ConfigError, match=r"cannot hold so many[\s\S]*at most 255[\s\S]*256"):
        MaskReader(256)
