import os
import pickle
import sys

import numpy as np
import pytest
from PIL import Image

from densefit.datasets.objects import ImageAnnotation, ObjectAnnotation, ObjectDataset, Stored
from densefit.errors import DataError
from tests import forked

SQUARE = [[10.0, 10.0, 20.0, 10.0, 20.0, 20.0, 10.0, 20.0]]


class Layout(ObjectDataset):
    def __init__(self, images, root, settings="", names=("a.txt",), is_cached=True, **more):
        self.settings = settings
        stored = Stored([root / name for name in names]) if is_cached else None
        super().__init__(images, ["cat", "dog"], root, masks=True, stored=stored, **more)

    def __repr__(self):
        return f"Layout({self.settings})"


def images(size=None):
    objects = [
        ObjectAnnotation("cat", (10.0, 10.0, 20.0, 20.0), segmentation=SQUARE, where="line 1"),
        ObjectAnnotation("dog", (5.0, 5.0, 5.0, 9.0), segmentation=SQUARE, where="line 2"),
        ObjectAnnotation("dog", (1 / 3, 5.0, 7.0, 9.0), difficult=True, segmentation=SQUARE),
    ]
    emu = ObjectAnnotation("emu", (5.0, 5.0, 9.0, 9.0))
    yield ImageAnnotation("a", "a.png", objects, "a.txt", size)
    yield ImageAnnotation("b", "b.png", [emu], "b.txt", (40, 60))
    yield ImageAnnotation("c", "b.png")


def no_images():
    raise AssertionError("the annotations are read again")
    yield


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("DENSEFIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(folder / name)
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("annotations")
    return folder


def same(data, other):
    assert (data.dropped, list(data.faults)) == (other.dropped, list(other.faults))
    assert str(data.faults[1]) == str(other.faults[1])
    assert [data.id_of(i) for i in range(3)] == [other.id_of(i) for i in range(3)]
    for i in (0, 2):
        targets, expected = data[i].targets, other[i].targets
        assert set(targets) == set(expected)
        for name in targets:
            assert targets[name].dtype == expected[name].dtype
            np.testing.assert_array_equal(targets[name], expected[name])


def test_the_second_start_reads_no_annotation(root, caplog):
    first = Layout(images(), root, is_cached=False)
    Layout(images(), root)
    assert [path.suffix for path in (root / ".densefit").iterdir()] == [".columns"]
    second = Layout(no_images(), root)
    same(second, first)
    assert second.dropped == 1
    assert "1 bad boxes were dropped, the first: [5.0, 5.0, 5.0, 9.0] of a.txt" in caplog.text


def test_changes_are_noticed(root):
    Layout(images(), root)
    for settings in ({"settings": "other"}, {"bad_boxes": "raise"}, {"names": ("b.txt",)}):
        with pytest.raises(AssertionError, match="read again"):
            Layout(no_images(), root, **settings)
    stamp = os.stat(root / "a.txt")
    (root / "a.txt").write_text("Annotations")  # as long
    os.utime(root / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(AssertionError, match="read again"):
        Layout(no_images(), root)
    Layout(images(), root)
    assert len(Layout(no_images(), root)) == 3
    Image.fromarray(np.zeros((50, 60, 3), np.uint8)).save(root / "a.png")  # its size was read
    with pytest.raises(AssertionError, match="read again"):
        Layout(no_images(), root)


def test_many_files_are_compared_by_name_size_and_time(root):
    names = [f"{i}.txt" for i in range(9)] + ["."]
    for name in names[:-1]:
        (root / name).write_text("x")
    Layout(images((40, 60)), root, names=names)
    assert not (root / ".densefit").exists()  # a file that has just changed may change again
    for name in names[:-1]:
        os.utime(root / name, (1e9, 1e9))
    Layout(images((40, 60)), root, names=names)
    assert len(Layout(no_images(), root, names=names)) == 3
    os.utime(root / "3.txt", (2e9, 2e9))
    with pytest.raises(AssertionError, match="read again"):
        Layout(no_images(), root, names=names)
    os.utime(root / "3.txt", (1e9, 1e9))
    (root / "new.txt").write_text("")
    with pytest.raises(AssertionError, match="read again"):
        Layout(no_images(), root, names=names)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "format"])
def test_a_broken_cache_is_written_again(root, damage, monkeypatch):
    expected = Layout(images(), root, is_cached=False)
    Layout(images(), root)
    (path,) = (root / ".densefit").iterdir()
    data = path.read_bytes()
    if damage == "format":
        monkeypatch.setattr("densefit.datasets.objects.table_cache.FORMAT", -1)
    else:
        number = np.float64(1 / 3).tobytes()
        flipped = data.replace(number, number[:-1] + b"@")
        assert flipped != data
        path.write_bytes({"cut": data[:-100], "flip": flipped, "empty": b""}[damage])
    with pytest.raises(AssertionError, match="read again"):
        Layout(no_images(), root)
    Layout(images(), root)
    same(Layout(no_images(), root), expected)


def test_where_the_cache_lies(root, monkeypatch, tmp_path, caplog):
    (root / ".densefit").write_text("a file in the way")
    same(Layout(images(), root), Layout(no_images(), root))
    assert len(list((tmp_path / "home/densefit").iterdir())) == 1
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "chosen"))
    Layout(images(), root)
    assert len(list((tmp_path / "chosen").iterdir())) == 1
    monkeypatch.setenv("DENSEFIT_CACHE", "off")
    Layout(images(), root)
    assert "No cache" not in caplog.text
    monkeypatch.setenv("DENSEFIT_CACHE", str(root / "a.txt"))
    assert len(Layout(images(), root)) == 3
    assert "No cache of the annotations can be written" in caplog.text


def test_a_mapped_dataset_is_pickled_as_a_path(root):
    data = Layout(images(), root)
    text = pickle.dumps(data)
    assert b"a.png" not in text
    same(pickle.loads(text), data)
    (path,) = (root / ".densefit").iterdir()
    path.unlink()
    whole = pickle.dumps(data)  # the file is gone
    assert b"a.png" in whole
    same(pickle.loads(whole), data)
    with pytest.raises(DataError, match="has changed since"):
        pickle.loads(text)


def test_two_starts_at_once_write_one_cache(root, tmp_path):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "import test_table_cache as t, densefit.datasets.objects.table_cache as c\n"
        "c.SMALLEST_BYTES = 0; root = Path(sys.argv[2])\n"
        "for _ in range(20):\n"
        "    t.Layout(t.images(), root)._table.file.path.unlink(missing_ok=True)\n"
        "assert len(t.Layout(t.images(), root)[0].targets['boxes']) == 2\n"
    )
    command = [sys.executable, "-c", program, os.path.dirname(__file__), str(root)]
    processes = [forked.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert [path.suffix for path in (root / ".densefit").iterdir()] == [".columns"]
