import cv2
import numpy as np
import pytest

import densefit as df
from densefit.datasets.files.names import class_index, class_names, read_lines
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_lists_of_editors_that_mark_their_encoding(tmp_path, encoding):
    path = tmp_path / "classes.txt"
    path.write_bytes("\u72d7\r\ncat\x85tle\r\n".encode(encoding))
    assert read_lines(path) == ["\u72d7", "cat\x85tle"]


def test_a_list_that_is_no_list(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"cat\ndo\0g\n")
    with pytest.raises(DataError, match=r"no text[\s\S]*a\.txt"):
        read_lines(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"no regular file[\s\S]*b\.txt"):
        read_lines(tmp_path / "b.txt")


def test_many_names_are_compared_at_once(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("\n".join(map(str, [*range(100_000), 99_999])))
    with pytest.raises(DataError, match="twice: 99999"):
        class_names(path, tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("depth_folder", r"write .*train\.txt.*or leave `split` out"),
        ("mask_folder", r"write .*train\.txt, a picture and its mask a line"),
        ("image_folder", r"put the folders of the classes into .*train"),
        ("voc", r"write .*ImageSets.Main.train\.txt"),
        ("coco", "put the annotations there, or name the files by"),
    ],
)
def test_a_split_where_there_is_none_says_what_to_make(tmp_path, name, hint):
    for folder in ("rgb", "depth", "annotations", "Annotations", "JPEGImages", "ImageSets/Main"):
        if name in ("depth_folder", "voc", "coco"):
            (tmp_path / folder).mkdir(parents=True)
    if name == "mask_folder":
        (tmp_path / "classes.txt").write_text("a\nb\n")
    if name == "depth_folder":
        cv2.imwrite(str(tmp_path / "rgb" / "a.png"), np.zeros((4, 4, 3), np.uint8))
        cv2.imwrite(str(tmp_path / "depth" / "a.png"), np.ones((4, 4), np.uint16))
    with pytest.raises(DataError, match=f"(?s)There is no .*fix: .*{hint}"):
        df.dataset(name, root=tmp_path, split="train")


def test_a_table_of_values_and_names(tmp_path):
    path = tmp_path / "_classes.csv"
    path.write_text("Pixel Value, Class\n0, background\n1, big, red\n")
    assert class_names(path, tmp_path) == ["background", "big, red"]
    path.write_text("Pixel Value, Class\n0, background\n2, crack\n")
    with pytest.raises(DataError, match=r"count from 0[\s\S]*'2, crack'[\s\S]*entry 3"):
        class_names(path, tmp_path)
