import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.calibration import calibration_curve

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import CalibrationError
from densefit.metrics.classification.calibration import bin_of

MANY = settings(max_examples=40, deadline=None, derandomize=True)


def ids(n):
    return [f"{i:02d}" for i in range(n)]


def of(chances, labels, **chosen):
    metric = CalibrationError(**chosen)
    metric.update(chances, labels, ids(len(labels)))
    return metric


@st.composite
def datasets(draw):
    """(probabilities (n, 3), labels): in 16ths, so that many lie on the edge of a bin."""
    cuts = draw(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 16)), min_size=1, max_size=9))
    rows = [(min(cut), max(cut) - min(cut), 16 - max(cut)) for cut in cuts]
    labels = draw(arrays.arrays(np.int64, len(rows), elements=st.sampled_from([0, 1, 2, 255])))
    return np.array(rows, np.float32) / 16, labels


def plain(chances, labels, bins, ignore_label=255):
    """A loop over bins, and in each over all predictions."""
    rows = [
        (max(p), p.index(max(p)) == t)
        for p, t in zip(chances.tolist(), labels.tolist())
        if t != ignore_label
    ]
    if not rows:
        return dict.fromkeys(("ECE", "MCE", "confidence", "accuracy"), np.nan)
    ece, mce = 0.0, 0.0
    for b in range(bins):
        inside = [row for row in rows if b / bins < row[0] <= (b + 1) / bins]
        if inside:
            confidence = sum(row[0] for row in inside) / len(inside)
            accuracy = sum(row[1] for row in inside) / len(inside)
            ece += len(inside) / len(rows) * abs(accuracy - confidence)
            mce = max(mce, abs(accuracy - confidence))
    confidence, accuracy = (sum(column) / len(rows) for column in zip(*rows))
    return {"ECE": ece, "MCE": mce, "confidence": confidence, "accuracy": accuracy}


@pytest.mark.parametrize("bins", [1, 4, 15])
@MANY
@given(data=datasets())
def test_equals_a_plain_loop(data, bins):
    numbers = of(*data, bins=bins, ignore_label=255).compute()
    expected = plain(*data, bins)
    assert list(numbers) == list(expected)
    np.testing.assert_allclose(list(numbers.values()), list(expected.values()), atol=1e-12)


@MANY
@given(datasets(), st.data())
def test_parts_in_any_order_merge_into_the_whole(data, more):
    order = more.draw(st.permutations(range(len(data[0]))))
    cut = more.draw(st.integers(0, len(order)))
    first, second = (
        of(data[0][rows], data[1][rows], ignore_label=255) for rows in (order[:cut], order[cut:])
    )
    first.merge(second)
    whole = of(*data, ignore_label=255).compute()
    np.testing.assert_allclose(list(first.compute().values()), list(whole.values()), rtol=1e-12)


@MANY
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=20))
def test_bins_are_those_of_sklearn(rows):
    """Through the chance of class 1 of two, which is what `calibration_curve` bins."""
    chance = np.array([8 + row[0] for row in rows]) / 16  # 0.5 to 1: it is the highest
    right = np.array([row[1] for row in rows])
    metric = of(
        np.stack([1 - chance, chance], 1), np.where(chance == 0.5, 1 - right, right), bins=8
    )
    accuracy, confidence = calibration_curve(right, chance, n_bins=8)
    line = metric.details()["reliability"].lines["measured"]
    np.testing.assert_allclose(line.x, confidence, rtol=1e-12)
    np.testing.assert_allclose(line.y, accuracy, rtol=1e-12)


def test_an_edge_belongs_to_the_bin_below():
    assert bin_of(np.arange(16) / 15, 15).tolist() == [0, *range(15)]
    assert bin_of(np.nextafter(np.arange(15) / 15, 1), 15).tolist() == list(range(15))


def test_dense_is_as_many_samples():
    r = np.random.default_rng(0)
    chances = r.dirichlet(np.ones(4), (3, 5, 6)).transpose(0, 3, 1, 2)
    labels = r.integers(0, 4, (3, 5, 6))
    labels[1, 2] = 255
    flat = chances.transpose(0, 2, 3, 1).reshape(-1, 4), labels.ravel()
    one, other = (of(*data, ignore_label=255).compute() for data in ((chances, labels), flat))
    np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-12)


def test_the_diagram_leaves_empty_bins_out():
    metric = of(np.array([[0.75, 0.25], [0.25, 0.75]]), np.array([0, 0]), bins=10)
    curves = metric.details()["reliability"]
    assert (curves.x_label, curves.y_label) == ("confidence", "accuracy")
    line = curves.lines["measured"]
    assert (line.x.tolist(), line.y.tolist(), line.threshold) == ([0.75], [0.5], None)
    assert len(CalibrationError().details()["reliability"].lines["measured"].x) == 0


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_rounded_probabilities_are_fine(kind):
    r = np.random.default_rng(0)
    logits = r.normal(size=(20, 1000)) * 3
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert of(chances.astype(kind), r.integers(0, 1000, 20)).counts.sum() == 20


def test_a_confidence_is_no_more_than_one():
    numbers = of(np.float64([[1.0005, -0.0005]]), np.array([0])).compute()
    assert numbers["confidence"] == 1.0


@pytest.mark.parametrize(
    "row", [[2.0, -1.0], [0.4, 0.4], [0.6, 0.6], [np.nan, 0.5], [np.inf, 0.0], [0.5, -0.5]]
)
def test_logits_are_told(row):
    metric = CalibrationError()
    with pytest.raises(DataError, match="sample '01'(.|\n)*are these logits"):
        metric.update(np.array([[0.5, 0.5], row]), np.array([0, 0]), ids(2))
    pixels = np.moveaxis(np.array([[[0.5, 0.5]] * 3, [[0.5, 0.5], row, [0.5, 0.5]]]), 2, 1)
    with pytest.raises(DataError, match="sample '01'"):
        metric.update(pixels, np.zeros((2, 3)), ids(2))
    assert metric.counts.sum() == 0


def test_what_is_wrong_is_told(older):
    with pytest.raises(DataError, match="all classes"):
        of(np.zeros(3), np.zeros(3))
    with pytest.raises(DataError, match="sample '01'"):
        of(np.full((2, 2), 0.5), np.array([0, 2]))
    with pytest.raises(ConfigError, match="1 or more"):
        CalibrationError(bins=0)
    with pytest.raises(ConfigError, match="other settings"):
        CalibrationError().merge(CalibrationError(bins=10))
    with pytest.raises(CheckpointError, match=r"\(15,\)"):
        CalibrationError().load_state_dict(older(CalibrationError(bins=10).state_dict()))
