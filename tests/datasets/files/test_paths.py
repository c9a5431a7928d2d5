import logging
import os

import pytest

from densefit.datasets.files.paths import check_file, name_below, names_below
from densefit.errors import DataError


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data/images"
    for name in ("a.jpg", "sub/b.jpg", "c d.jpg", "\u65e5\u672c.jpg", "..a.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def read(names, folder):
    return [
        "error" if isinstance(one, DataError) else one
        for one in names_below(names, folder, folder.parent / "f.json")
    ]


@pytest.mark.parametrize(
    "name", ["a.jpg", "sub/b.jpg", "./a.jpg", "c d.jpg", "..a.jpg", "\u65e5.jpg"]
)
def test_names_below(name):
    assert name_below(name, "f.json") == name


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "sub/../../a.jpg", "/a.jpg", "/", "..", "..\\a.jpg", "\\a.jpg", "C:\\a.jpg", "C:"]
    + ["sub/..", "", "a\0b", "\ud800", None, 5, True, ["a.jpg"], {"a": 1}, b"a.jpg", "/dev/zero"],
)
def test_names_elsewhere(name):
    if name == "C:":
        assert name_below(name, "f.json") == name  # a name like others, here
        return
    with pytest.raises(DataError, match=r"(leads out|no path)[\s\S]*f\.json, image 3"):
        name_below(name, "f.json, image 3")


def test_an_absolute_path_below_the_folder(folder):
    assert read(["a.jpg", str(folder / "sub/b.jpg")], folder) == ["a.jpg", "sub/b.jpg"]
    assert read(["a.jpg", f"{folder}/../images/a.jpg", f"{folder}x/a.jpg"], folder)[1:] == [
        "error",
        "error",
    ]


@pytest.mark.parametrize(
    "before",
    ["images/", "/home/somebody/images/", "../images/", "C:\\data\\", "x/y/z/", ".\\images\\"],
)
def test_first_parts_that_are_too_many(folder, before, caplog):
    with caplog.at_level(logging.WARNING, logger="densefit"):
        assert read([f"{before}a.jpg", f"{before}sub/b.jpg"], folder) == ["a.jpg", "sub/b.jpg"]
    (record,) = caplog.records
    assert "are left out" in record.getMessage()


def test_backslashes(folder):
    assert read(["sub\\b.jpg", "a.jpg"], folder) == ["sub/b.jpg", "a.jpg"]
    (folder / "sub\\b.jpg").write_bytes(b"x")
    assert read(["sub\\b.jpg", "a.jpg"], folder) == ["sub\\b.jpg", "a.jpg"]


def test_nothing_is_left_out_where_it_is_not_sure(folder, caplog):
    (folder / "one").mkdir()
    (folder / "one/a.jpg").write_bytes(b"y")
    # Both a.jpg and one/a.jpg are there.
    assert read(["/x/one/a.jpg"], folder) == ["error"]
    # Two files would become the same.
    assert read(["l/x.jpg", "r/a.jpg", "s/a.jpg"], folder) == ["l/x.jpg", "r/a.jpg", "s/a.jpg"]
    # One is there as it is written.
    assert read(["a.jpg", "images/sub/b.jpg"], folder) == ["a.jpg", "images/sub/b.jpg"]
    assert read(["images/gone.jpg"], folder) == ["images/gone.jpg"]
    assert read([], folder) == []
    assert not caplog.records


def test_a_few_of_many_files_are_found(folder):
    names = [f"images/{number}.jpg" for number in range(100)]
    names[37] = "images/a.jpg"
    assert read(names, folder)[37] == "a.jpg"


def test_one_bad_name_does_not_hinder_others(folder):
    assert read(["images/a.jpg", None, "../up.jpg", "x"], folder) == [
        "a.jpg",
        "error",
        "up.jpg",
        "x",
    ]


def test_a_path_of_many_parts_is_no_work(folder):
    assert read(["x/" * 100_000 + "a.jpg"] * 8, folder) == ["error"] * 8
    assert read(["x/" * 2000 + "a.jpg"] * 8, folder) == ["x/" * 2000 + "a.jpg"] * 8


def test_only_regular_files_and_links_to_them(folder, tmp_path):
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (folder / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    assert check_file(folder / "link.jpg", "f.json") == folder / "link.jpg"
    os.mkfifo(folder / "pipe.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "dir.jpg").mkdir()
    for name, kind in (("pipe", "a named pipe"), ("zero", "a device"), ("dir", "a folder")):
        with pytest.raises(
            DataError, match=rf"no regular file[\s\S]*{kind}[\s\S]*{name}[\s\S]*image 3"
        ):
            check_file(folder / f"{name}.jpg", "f.json, image 3")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    for name in ("gone.jpg", "loop.jpg", "x" * 5000, "a.jpg/b.jpg", "a\0b"):
        with pytest.raises(DataError, match=r"cannot be read[\s\S]*image 3"):
            check_file(folder / name, "f.json, image 3")
    (folder.parent / "gone.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=r"fix:[\s\S]*data/gone\.jpg is there"):
        check_file(folder / "gone.jpg", "f.json")
