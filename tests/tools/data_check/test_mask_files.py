import numpy as np
import pytest
from PIL import Image

from densefit.data.subset import Subset
from densefit.datasets import MaskFolder
from densefit.errors import DataError
from densefit.tools.data_check import mask_files
from densefit.tools.data_check.at_start import check_data


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), value, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for split in ("train", "test"):
        for index in range(40):
            write(tmp_path / split / f"{index}.png", 90)
            write(tmp_path / f"{split}annot" / f"{index}.png", index % 2)
    return tmp_path


def splits(root):
    return {split: MaskFolder(root, split, ["cat", "dog"]) for split in ("train", "test")}


def test_a_broken_mask_of_a_scored_split_is_an_error_before_the_training(root):
    check_data(splits(root), ["train"], True)
    write(root / "testannot/7.png", 9)
    with pytest.raises(DataError, match=r"'test/7' of the split 'test'[\s\S]*no class") as caught:
        check_data(splits(root), ["train"], True)
    assert "data.score_on_error" in str(caught.value.fix)
    check_data(splits(root), ["train"], True, skipping=["test"])
    check_data(splits(root), ["train"], False)


def test_what_the_time_does_not_suffice_for_is_told(root, monkeypatch, capsys):
    check_data(splits(root), ["train"], True)
    assert "masks" not in capsys.readouterr().out
    monkeypatch.setattr(mask_files, "MASK_SECONDS", -1.0)
    check_data(splits(root), ["train"], True)
    assert "read 0 of 80 masks; --deep" in capsys.readouterr().out


def test_masks_of_a_part_are_those_of_its_samples(root):
    write(root / "testannot/7.png", 9)
    whole = MaskFolder(root, "test", ["cat", "dog"])
    index = [whole.id_of(i) for i in range(40)].index("test/7")
    check_data({"test": Subset(whole, [i for i in range(40) if i != index])}, [], True)
    with pytest.raises(DataError, match="'test/7' of the split 'test'"):
        check_data({"test": Subset(whole, [0, index])}, [], True)
