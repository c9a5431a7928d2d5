from pathlib import Path

import cv2
import numpy as np
import pytest

from densefit.errors import DataError
from densefit.tools.formats.image_source import Photographs, tree


def write(path, size=(4, 6), value=9):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "a.png", value=9)
    write(tmp_path / "below/a.JPG", value=200)
    write(tmp_path / "v1.2.png", value=90)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_tree_is_searched_to_its_leaves(folder):
    assert tree(folder) == [Path("a.png"), Path("below/a.JPG"), Path("v1.2.png")]
    with pytest.raises(DataError, match="nowhere"):
        tree(folder / "nowhere")


def test_names_need_no_extension_nor_the_right_one(folder):
    names = {"1": "a", "2": "below/a.png", "3": "v1.2"}
    photographs = Photographs(folder, names)
    assert [int(photographs(key, (4, 6)).mean()) for key in names] == [9, 200, 90]
    assert photographs


def test_without_a_folder_there_are_canvases():
    photographs = Photographs(None, {"1": "a"})
    assert not photographs
    canvas = photographs("1", (3, 5))
    assert (canvas.shape, canvas.dtype) == ((3, 5, 3), np.uint8)
    assert len(np.unique(canvas)) == 1


def test_what_lacks_is_told_at_once(folder):
    with pytest.raises(DataError, match=r"2 of 3 samples[\s\S]*'x'[\s\S]*3 images"):
        Photographs(folder, {"1": "a", "2": "x", "3": "b"})


def test_another_size_is_told(folder):
    with pytest.raises(DataError, match=r"a\.png[\s\S]*sample '1'"):
        Photographs(folder, {"1": "a"})("1", (6, 7))


def test_pictures_annotated_as_they_are_stored(folder):
    """Orientation 6: viewers turn it by a quarter."""
    path = folder / "turned.jpg"
    write(path)
    data = path.read_bytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    photographs = Photographs(folder, {"1": "turned"})
    for size in ((4, 6), (6, 4)):
        assert photographs("1", size).shape[:2] == size
