import cv2
import numpy as np
import pytest

from densefit.errors import DataError
from densefit.tools.formats.picture_files import Pictures


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPEG", "below/a.jpeg", "c.bmp", "below/.hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), 9, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_gives_all_below_it_by_their_path(folder):
    pictures = Pictures([str(folder)])
    assert [pictures.id_of(i) for i in range(len(pictures))] == [
        "a.jpeg",
        "b.png",
        "below/a.jpeg",
        "c.png",
    ]
    assert pictures[3].image.shape == (4, 6, 3)
    assert pictures.paths["c.png"] == folder / "c.bmp"


def test_equal_names_are_numbered(folder):
    given = [str(folder / "below" / "a.jpeg"), str(folder / "a.JPEG"), str(folder / "a.JPEG")]
    assert list(Pictures(given).paths) == ["a.jpeg", "a-2.jpeg", "a-3.jpeg"]


def test_what_is_not_there_is_told(folder):
    (folder / "empty").mkdir()
    for given in ("nowhere", "empty"):
        with pytest.raises(DataError, match=given):
            Pictures([str(folder / given)])


def test_one_that_cannot_be_read_has_another_in_its_place(folder):
    (folder / "b.png").write_bytes(b"no picture")
    pictures = Pictures([str(folder)])
    assert pictures[1].image.shape == (32, 32, 3)
    assert pictures.image("b.png") is None
    assert list(pictures.failed) == ["b.png"]
