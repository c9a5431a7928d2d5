import logging

import numpy as np
import pytest
from PIL import Image

from densefit.datasets import ImageFolder
from densefit.errors import ConfigError, DataError


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(path)


def test_one_folder_a_class(tmp_path):
    write(tmp_path, "dog/b.JPG", "cat/a.png", "dog/a.jpeg", "dog/a.png", ".hidden/a.png")
    (tmp_path / "dog/notes.txt").write_text("no picture")
    data = ImageFolder(tmp_path)
    assert data.classes == ["cat", "dog"]
    assert [data.id_of(i) for i in range(len(data))] == [
        "cat/a.png",
        "dog/a.jpeg",
        "dog/a.png",
        "dog/b.JPG",
    ]
    assert [int(data[i].targets["label"]) for i in range(4)] == [0, 1, 1, 1]
    assert data[0].targets["label"].dtype == np.int64
    assert data[3].image.shape == (8, 9, 3)


def test_splits_agree_on_the_classes(tmp_path):
    write(tmp_path, "train/ant/1.png", "train/bee/1.png", "val/bee/1.png")
    train, val = ImageFolder(tmp_path, "train"), ImageFolder(tmp_path, "val")
    assert train.classes == val.classes == ["ant", "bee"]
    assert int(val[0].targets["label"]) == 1


def test_named_classes(tmp_path):
    write(tmp_path, "ant/1.png", "bee/1.png")
    assert int(ImageFolder(tmp_path, classes=["bee", "ant"])[0].targets["label"]) == 1
    (tmp_path / "classes.txt").write_text("cow\nant\nbee\n")
    assert int(ImageFolder(tmp_path)[0].targets["label"]) == 1
    with pytest.raises(DataError, match=r"Unknown class 'ant'[\s\S]*did you mean 'ants'"):
        ImageFolder(tmp_path, classes=["ants", "bee"])


def test_missing_things(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        ImageFolder(tmp_path / "gone")
    with pytest.raises(DataError, match="no class folders"):
        ImageFolder(tmp_path)
    (tmp_path / "train/ant").mkdir(parents=True)
    with pytest.raises(DataError, match="no pictures"):
        ImageFolder(tmp_path, "train")
    with pytest.raises(DataError, match=r"no split 'trian'[\s\S]*did you mean 'train'"):
        ImageFolder(tmp_path, "trian")


def test_large_photographs_may_be_decoded_smaller(tmp_path):
    path = tmp_path / "ant/1.jpg"
    path.parent.mkdir()
    Image.fromarray(np.zeros((90, 70, 3), np.uint8)).save(path)
    assert ImageFolder(tmp_path)[0].image.shape == (90, 70, 3)
    sample = ImageFolder(tmp_path, least_side=30)[0]
    assert sample.image.shape == (45, 35, 3)
    assert sample.geometry.size == (45, 35)
    with pytest.raises(ConfigError, match="least_side"):
        ImageFolder(tmp_path, least_side=0)


def test_pictures_in_deeper_folders_belong_to_the_class(tmp_path):
    write(tmp_path, "cat/a.png", "cat/home/b.png", "dog/street/night/c.gif", "dog/d.jpg")
    (tmp_path / "dog/d.jpg").rename(tmp_path / "dog/d.jfif")
    data = ImageFolder(tmp_path)
    ids = ["cat/a.png", "cat/home/b.png", "dog/d.jfif", "dog/street/night/c.gif"]
    assert [data.id_of(i) for i in range(len(data))] == ids
    assert [int(data[i].targets["label"]) for i in range(4)] == [0, 0, 1, 1]


def test_splits_are_not_taken_for_classes(tmp_path):
    write(tmp_path, "train/cat/a.png", "train/dog/a.png", "val/cat/b.png")
    with pytest.raises(DataError, match=r"like splits[\s\S]*train, val[\s\S]*split='train'"):
        ImageFolder(tmp_path)
    assert len(ImageFolder(tmp_path, classes=["train", "val"])) == 3
    write(tmp_path, "train/c.png")  # a class: trains
    assert ImageFolder(tmp_path).classes == ["train", "val"]


@pytest.mark.parametrize("classes", [None, ["ant", "bee", "cow", "dog"]])
def test_classes_without_a_picture_are_told(tmp_path, caplog, classes):
    write(tmp_path, "train/ant/1.png", "train/bee/1.png", "val/ant/1.png")
    (tmp_path / "val/bee").mkdir()
    (tmp_path / "val/bee/1.heic").touch()
    with caplog.at_level(logging.WARNING):
        ImageFolder(tmp_path, "val", classes)
    assert "1 files are not read" in caplog.text
    empty = "1 of 2 classes have no picture: bee"
    assert (empty if classes is None else "3 of 4 classes have no picture: bee, cow") in caplog.text


def test_a_complete_folder_is_opened_without_a_word(tmp_path, caplog):
    write(tmp_path, "ant/1.png", "bee/1.png")
    (tmp_path / "readme.md").touch()
    ImageFolder(tmp_path)
    assert not caplog.records


def test_pictures_without_a_class_are_told(tmp_path, caplog):
    write(tmp_path, "ant/1.png", "bee/1.png", "2.png", "1.png")
    assert len(ImageFolder(tmp_path)) == 2
    assert "2 pictures lie in no class's folder and are left out, the first: 1.png" in caplog.text


def test_what_systems_leave_is_no_class(tmp_path):
    folders = ["cat", "__MACOSX", ".ipynb_checkpoints", "__pycache__", "@eaDir", "$RECYCLE.BIN"]
    for folder in folders:
        (tmp_path / "train" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "train" / folder / "a.png")
    (tmp_path / "__MACOSX/dog").mkdir(parents=True)
    (tmp_path / "train/cat/Thumbs.db").write_bytes(b"x")
    (tmp_path / "train/cat/__MACOSX").mkdir()
    (tmp_path / "train/cat/__MACOSX/._a.jpg").write_bytes(b"x")
    data = ImageFolder(tmp_path, split="train")
    assert data.classes == ["cat"]
    assert [data.id_of(i) for i in range(len(data))] == ["cat/a.png"]


def test_a_folder_that_is_read_twice_is_told_of_once(tmp_path, caplog):
    (tmp_path / "cat").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "cat/a.png")
    for _ in range(2):
        ImageFolder(tmp_path, classes=["cat", "dog"])
    assert [record.getMessage()[-36:] for record in caplog.records] == [
        ": 1 of 2 classes have no picture: dog"[-36:]
    ]
