import pytest

from densefit.datasets.pictures import is_picture, pictures_by_stem
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
