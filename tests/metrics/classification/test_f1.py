import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score, precision_recall_fscore_support

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import F1

NAMES = ["a", "b", "c", "d"]
MANY = settings(max_examples=40, deadline=None, derandomize=True)
AVERAGES = ("macro", "micro", "weighted")
KEYS = ("precision", "recall", "F1")


def ids(n):
    return [f"{i:02d}" for i in range(n)]


def of(predictions, targets, **chosen):
    metric = F1(NAMES, **chosen)
    metric.update(predictions, targets, ids(len(targets)))
    return metric.compute()


@st.composite
def datasets(draw):
    """(predictions, labels) of at least one sample, some classes often missing on either side."""
    many = draw(st.integers(1, 10))
    label = st.sampled_from([0, 0, 1, 2, 3])
    sides = (arrays.arrays(np.int64, many, elements=label) for _ in range(2))
    return tuple(draw(side) for side in sides)


def expected(predictions, labels, **more):
    """scikit-learn's numbers under our names, in our order."""
    numbers = {}
    for average in AVERAGES:
        values = precision_recall_fscore_support(
            labels, predictions, labels=range(4), average=average, zero_division=np.nan
        )
        numbers.update((f"{key}_{average}", value) for key, value in zip(KEYS, values))
    each = precision_recall_fscore_support(
        labels, predictions, labels=range(4), average=None, zero_division=np.nan
    )
    for key, values in zip(KEYS, each):
        numbers.update((f"{key}/{name}", value) for name, value in zip(NAMES, values))
    return numbers


@MANY
@given(datasets())
def test_equals_sklearn(data):
    numbers, theirs = of(*data), expected(*data)
    assert set(numbers) == set(theirs)
    assert all(type(value) is float for value in numbers.values())
    for key, value in numbers.items():
        np.testing.assert_allclose(value, theirs[key], rtol=1e-12, err_msg=key)


@MANY
@given(datasets(), st.data())
def test_parts_in_any_order_merge_into_the_whole(data, more):
    order = more.draw(st.permutations(range(len(data[0]))))
    cut = more.draw(st.integers(0, len(order)))
    parts = []
    for rows in (order[:cut], order[cut:]):
        parts.append(F1(NAMES))
        parts[-1].update(data[0][rows], data[1][rows], ids(len(rows)))
    parts[0].merge(parts[1])
    np.testing.assert_equal(parts[0].compute(), of(*data))


def test_sklearns_default_differs_only_by_what_is_undefined():
    labels = np.array([0, 1, 2, 3, 3])
    found = np.array([0, 2, 2, 3, 0])
    theirs = f1_score(labels, found, average=None)
    assert [of(found, labels)[f"F1/{name}"] for name in NAMES] == pytest.approx(theirs)
    absent = np.array([0, 1]), np.array([0, 1])
    assert of(*absent)["F1_macro"] == 1.0
    assert f1_score(*absent, labels=range(4), average="macro", zero_division=0) == 0.5


def test_the_highest_score_wins_and_the_first_among_equals():
    scores = np.float32([[0, 1, 0, 0], [2, 2, 0, 0], [-1, -2, -1, -3]])
    np.testing.assert_equal(of(scores, np.array([1, 0, 2])), of([1, 0, 0], np.array([1, 0, 2])))


def test_dense():
    r = np.random.default_rng(0)
    scores, labels = r.random((3, 4, 5, 6)), r.integers(0, 4, (3, 5, 6))
    labels[:, 0] = 255
    found, valid = scores.argmax(1), labels != 255
    theirs = expected(found[valid], labels[valid])
    for predictions in (scores, found):
        numbers = of(predictions, labels, ignore_label=255)
        np.testing.assert_allclose([numbers[key] for key in theirs], list(theirs.values()))


def test_what_is_predicted_where_nothing_counts_does_not_matter():
    labels = np.array([0, 255, 1])
    numbers = of(np.array([0, 99, 1]), labels, ignore_label=255)
    assert numbers["F1_micro"] == numbers["F1_macro"] == 1.0


@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        (np.array([0, 4]), np.array([0, 0]), "0 to 3(.|\n)*4(.|\n)*sample '01'"),
        (np.array([0, -1]), np.array([0, 0]), "-1(.|\n)*sample '01'"),
        (np.array([0, 1]), np.array([0, 4]), "sample '01'"),
        (np.zeros((2, 3)), np.array([0, 0]), r"\(n, 4, ...\)(.|\n)*\(2, 3\)"),
        (np.array([[0, 0, 0, 0], [0, np.nan, 0, 0]]), np.array([0, 0]), "nan(.|\n)*sample '01'"),
        (np.zeros((2, 4)), np.zeros((2, 2)), r"shape \(2,\)"),
    ],
)
def test_what_is_wrong_is_told(predictions, targets, message):
    metric = F1(NAMES)
    with pytest.raises(DataError, match=message):
        metric.update(predictions, targets, ids(2))
    assert metric.positives.sum() == 0


def test_other_classes_do_not_merge_or_load(older):
    with pytest.raises(ConfigError, match="other settings"):
        F1(NAMES).merge(F1(3))
    with pytest.raises(CheckpointError, match=r"\(4,\)"):
        F1(NAMES).load_state_dict(older(F1(3).state_dict()))
