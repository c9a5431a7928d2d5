import numpy as np
import pytest
from PIL import Image

from densefit.datasets import ADE20K
from densefit.errors import DataError

INFO = (
    "Idx\tRatio\tTrain\tVal\tStuff\tName\n"
    "1\t0.1576\t11664\t1172\t1\twall\n"
    "2\t0.1072\t6046\t612\t1\tbuilding, edifice\n"
    "3\t0.0878\t8265\t796\t1\tdoor, double door\n"
    "4\t0.0621\t9336\t917\t1\tdoor, screen door\n"
    "5\t0.0480\t6678\t641\t0\tbed \n"
)


@pytest.fixture
def root(tmp_path):
    mask = np.arange(24, dtype=np.uint8).reshape(4, 6) % 6
    for split, name in (("training", "ADE_train_00000001"), ("validation", "ADE_val_00000001")):
        for kind in ("images", "annotations"):
            (tmp_path / kind / split).mkdir(parents=True)
        Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(tmp_path / f"images/{split}/{name}.jpg")
        Image.fromarray(mask).save(tmp_path / f"annotations/{split}/{name}.png")
    (tmp_path / "objectInfo150.txt").write_text(INFO)
    return tmp_path


def test_index_0_is_void_and_the_others_count_one_less(root):
    data = ADE20K(root)
    assert data.classes == ["wall", "building", "door, double door", "door, screen door", "bed"]
    assert data.id_of(0) == "images/training/ADE_train_00000001"
    np.testing.assert_array_equal(data[0].targets["mask"][0], [255, 0, 1, 2, 3, 4])


def test_names_of_splits_and_the_folder_above(root):
    for split in ("val", "validation"):
        assert ADE20K(root, split).id_of(0) == "images/validation/ADE_val_00000001"
    inside = root / "ADEChallengeData2016"
    inside.mkdir()
    for name in ("images", "annotations", "objectInfo150.txt"):
        (root / name).rename(inside / name)
    assert len(ADE20K(root, "val")) == 1


def test_what_is_missing_is_named(root):
    with pytest.raises(DataError, match=r"no split 'test'[\s\S]*images"):
        ADE20K(root, "test")
    with pytest.raises(DataError, match=r"no class[\s\S]*also 5"):
        ADE20K(root, classes=["a", "b", "c", "d"])[0]
    (root / "objectInfo150.txt").write_text(INFO.replace("4\t0.0621", "7\t0.0621"))
    with pytest.raises(DataError, match=r"not that of a class[\s\S]*entry 5"):
        ADE20K(root)
    (root / "objectInfo150.txt").unlink()
    with pytest.raises(DataError, match="names of the classes is missing"):
        ADE20K(root)
    assert len(ADE20K(root, classes=["a", "b", "c", "d", "e"])) == 1
