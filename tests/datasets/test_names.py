import pytest

from densefit.datasets.names import class_index, class_names, read_lines
from densefit.errors import DataError


def test_lines(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfone \r\n\r\n two three\n")
    assert read_lines(path) == ["one", "two three"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"cannot be read[\s\S]*list\.txt"):
        read_lines(path)
    with pytest.raises(DataError, match=r"gone\.txt"):
        read_lines(tmp_path / "gone.txt")


def test_class_names(tmp_path):
    assert class_names(None, tmp_path) is None
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert class_names(None, tmp_path) == ["a", "b"]
    assert class_names(str(tmp_path / "classes.txt"), tmp_path) == ["a", "b"]
    assert class_names(("x",), tmp_path) == ["x"]
    for bad in ([], ["a", "b", "a"], ["a", ""]):
        with pytest.raises(DataError, match="one or more different names"):
            class_names(bad, tmp_path)


def test_class_index():
    assert class_index("b", ["a", "b"], "f.xml") == 1
    with pytest.raises(DataError, match=r"'rode'[\s\S]*f\.xml[\s\S]*did you mean 'road'"):
        class_index("rode", ["sky", "road"], "f.xml")
