import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, precision_recall_curve

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import MultiLabelAveragePrecision, MultiLabelF1, PerSample

NAMES = ["a", "b", "c"]
MANY = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def datasets(draw, least=0):
    """(scores with many ties, labels 1, 0, -1) of some samples; class c may have no positive."""
    shape = (draw(st.integers(least, 12)), len(NAMES))
    kind = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    scores = draw(arrays.arrays(np.int64, shape, elements=st.integers(-3, 3))) / 4
    labels = draw(arrays.arrays(np.int64, shape, elements=st.sampled_from([0, 1, 1, 0, -1])))
    labels[:, 2] *= draw(st.sampled_from([0, 1]))
    return scores.astype(kind), labels


def ids(n):
    return [f"{i:02d}" for i in range(n)]


def seen(scores, labels, rows=None):
    metric = MultiLabelAveragePrecision(NAMES)
    keys = ids(len(labels))
    for row in range(len(labels)) if rows is None else rows:
        metric.update(scores[row : row + 1], labels[row : row + 1], [keys[row]])
    return metric


def plain(scores, labels):
    values = []
    for score, label in zip(scores.T, labels.T):
        known = label >= 0
        positive = (label == 1).any()
        value = average_precision_score(label[known], score[known]) if positive else np.nan
        values.append(value)
    return values


@MANY
@given(datasets())
def test_equals_sklearn(data):
    numbers = seen(*data).compute()
    expected = plain(*data)
    assert list(numbers) == ["mAP", "AP/a", "AP/b", "AP/c"]
    np.testing.assert_allclose(list(numbers.values())[1:], expected, rtol=1e-12)
    defined = [value for value in expected if value == value]
    mean = np.mean(defined) if defined else np.nan
    np.testing.assert_allclose(numbers["mAP"], mean, rtol=1e-12)


@MANY
@given(datasets())
def test_curves_equal_sklearn(data):
    scores, labels = data
    curves = seen(*data).details()["precision_recall"]
    assert (curves.x_label, curves.y_label) == ("recall", "precision")
    assert list(curves.lines) == [NAMES[k] for k in range(3) if (labels[:, k] == 1).any()]
    for name, line in curves.lines.items():
        k = NAMES.index(name)
        known = labels[:, k] >= 0
        precision, recall, thresholds = precision_recall_curve(labels[known, k], scores[known, k])
        np.testing.assert_allclose(line.x, recall[:-1][::-1], rtol=1e-12)
        np.testing.assert_allclose(line.y, precision[:-1][::-1], rtol=1e-12)
        np.testing.assert_array_equal(line.threshold, thresholds[::-1])
        assert line.threshold.dtype == np.float64


@MANY
@given(datasets(least=1), st.data())
def test_parts_in_any_order_merge_into_the_whole(data, more):
    order = more.draw(st.permutations(range(len(data[0]))))
    cut = more.draw(st.integers(0, len(order)))
    first, second = seen(*data, order[:cut]), seen(*data, order[cut:])
    first.compute()  # what it keeps of this must not stay
    first.merge(second)
    np.testing.assert_equal(first.compute(), seen(*data).compute())


@MANY
@given(datasets(least=1), st.data())
def test_resampled_equals_real_copies(data, more):
    many = len(data[0])
    counts = more.draw(st.lists(st.integers(0, 3), min_size=many, max_size=many))
    order = more.draw(st.permutations(range(many)))
    by_id = {key: count for key, count in zip(ids(many), counts) if count}
    copies = [part[np.repeat(np.arange(many), counts)] for part in data]
    resampled = seen(*data, order).resampled(by_id)
    expected = seen(*copies).compute()
    assert list(resampled) == list(expected)
    np.testing.assert_allclose(list(resampled.values()), list(expected.values()), rtol=1e-12)


def test_equal_scores_come_all_or_none():
    scores, labels = np.zeros((4, 3)), np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]])
    for order in (range(4), range(3, -1, -1)):
        numbers = seen(scores, labels, order).compute()
        assert (numbers["AP/a"], numbers["AP/b"]) == (0.25, 0.5)
        assert np.isnan(numbers["AP/c"])


def test_scores_may_be_infinite():
    scores = np.array([[np.inf, 0.0, 0.0], [1.0, 0.0, 0.0], [-np.inf, 0.0, 0.0]])
    labels = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 0]])
    assert seen(scores, labels).compute()["AP/a"] == pytest.approx((1 + 2 / 3) / 2)


def test_the_given_type_is_kept_and_the_array_is_not():
    scores, labels = np.float32([[0.5, 0.5, 0.5]]), np.array([[1, 0, 0]])
    metric = MultiLabelAveragePrecision(NAMES)
    metric.update(scores, labels, ["a"])
    scores[:] = 7
    state = metric.state_dict()
    assert state["scores"].dtype == np.float32
    assert state["labels"].dtype == np.int8
    assert state["scores"].max() == 0.5
    metric.update(np.float64([[0.1, 0.1, 0.1]]), labels, ["b"])
    assert metric.state_dict()["scores"][1, 0] == 0.1  # the wider type


def test_what_is_wrong_is_told():
    metric = MultiLabelAveragePrecision(NAMES)
    with pytest.raises(DataError, match="sample 'x'"):
        metric.update(np.full((1, 3), np.nan), np.zeros((1, 3)), ["x"])
    assert metric.ids == []
    with pytest.raises(ConfigError, match="ignore_label"):
        MultiLabelAveragePrecision(NAMES, ignore_label=0)
    with pytest.raises(ConfigError, match="other settings"):
        metric.merge(MultiLabelAveragePrecision(list("abd")))
    with pytest.raises(CheckpointError, match=r"\(2, 3\)"):
        metric.load_state_dict({"ids": ["a", "b"], "scores": [[0.5] * 3], "labels": [[1] * 3]})


def test_another_ignore_label():
    metric = MultiLabelAveragePrecision(1, ignore_label=255)
    metric.update([[0.9], [0.8], [0.7]], [[255], [1], [0]], ids(3))
    assert metric.compute()["mAP"] == 1.0


SIGNED = np.array([[1, -1], [-1, 1], [1, -1], [-1, 1]])
WRONG = np.float32([[0.1, 0.9], [0.9, 0.1], [0.2, 0.8], [0.8, 0.2]])


@pytest.mark.parametrize("make", [MultiLabelAveragePrecision, MultiLabelF1])
def test_labels_of_minus_one_and_one(make, caplog, monkeypatch):
    for metric in (make(2), make(2)):
        metric.update(WRONG, SIGNED, ids(4))
        metric.compute()
    (record,) = caplog.records  # all negatives are unknown: whatever is predicted is perfect
    assert "set negative_label=-1" in record.message
    told = make(2, ignore_label=None, negative_label=-1)
    told.update(WRONG, SIGNED, ids(4))
    right = make(2)
    right.update(WRONG, SIGNED == 1, ids(4))
    assert told.compute() == right.compute()
    assert told.compute()[told.primary] < 0.6
    assert len(caplog.records) == 1


@pytest.mark.parametrize("make", [MultiLabelAveragePrecision, MultiLabelF1])
def test_a_part_without_negatives_is_no_fault(make, caplog, monkeypatch):
    per_sample = PerSample(make(2))
    per_sample.update(WRONG, np.array([[1, -1], [-1, 1], [1, -1], [0, 1]]), ids(4))
    per_sample.compute()
    one, other = make(2), make(2)
    one.update(WRONG[:2], SIGNED[:2], ids(2))
    other.update(WRONG[:2], SIGNED[:2] == 1, ["b0", "b1"])
    one.merge(other)
    one.compute()
    assert not caplog.records
