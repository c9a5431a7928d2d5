import logging
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image

from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.objects import (
    DatasetAnnotations,
    ImageAnnotation,
    ObjectAnnotation,
    ObjectDataset,
    Stored,
)
from densefit.datasets.objects.skeleton import Skeleton
from densefit.once import forget, warn_once

SKELETON = Skeleton(["left", "right"], [["left", "right"]], [["left", "right"]])


class Layout(ObjectDataset):
    def __init__(self, root, read):
        look = partial(folder_state, [root], (".txt",))
        super().__init__(read, None, root, stored=Stored([root], look=look))

    def __repr__(self):
        return "Layout()"


def read():
    warn_once(logging.getLogger("densefit.test"), "%d files are odd", 3)
    points = np.array([[1, 2, 2], [3, 4, 2]], np.float32)
    entry = ObjectAnnotation("cat", (1.0, 1.0, 9.0, 9.0), keypoints=points)
    bad = ObjectAnnotation("cat", (1.0, 1.0, 1.0, 9.0))
    images = [ImageAnnotation("a", "a.png", [entry, bad]), ImageAnnotation("b", "gone.png")]
    return DatasetAnnotations(images, ["cat"], SKELETON, {"lines": 7})


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DENSEFIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("densefit.datasets.objects.table_cache.SMALLEST_BYTES", 0)
    folder = tmp_path / "data"
    folder.mkdir()
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(folder / "a.png")
    (folder / "a.txt").write_text("annotations")
    os.utime(folder / "a.txt", (1e9, 1e9))
    return folder


def test_the_next_start_has_all_that_was_read_and_warns_again(root, caplog):
    first = Layout(root, read)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 3
    assert all(part in text for part, text in zip(("are odd", "gone.png", "bad boxes"), texts))
    forget()
    caplog.clear()
    again = Layout(root, lambda: pytest.fail("the annotations are read again"))
    assert [record.getMessage() for record in caplog.records] == texts
    assert [record.name for record in caplog.records][0] == "densefit.test"
    for data in (first, again):
        assert (data.classes, data.dropped) == (["cat"], 1)
        assert (data.keypoint_names, data.flip_pairs) == (["left", "right"], [["left", "right"]])
        assert data[0].targets["keypoints"].shape == (1, 2, 3)


def test_warnings_that_were_logged_before_are_stored_too(root, caplog):
    read()
    caplog.clear()
    Layout(root, read)
    assert "files are odd" not in caplog.text
    forget()
    Layout(root, lambda: pytest.fail("the annotations are read again"))
    assert "files are odd" in caplog.text


def test_a_change_in_the_folder_is_noticed(root):
    Layout(root, read)
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(root / "gone.png")
    with pytest.raises(ZeroDivisionError):
        Layout(root, lambda: 1 / 0)
    Layout(root, read)
    (root / "a.txt").write_text("changed just now")
    Layout(root, read)  # is not stored: the file may change again within one time stamp
    with pytest.raises(ZeroDivisionError):
        Layout(root, lambda: 1 / 0)
