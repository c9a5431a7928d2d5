import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import Depth
from densefit.metrics.dense.depth_errors import NUMBERS, depth_errors
from tests.executor import engine_array


def reference(prediction, target, valid=None, low=0.0, high=math.inf):
    """The formulas of the papers, pixel by pixel."""
    pairs = []
    for y in range(target.shape[0]):
        for x in range(target.shape[1]):
            t = float(target[y, x])
            counts = not math.isnan(t) and low < t < high and (valid is None or valid[y, x])
            if counts:
                pairs.append((float(prediction[y, x]), t))
    if not pairs:
        return None
    n = len(pairs)
    logs = [math.log(p) - math.log(t) for p, t in pairs]
    scatter = math.fsum(d * d for d in logs) / n - (math.fsum(logs) / n) ** 2
    return {
        "AbsRel": math.fsum(abs(p - t) / t for p, t in pairs) / n,
        "SqRel": math.fsum((p - t) ** 2 / t for p, t in pairs) / n,
        "RMSE": math.sqrt(math.fsum((p - t) ** 2 for p, t in pairs) / n),
        "RMSE_log": math.sqrt(math.fsum(d * d for d in logs) / n),
        "log10": math.fsum(abs(math.log10(p) - math.log10(t)) for p, t in pairs) / n,
        "SILog": 100 * math.sqrt(max(scatter, 0.0)),
        "delta1": sum(max(p / t, t / p) < 1.25 for p, t in pairs) / n,
        "delta2": sum(max(p / t, t / p) < 1.25**2 for p, t in pairs) / n,
        "delta3": sum(max(p / t, t / p) < 1.25**3 for p, t in pairs) / n,
    }


@st.composite
def images(draw):
    """(prediction, target, valid or None), with holes of every kind."""
    r = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    target = r.choice([0.5, 1.0, 2.0, 4.0, 5.0, r.random() * 9], shape)
    target[r.random(shape) < 0.3] = draw(st.sampled_from([0.0, -1.0, math.nan, math.inf, 1e6]))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    factor = r.choice([1.0, 1.25, 1.25**2, 0.8, 0.5, 0.1 + r.random()], shape)
    prediction = np.where(np.isfinite(target) & (target > 0), target * factor, -7.0).astype(dtype)
    valid = r.random(shape) < 0.7 if draw(st.booleans()) else None
    if valid is not None:
        prediction[~valid] = 0.0
    return prediction, target.astype(dtype), valid


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(images(), min_size=1, max_size=4), st.sampled_from([(0, math.inf), (0.5, 5.0)]))
def test_equals_the_formulas(samples, limits):
    metric = Depth(*limits)
    targets = [t if v is None else {"depth": t, "valid": v} for _, t, v in samples]
    metric.update([p for p, _, _ in samples], targets, [str(i) for i in range(len(samples))])
    each = [reference(*sample, *limits) for sample in samples]
    each = [numbers for numbers in each if numbers]
    found = metric.compute()
    assert list(found) == list(NUMBERS)
    if not each:
        assert np.isnan(list(found.values())).all()
        return
    for key in NUMBERS:
        mean = math.fsum(numbers[key] for numbers in each) / len(each)
        # The reference's variance is a difference of two sums: it loses half of the digits.
        assert found[key] == pytest.approx(mean, rel=1e-12, abs=1e-5 if key == "SILog" else 1e-14)


def test_a_worked_example():
    prediction, target = np.array([[2.0, 2.0]]), np.array([[1.0, 4.0]])
    found = dict(zip(NUMBERS, depth_errors(prediction, target)))
    assert found == pytest.approx(
        {
            "AbsRel": (1 + 0.5) / 2,
            "SqRel": (1 + 1) / 2,
            "RMSE": math.sqrt((1 + 4) / 2),
            "RMSE_log": math.log(2),
            "log10": math.log10(2),
            "SILog": 100 * math.log(2),
            "delta1": 0.0,
            "delta2": 0.0,
            "delta3": 0.0,
        }
    )


def test_thresholds_are_strict():
    target = np.ones((1, 4))
    prediction = np.array([[1.25, 1.25**2, 1.25**3, 1.0]])
    assert depth_errors(prediction, target)[6:].tolist() == [0.25, 0.5, 0.75]
    assert depth_errors(target, prediction)[6:].tolist() == [0.25, 0.5, 0.75]


def test_limits_are_strict():
    target = np.array([[1.0, 2.0, 3.0]])
    prediction = np.array([[9.0, 4.0, 9.0]])
    assert depth_errors(prediction, target, min_depth=1.0, max_depth=3.0)[0] == 1.0
    assert depth_errors(prediction, target, min_depth=2.0, max_depth=3.0) is None


def test_silog_knows_no_scale_and_the_others_do():
    r = np.random.default_rng(0)
    target, noise = r.random((2, 20, 30)) + 0.5
    one, tripled = depth_errors(target * noise, target), depth_errors(3 * target * noise, target)
    assert tripled[5] == pytest.approx(one[5], rel=1e-12)
    assert depth_errors(3 * target, target)[5] == pytest.approx(0.0, abs=1e-12)
    assert tripled[0] > 2 * one[0]


def test_images_weigh_the_same_whatever_their_size():
    small, large = np.full((1, 1), 2.0), np.full((10, 10), 1.0)
    metric = Depth()
    metric.update([small, large], [np.ones((1, 1)), np.ones((10, 10))], ["a", "b"])
    assert metric.compute()["RMSE"] == 0.5
    metric.update([small], [np.zeros((1, 1))], ["c"])  # nothing valid
    assert metric.compute()["RMSE"] == 0.5
    assert metric.images == 2


def test_forms_that_are_taken():
    target = np.array([[1.0, 2.0]], np.float32)
    prediction = np.array([[2.0, 2.0]], np.float32)
    expected = depth_errors(prediction, target).tolist()
    for given_, truth in (
        ([prediction[None]], [target[None]]),
        (prediction[None], target[None]),
        (engine_array(prediction[None]), engine_array(target[None])),
        ([engine_array(prediction)], [{"depth": target, "valid": None}]),
        ([prediction.astype(np.float16)], [target.astype(np.uint16)]),
    ):
        metric = Depth()
        metric.update(given_, truth, ["a"])
        assert list(metric.compute().values()) == expected
    metric = Depth()
    metric.update([prediction], [{"depth": target, "valid": np.uint8([[[255, 0]]])}], ["a"])
    assert metric.compute()["AbsRel"] == 1.0


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_prediction_without_logarithm(bad):
    prediction, target = np.full((2, 2), 1.0), np.full((2, 2), 1.0)
    prediction[1] = bad
    with pytest.raises(DataError, match="sample 'x'") as error:
        Depth().update([prediction], [target], ["x"])
    assert "one of 2" in error.value.received
    target[1] = 0  # where nothing is known, anything may be predicted
    Depth().update([prediction], [target], ["x"])


def test_what_does_not_fit_names_the_sample():
    plane = np.ones((2, 3))
    cases = [
        (np.ones((3, 2)), plane, "prediction of depth and its truth differ"),
        (plane, {"depth": plane, "valid": np.ones((3, 2))}, "valid mask of depth and its truth"),
        (np.ones((2, 2, 3)), plane, "A prediction of depth is not a map"),
        (plane, np.ones(3), "A truth of depth is not a map"),
        (plane, np.full((2, 3), "near"), "A truth of depth is not a map"),
        (plane, {"disparity": plane}, "lacks depth"),
    ]
    for prediction, target, message in cases:
        with pytest.raises(DataError, match=message) as error:
            Depth().update([plane, prediction], [plane, target], ["fine", "broken"])
        assert "'broken'" in error.value.where


def test_settings_and_states():
    for limits in ((1.0, 1.0), (-1.0, 1.0), (0.0, math.nan)):
        with pytest.raises(ConfigError, match="out of order"):
            Depth(*limits)
    with pytest.raises(CheckpointError, match=r"\(3,\)"):
        Depth().load_state_dict({"sums": np.ones(3), "images": 1})


@pytest.mark.parametrize(
    ("factor", "said"), [(1000.0, "a thousand times"), (0.001, "a thousandth"), (30.0, None)]
)
def test_millimetres_beside_metres_are_told(factor, said, caplog, monkeypatch):
    r = np.random.default_rng(0)
    truth = r.uniform(1, 5, (3, 8, 8))
    metric = Depth()
    metric.update(truth * factor * r.uniform(0.8, 1.2, truth.shape), truth, list("abc"))
    for _ in range(2):
        metric.compute()
    assert [said in record.message for record in caplog.records] == [True] * (said is not None)


def test_infinitely_far_off_is_no_number_to_tell_of(caplog):
    metric = Depth()
    metric.update([np.full((2, 2), 1e150)], [np.full((2, 2), 1e-5)], ["a"])
    metric.compute()
    assert not caplog.records
