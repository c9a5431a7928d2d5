import numpy as np
import pytest

from densefit.datasets import NYUv2, Rooms
from densefit.errors import DataError
from densefit.tools.conversion.convert import convert

SETTINGS = {"length": 2, "size": (24, 32)}


def test_rooms_come_back_from_arrays(tmp_path):
    splits = {split: Rooms(split=split, **SETTINGS) for split in ("train", "val")}
    conversion = convert(splits, "nyuv2", tmp_path / "out", lossy=True)
    assert conversion.verified == 4
    assert conversion.settings == {}
    shapes = {
        folder: np.load(tmp_path / f"out/val/{folder}/1.npy").shape
        for folder in ("image", "label", "depth", "normal")
    }
    assert shapes == {
        "image": (24, 32, 3),
        "label": (24, 32),
        "depth": (24, 32, 1),
        "normal": (24, 32, 3),
    }
    written = NYUv2(tmp_path / "out", "val")
    assert written.classes == splits["val"].mask_classes
    np.testing.assert_array_equal(written[1].image, splits["val"][1].image)


def test_a_dataset_without_depth_or_normals_is_read_by_its_masks(tmp_path):
    rooms = Rooms(labelled={"depth": 0, "normals": 0}, **SETTINGS)
    conversion = convert({"train": rooms}, "nyuv2", tmp_path / "out", lossy=True)
    assert conversion.settings == {"targets": ["mask"]}
    assert conversion.verified == 2


def test_partial_labels_are_refused(tmp_path):
    rooms = Rooms(20, (24, 32), labelled={"depth": 0.5})
    with pytest.raises(DataError, match=r"(?s)lacks targets.*sample 'train-0000.*--to record"):
        convert({"train": rooms}, "nyuv2", tmp_path / "out", lossy=True)
