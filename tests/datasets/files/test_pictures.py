import logging
import os

import numpy as np
import pytest
from PIL import Image

from densefit.data.io.image import read_image
from densefit.datasets.files.pictures import (
    EXTENSIONS,
    folders_in,
    is_picture,
    pictures_below,
    pictures_by_stem,
)
from densefit.errors import DataError


def test_by_extension_in_any_letters():
    assert all(map(is_picture, ("a.jpg", "a.b.JPEG", "x.Png", "c.tif")))
    assert not any(map(is_picture, (".jpg", "a.txt", "jpg", "._a.jpg")))


def test_names_by_stem(tmp_path):
    for name in ("a.jpg", "a.png", "b.c.JPG", "list.txt"):
        (tmp_path / name).touch()
    assert pictures_by_stem(tmp_path) == {"a": ["a.jpg", "a.png"], "b.c": ["b.c.JPG"]}
    with pytest.raises(DataError, match="gone"):
        pictures_by_stem(tmp_path / "gone")


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("ending", EXTENSIONS)
def test_every_extension_can_be_read(tmp_path, ending):
    kinds = {".jfif": "JPEG", ".jpe": "JPEG", ".pbm": "PPM", ".pnm": "PPM"}
    picture = Image.fromarray(
        np.eye(8, dtype=bool) if ending == ".pbm" else np.eye(8, dtype=np.uint8)
    )
    picture.save(tmp_path / f"a{ending}", kinds.get(ending))
    assert pictures_below(tmp_path) == [f"a{ending}"]
    assert read_image(tmp_path / f"a{ending}").shape == (8, 8, 3)


def test_deeper_folders_are_searched(tmp_path):
    touch(tmp_path, "b.jpg", "x/a.png", "x/y/c.GIF", ".hidden/d.jpg", "x/._a.png")
    assert pictures_below(tmp_path) == ["b.jpg", "x/a.png", "x/y/c.GIF"]
    assert pictures_by_stem(tmp_path)["x/y/c"] == ["x/y/c.GIF"]
    assert pictures_below(tmp_path, but=[tmp_path / "x/y", tmp_path]) == ["b.jpg", "x/a.png"]
    assert folders_in(tmp_path) == ["x"]


def test_links_are_followed_and_circles_cut(tmp_path):
    touch(tmp_path, "far/a.jpg", "here/b.jpg")
    (tmp_path / "here/link").symlink_to(tmp_path / "far")
    (tmp_path / "here/again").symlink_to(tmp_path / "far")
    (tmp_path / "far/back").symlink_to(tmp_path / "here")
    found = pictures_below(tmp_path / "here")
    assert found == ["again/a.jpg", "b.jpg", "link/a.jpg"]


def test_what_is_not_read_is_counted_and_told_once(tmp_path, caplog):
    touch(tmp_path, "a.jpg", "x/b.heic", "x/c.psd", "d", "notes.txt", "a.XML")
    with caplog.at_level(logging.WARNING):
        assert pictures_below(tmp_path) == ["a.jpg"]
    assert len(caplog.records) == 1
    assert "3 files are not read" in caplog.text
    assert "the first: d" in caplog.text


def test_a_broken_link_is_a_picture_that_cannot_be_read(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "b.jpg")
    assert pictures_below(tmp_path) == ["a.jpg", "b.jpg"]
