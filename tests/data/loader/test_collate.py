from dataclasses import dataclass

import numpy as np
import pytest

from densefit.data.loader.collate import BatchLayout
from densefit.data.loader.sample_task import ProcessedSample
from densefit.data.sample import Geometry
from densefit.errors import DataError


@dataclass
class Label:
    name: str
    shape: tuple
    dtype: str = "float32"


class Head:
    def __init__(self, name, *labels):
        self.name, self._labels = name, labels

    def labels(self, input_size):
        return list(self._labels)


def made(index, labels, size=(4, 6)):
    data = np.full((3,) + size, index, np.uint8)
    geometry = Geometry.identity(*size)
    has = {name: index != 1 for name in labels}
    return ProcessedSample(
        index, f"s{index}", data, labels, has, {"label": np.array(index)}, geometry
    )


@pytest.fixture
def layout():
    det = Head("det", Label("boxes", (5, 4)), Label("classes", (5,), "int32"))
    return BatchLayout((4, 6), [det, Head("age", Label("years", ()))])


def good(index):
    det = {"classes": np.full(5, index, np.int32), "boxes": np.full((5, 4), index, np.float32)}
    return made(index, {"det": det, "age": {"years": np.float32(index)}})


def test_descriptions_are_in_the_order_of_heads_and_labels(layout):
    (data,) = layout.data_specs(8)
    assert (data.name, data.shape) == ("data", (8, 3, 4, 6))
    assert (data.dtype, data.layout) == (np.uint8, "NCHW")
    labels = layout.label_specs(8)
    assert [label.name for label in labels] == ["det_boxes", "det_classes", "age_years"]
    assert [label.shape for label in labels] == [(8, 5, 4), (8, 5), (8,)]
    assert [label.dtype for label in labels] == [np.float32, np.int32, np.float32]
    assert all(label.batch_axis == 0 for label in labels)


def test_a_batch_has_all_in_order(layout):
    samples = [good(3), good(1), good(2)]
    layout.check(samples)
    batch = layout.collate(samples)
    (data,) = batch.data.values()
    assert data.dtype == np.uint8
    assert data[:, 0, 0, 0].tolist() == [3, 1, 2]
    assert list(batch.labels) == ["det_boxes", "det_classes", "age_years"]
    assert [label.dtype for label in batch.labels.values()] == [np.float32, np.int32, np.float32]
    assert batch.labels["det_classes"][:, 0].tolist() == [3, 1, 2]
    assert batch.labels["age_years"].tolist() == [3, 1, 2]
    assert batch.ids == ["s3", "s1", "s2"]
    assert {name: has.tolist() for name, has in batch.labelled.items()} == {
        "det": [True, False, True],
        "age": [True, False, True],
    }
    assert [int(one["label"]) for one in batch.targets] == [3, 1, 2]
    assert (batch.rows, batch.real, batch.index.tolist()) == (3, 3, [3, 1, 2])
    assert len(batch.geometries) == 3
    specs = layout.data_specs(3) + layout.label_specs(3)
    assert {spec.name: spec.shape for spec in specs} == {
        name: array.shape for name, array in batch.arrays.items()
    }


def test_without_heads_there_are_no_labels():
    assert BatchLayout((4, 6), []).collate([made(0, {})]).labels == {}


def test_another_size_is_refused_with_both_sizes(layout):
    with pytest.raises(DataError, match=r"\(4, 6\)[\s\S]*\(9, 9\)[\s\S]*'s0'"):
        layout.check([good(1), made(0, good(0).labels, (9, 9))])


@pytest.mark.parametrize(
    ("head", "label", "value", "message"),
    [
        ("det", "boxes", np.zeros((4, 4), np.float32), r"'det'.*'boxes'[\s\S]*\(5, 4\)"),
        ("det", "classes", np.zeros(5, np.int64), r"'det'.*'classes'[\s\S]*int32[\s\S]*int64"),
        ("age", "years", 3.0, r"'age'.*'years'[\s\S]*float64"),
        ("age", "months", np.float32(3), r"'age' encodes other labels"),
    ],
)
def test_labels_that_break_their_promise(layout, head, label, value, message):
    one = good(0)
    one.labels[head][label] = value
    with pytest.raises(DataError, match=message + r"[\s\S]*sample 's0'"):
        layout.check([one])


def test_a_missing_label(layout):
    one = good(0)
    del one.labels["det"]["boxes"]
    with pytest.raises(DataError, match="other labels than it declares"):
        layout.check([one])


def test_two_labels_of_one_name():
    with pytest.raises(DataError, match="Two labels are called 'a_b_c'"):
        BatchLayout((4, 6), [Head("a", Label("b_c", ())), Head("a_b", Label("c", ()))])
