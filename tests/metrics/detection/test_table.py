import numpy as np
import pytest

from densefit.errors import CheckpointError
from densefit.metrics.detection.table import Table

COLUMNS = {"boxes": ((4,), np.float64), "image": ((), np.int64)}


def test_grows_and_keeps_types():
    table = Table(COLUMNS)
    assert table.arrays()["boxes"].shape == (0, 4)
    table.append(boxes=np.ones((2, 4), np.float32), image=[0, 1])
    table.append(boxes=[], image=[])
    table.append(boxes=[[1, 2, 3, 4]], image=[5])
    arrays = table.arrays()
    assert arrays["image"].tolist() == [0, 1, 5]
    assert arrays["boxes"].shape == (3, 4)
    assert arrays["boxes"].dtype == np.float64
    table.clear()
    assert len(table.arrays()["image"]) == 0


def test_does_not_keep_the_callers_array():
    table, mine = Table(COLUMNS), np.zeros((1, 4))
    table.append(boxes=mine, image=[0])
    mine += 1
    assert table.arrays()["boxes"].sum() == 0


def test_load_checks_the_columns():
    table = Table(COLUMNS)
    with pytest.raises(CheckpointError, match="no image"):
        table.load({"boxes": []}, "x")
    with pytest.raises(CheckpointError, match="differ in length"):
        table.load({"boxes": [[1, 2, 3, 4]], "image": []}, "x")


def test_texts_are_kept_and_told_as_a_list():
    table = Table({"counts": ((), np.object_), "image": ((), np.int32)})
    table.append(counts=np.array(["12", "3"], object), image=[0, 0])
    table.append(counts=["456"], image=[1])
    state = table.state()
    assert state["counts"] == ["12", "3", "456"]
    assert state["image"].dtype == np.int32
    again = Table({"counts": ((), np.object_), "image": ((), np.int32)})
    again.load(state, "x")
    assert again.arrays()["counts"].tolist() == ["12", "3", "456"]
