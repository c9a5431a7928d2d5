import numpy as np
import pytest

from densefit.datasets import MaskFolder
from densefit.datasets.files.mask_values import value_map
from densefit.errors import ConfigError


def test_values_may_be_text():
    assert value_map({"0": 0, 255: np.int64(1)}) == {0: 0, 255: 1}
    assert value_map(None) is None


@pytest.mark.parametrize(
    "values",
    [[[0, 0], [128, 1]], {"a": 0}, {0: "1"}, {0.5: 1}, {"0": 0, 0: 1}, {True: 1}, {"-1": 0}, 3],
)
def test_what_is_no_map_is_told(values, tmp_path):
    with pytest.raises(ConfigError, match="values"):
        value_map(values)
    with pytest.raises(ConfigError, match="values"):
        MaskFolder(tmp_path, classes=["a", "b"], values=values)


def test_one_setting_has_one_repr(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.png").write_bytes(b"")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/a.png").write_bytes(b"")
    numbers, texts = (
        MaskFolder(tmp_path, classes=["a", "b"], masks="masks", values=values)
        for values in ({0: 0, 255: 1}, {"0": 0, "255": 1})
    )
    assert repr(numbers) == repr(texts)
