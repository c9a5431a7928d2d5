import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import precision_recall_fscore_support

from densefit.errors import ConfigError, DataError
from densefit.metrics import MultiLabelF1

NAMES = ["a", "b", "c"]
MANY = settings(max_examples=40, deadline=None, derandomize=True)
KEYS = ("precision", "recall", "F1")
SHAPES = st.integers(1, 8).map(lambda n: (n, len(NAMES)))


def of(scores, labels, **chosen):
    metric = MultiLabelF1(NAMES, **chosen)
    metric.update(scores, labels, [str(i) for i in range(len(labels))])
    return metric.compute()


@MANY
@given(
    SHAPES.flatmap(
        lambda shape: st.tuples(
            arrays.arrays(np.int64, shape, elements=st.integers(0, 4)),
            arrays.arrays(np.int64, shape, elements=st.integers(0, 1)),
        )
    )
)
def test_equals_sklearn(data):
    scores, labels = data[0] / 4, data[1]
    found = scores >= 0.5  # often equal
    numbers = of(scores, labels)
    for average in ("macro", "micro", "weighted", None):
        theirs = precision_recall_fscore_support(
            labels, found, average=average, zero_division=np.nan
        )
        for key, value in zip(KEYS, theirs):
            ours = (
                [numbers[f"{key}/{name}"] for name in NAMES]
                if average is None
                else numbers[f"{key}_{average}"]
            )
            np.testing.assert_allclose(ours, value, rtol=1e-12, err_msg=f"{key} {average}")


@MANY
@given(
    SHAPES.flatmap(
        lambda shape: st.tuples(
            arrays.arrays(np.int64, shape, elements=st.integers(0, 4)),
            arrays.arrays(np.int64, shape, elements=st.sampled_from([0, 1, 1, -1])),
        )
    )
)
def test_unknown_counts_nowhere(data):
    scores, labels = data[0] / 4, data[1]
    numbers = of(scores, labels)
    for k, name in enumerate(NAMES):
        known = labels[:, k] >= 0
        pairs = [(s >= 0.5, t == 1) for s, t in zip(scores[known, k], labels[known, k])]
        right, found = sum(s and t for s, t in pairs), sum(s for s, _ in pairs)
        there = sum(t for _, t in pairs)
        f1 = 2 * right / (found + there) if found + there else np.nan
        np.testing.assert_equal(numbers[f"F1/{name}"], f1)


def test_the_threshold_is_of_the_scores_as_they_are():
    logits, labels = np.array([[-1.0, 0.0, 2.0]]), np.array([[1, 1, 1]])
    numbers = of(logits, labels, threshold=0)
    assert [numbers[f"recall/{name}"] for name in NAMES] == [0.0, 1.0, 1.0]


def test_what_is_wrong_is_told():
    with pytest.raises(DataError, match="sample '1'"):
        of(np.zeros((2, 3)), np.array([[0, 0, 0], [0, 0, 7]]))
    with pytest.raises(ConfigError, match="threshold"):
        MultiLabelF1(NAMES, threshold=float("nan"))
    with pytest.raises(ConfigError, match="ignore_label"):
        MultiLabelF1(NAMES, ignore_label=1)
