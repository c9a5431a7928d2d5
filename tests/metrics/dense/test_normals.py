import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import SurfaceNormals
from densefit.metrics.dense.angles import angles, median_of
from tests.executor import engine_array


def maps(shapes, seed=0):
    """Predictions and targets, some true vectors unknown."""
    r = np.random.default_rng(seed)
    target = [r.normal(size=(*shape, 3)) for shape in shapes]
    prediction = [one + 0.5 * r.normal(size=one.shape) for one in target]
    for one in target:
        one[r.random(one.shape[:2]) < 0.2] = 0.0
        one[r.random(one.shape[:2]) < 0.1] = np.nan
        one[r.random(one.shape[:2]) < 0.1, 1] = np.inf
    return prediction, target


def errors(prediction, target, valid=None):
    """All angles of valid pixels, in a list."""
    found = []
    for image, (p, t) in enumerate(zip(prediction, target)):
        for y, x in np.ndindex(p.shape[:2]):
            known = np.isfinite(t[y, x]).all() and t[y, x].any()
            if known and (valid is None or valid[image][y, x]):
                found.append(float(angles(p[y, x], t[y, x])))
    return found


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.booleans(), st.sampled_from([3, 100, 1 << 16]))
def test_equals_all_pixels_in_a_list(seed, masked, bins):
    shapes = [(3, 4), (1, 1), (5, 2)]
    prediction, target = maps(shapes, seed)
    valid = (
        [np.random.default_rng(seed).random(shape) < 0.5 for shape in shapes] if masked else None
    )
    truths = [{"normals": t, "valid": v} for t, v in zip(target, valid)] if masked else target
    metric = SurfaceNormals(bins)
    metric.update(prediction, truths, ["a", "b", "c"])
    expected = np.array(errors(prediction, target, valid))
    found = metric.compute()
    if not expected.size:
        assert np.isnan(list(found.values())).all()
        return
    exact = {
        "mean_angle": expected.mean(),
        "RMSE_angle": math.sqrt((expected**2).mean()),
        "within_11.25": (expected < 11.25).mean(),
        "within_22.5": (expected < 22.5).mean(),
        "within_30": (expected < 30).mean(),
    }
    assert {key: found[key] for key in exact} == pytest.approx(exact, rel=1e-12)
    assert abs(found["median_angle"] - np.median(expected)) < 180 / bins
    assert set(found) == {*exact, "median_angle"}


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.sampled_from([1, 7, 20]))
def test_the_median_is_off_by_less_than_a_bin(eighths, bins):
    values = np.array(eighths) * 4.5  # many equal, many on the edges of bins, 0 and 180 among them
    histogram = np.bincount(np.ceil(values * bins / 180).astype(int), minlength=bins + 1)
    assert abs(median_of(histogram) - np.median(values)) < 180 / bins


def test_smooth_angles_give_a_median_much_closer_than_a_bin():
    values = np.random.default_rng(0).gamma(2.0, 6.0, 200_001)
    values = values[values < 180]
    histogram = np.bincount(np.ceil(values * (1 << 12) / 180).astype(int), minlength=(1 << 12) + 1)
    assert median_of(histogram) == pytest.approx(np.median(values), abs=0.1 * 180 / (1 << 12))


def test_perfect_and_opposite():
    target = np.random.default_rng(0).normal(size=(1, 6, 7, 3))
    perfect, opposite = SurfaceNormals(), SurfaceNormals()
    perfect.update(target * 2, target, ["a"])
    assert list(perfect.compute().values()) == [0, 0, 0, 1, 1, 1]
    opposite.update(-target, target, ["a"])
    found = opposite.compute()
    assert found["mean_angle"] == 180.0
    assert found["median_angle"] == pytest.approx(180.0, abs=180 / 65536)
    assert found["within_30"] == 0.0


def test_pixels_are_pooled():
    z, x = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    metric = SurfaceNormals()
    targets = [np.tile(z, (1, 1, 1)), np.tile(z, (3, 3, 1))]
    metric.update([np.tile(x, (1, 1, 1)), targets[1]], targets, ["a", "b"])
    assert metric.compute()["mean_angle"] == 9.0
    assert metric.compute()["within_30"] == 0.9


def test_thresholds_count_what_is_below():
    degrees = np.array([0.0, 11.2499, 11.2501, 22.4999, 22.5001, 29.9999, 30.0001, 90.0])
    radians = np.radians(degrees)
    prediction = np.stack([np.sin(radians), 0 * radians, np.cos(radians)], axis=-1)[None]
    metric = SurfaceNormals()
    metric.update([prediction], [np.tile([0.0, 0.0, 2.0], (1, 8, 1))], ["a"])
    found = metric.compute()
    assert [found[f"within_{limit}"] for limit in ("11.25", "22.5", "30")] == [2 / 8, 4 / 8, 6 / 8]


def test_forms_that_are_taken():
    prediction, target = np.random.default_rng(0).normal(size=(2, 2, 4, 5, 3)).astype(np.float32)
    plain = SurfaceNormals()
    plain.update(prediction, target, ["a", "b"])
    listed = SurfaceNormals()
    valid = np.ones((4, 5), np.uint8)
    listed.update(
        [engine_array(one) for one in prediction],
        [{"normals": engine_array(one), "valid": engine_array(valid)} for one in target],
        ["a", "b"],
    )
    assert listed.compute() == plain.compute()


def test_a_zero_prediction_is_at_right_angles():
    metric = SurfaceNormals()
    metric.update([np.zeros((1, 1, 3))], [np.ones((1, 1, 3))], ["a"])
    assert metric.compute()["mean_angle"] == 90.0


def test_what_does_not_fit_names_the_sample():
    fine = np.ones((2, 4, 3))
    wild = fine.copy()
    wild[1, 2, 0] = np.nan
    cases = [
        (np.ones((3, 2, 4)), fine, r"transpose\(1, 2, 0\)"),
        (fine, np.ones((2, 4)), "A truth of normals is not a map of vectors"),
        (np.ones((2, 4, 3), np.uint8), fine, "127.5"),
        (np.ones((2, 5, 3)), fine, "prediction of normals and its truth differ"),
        (fine, {"normals": fine, "valid": np.ones((4, 2))}, "A valid mask of normals"),
        (fine, {"depth": fine}, "lacks normals"),
        (wild, fine, "not finite"),
    ]
    for prediction, target, message in cases:
        with pytest.raises(DataError, match=message) as error:
            SurfaceNormals().update([fine, prediction], [fine, target], ["fine", "broken"])
        assert "'broken'" in error.value.where
    unknown = fine.copy()
    unknown[1, 2] = 0
    SurfaceNormals().update([wild], [unknown], ["a"])  # anything may be predicted there


def test_other_bins_do_not_fit(older):
    with pytest.raises(ConfigError, match="needs bins"):
        SurfaceNormals(0)
    with pytest.raises(ConfigError, match="bins=7"):
        SurfaceNormals(7).merge(SurfaceNormals(8))
    with pytest.raises(CheckpointError, match=r"histogram \(9,\)"):
        SurfaceNormals(7).load_state_dict(older(SurfaceNormals(8).state_dict()))
