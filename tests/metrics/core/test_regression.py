import numpy as np
import pytest

from densefit.errors import DataError
from densefit.metrics import MAE, MSE, RMSE


def ids(n):
    return [str(i) for i in range(n)]


TRUTH, PREDICTED = np.zeros(5, np.float32), np.float32([1, 1, 1, 0, 10])
PARTS = (slice(0, 4), slice(4, 5))


def test_is_not_a_mean_of_batch_means():
    ours = [MAE(), MSE(), RMSE()]
    for part in PARTS:
        for metric in ours:
            metric.update(PREDICTED[part], TRUTH[part], ids(len(TRUTH[part])))
    assert ours[0].compute() == {"mae": 2.6}
    assert ours[1].compute() == {"mse": 20.6}
    assert ours[2].compute()["rmse"] == pytest.approx(20.6**0.5)


def test_mxnets_give_a_batch_of_one_as_much_weight_as_one_of_four(mx):
    theirs = [mx.metric.MAE(), mx.metric.MSE()]
    for part in PARTS:
        for metric in theirs:
            metric.update([mx.nd.array(TRUTH[part])], [mx.nd.array(PREDICTED[part])])
    assert [metric.get()[1] for metric in theirs] == [(0.75 + 10) / 2, (0.75 + 100) / 2]


def test_a_column_is_a_row_of_numbers_and_never_broadcasts():
    metric = MSE()
    metric.update(np.float32([[1], [2], [3]]), np.float32([1, 2, 5]), ids(3))
    assert metric.count == 3
    assert metric.compute()["mse"] == pytest.approx(4 / 3)
    with pytest.raises(DataError, match=r"\(3, 2\)"):
        metric.update(np.zeros((3, 2)), np.zeros(3), ids(3))


def test_every_number_weighs_the_same():
    r = np.random.default_rng(0)
    given, truth = r.normal(size=(6, 3, 2)), r.normal(size=(6, 3, 2))
    for metric, expected in (
        (MAE(), np.abs(given - truth).mean()),
        (MSE(), ((given - truth) ** 2).mean()),
        (RMSE(), np.sqrt(((given - truth) ** 2).mean())),
    ):
        metric.update(given, truth, ids(6))
        assert metric.compute()[metric.primary] == pytest.approx(expected)


def test_samples_of_different_sizes():
    metric = MAE()
    metric.update([np.ones((2, 2)), np.ones((1, 3))], [np.zeros((2, 2)), np.ones((1, 3))], ids(2))
    assert metric.compute()["mae"] == pytest.approx(4 / 7)
    with pytest.raises(DataError, match="differ in shape"):
        metric.update([np.ones((2, 2)), np.ones((1, 3))], [np.ones((2, 2)), np.ones(3)], ids(2))


def test_unsigned_integers_do_not_wrap():
    metric = MAE()
    metric.update(np.uint8([1]), np.uint8([3]), ids(1))
    assert metric.compute()["mae"] == 2.0


def test_nothing_seen_is_nan():
    assert all(np.isnan(m.compute()[m.primary]) for m in (MAE(), MSE(), RMSE()))
