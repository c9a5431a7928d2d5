import numpy as np
import pytest

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import VOCAveragePrecision

BOX = [[0.0, 0.0, 10.0, 10.0]]


def found(boxes=BOX, scores=(0.5,), classes=(0,)):
    return {"boxes": np.float32(boxes), "scores": np.float32(scores), "classes": np.array(classes)}


def truth(boxes=BOX, classes=(0,), **more):
    return {"boxes": np.float32(boxes), "classes": np.array(classes), **more}


def new():
    return VOCAveragePrecision(["a", "b"])


def test_columns_are_sorted_by_id_and_filled():
    metric = new()
    metric.update([found(), found(scores=[0.9])], [truth(), truth(crowd=[True])], ["10", "9"])
    assert metric.predicted()["scores"].tolist() == [np.float32(0.9), 0.5]
    columns = metric.true()
    assert columns["image"].tolist() == [0, 1]
    assert columns["crowd"].tolist() == [True, False]
    assert columns["difficult"].tolist() == [False, False]
    assert columns["area"].tolist() == [100.0, 100.0]


def test_the_given_area_is_kept():
    metric = new()
    metric.update([found()], [truth(area=np.float32([7]))], ["x"])
    assert metric.true()["area"].tolist() == [7.0]


def test_boxes_may_be_given_by_their_size():
    metric = new()
    sized = {"bbox": [[1.0, 2.0, 10.0, 20.0]], "classes": [0]}
    metric.update([{**sized, "scores": [1.0]}], [sized], ["x"])
    assert metric.predicted()["boxes"].tolist() == [[1.0, 2.0, 11.0, 22.0]]
    assert metric.true()["area"].tolist() == [200.0]
    assert sized["bbox"] == [[1.0, 2.0, 10.0, 20.0]]


def test_nothing_of_a_batch_with_an_error_is_kept():
    metric = new()
    with pytest.raises(DataError):
        metric.update([found(), found(scores=[np.nan])], [truth(), truth()], ["a", "b"])
    assert metric.ids == []
    assert len(metric.predicted()["image"]) == 0


def test_images_come_in_the_order_of_ids_whatever_the_batches():
    metric, r = new(), np.random.default_rng(0)
    ids = [str(i) for i in r.permutation(20)]
    for start in range(0, 20, 3):
        part = ids[start : start + 3]
        metric.update([found(scores=[int(i)]) for i in part], [truth()] * len(part), part)
    columns = metric.predicted()
    assert columns["scores"].tolist() == list(range(20))
    assert columns["image"].tolist() == list(range(20))


def test_lists_without_boxes():
    metric = new()
    metric.update(
        [{"boxes": [], "scores": [], "classes": []}], [{"boxes": [], "classes": []}], ["x"]
    )
    assert metric.ids == ["x"]
    assert metric.predicted()["boxes"].shape == (0, 4)


@pytest.mark.parametrize(
    ("prediction", "target", "message"),
    [
        ({"boxes": BOX, "classes": [0]}, truth(), "lacks scores"),
        (found(), {"boxes": BOX}, "lacks classes"),
        (found(), {"classes": [0]}, "lacks boxes"),
        (None, truth(), "lacks classes, scores"),
        (found(), truth(area=[1.0, 2.0]), "area does not have one entry for each box"),
        (found(), truth(classes=["cat"]), "classes are not numbers"),
        (found(boxes=[[0, 0, 1]]), truth(), r"\(1, 3\)"),
        (found(scores=[0.1, 0.2]), truth(), "scores does not have one entry for each box"),
        (found(scores=[np.nan]), truth(), "scores are not all finite"),
        (found(boxes=[[0, 0, np.inf, 1]]), truth(), "boxes are not all finite"),
        (found(boxes=[[50, 50, 20, 20]]), truth(), "width, height"),
        (found(), truth(boxes=[[0, 5, 10, 4]]), "truth of 'img'"),
        (found(classes=[2]), truth(), "0 to 1"),
        (found(classes=[0.5]), truth(), "0.5"),
        (found(), truth(classes=[-1]), "no such class"),
        (found(), truth(difficult=[True, False]), "difficult does not have one entry for each box"),
    ],
)
def test_what_is_wrong_with_boxes_names_the_image(prediction, target, message):
    with pytest.raises(DataError, match=message) as error:
        new().update([prediction], [target], ["img"])
    assert "'img'" in str(error.value)


def test_counts_must_agree():
    with pytest.raises(DataError, match="1 predictions, 2 targets"):
        new().update([found()], [truth(), truth()], ["a", "b"])


def test_merge_wants_the_same_classes():
    with pytest.raises(ConfigError, match="cannot be merged"):
        new().merge(VOCAveragePrecision(["a", "c"]))


def test_merge_leaves_the_other_as_it_was():
    one, other = new(), new()
    one.update([found()], [truth()], ["a"])
    other.update([found()], [truth()], ["b"])
    one.merge(other)
    one.merge(other)
    assert other.predicted()["image"].tolist() == [0]
    assert one.predicted()["image"].tolist() == [0, 1, 2]


def test_a_state_of_another_metric():
    with pytest.raises(CheckpointError, match="'ids'"):
        new().load_state_dict({"total": 1.0, "count": 1})


def test_classes_that_count_from_one():
    part = {"boxes": [[0, 0, 4, 4]] * 2, "classes": [1, 2], "scores": [0.5, 7.5]}
    with pytest.raises(DataError, match="count from 1"):
        VOCAveragePrecision(2).update([part], [part], ["a"])
    with pytest.raises(DataError, match="number of classes"):
        VOCAveragePrecision(2).update([{**part, "classes": [0, 2]}], [part], ["a"])
