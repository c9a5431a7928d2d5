import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.backend import mx
from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import SurfaceNormals
from densefit.metrics.dense.normals import angles, median_of


def reference(a, b):
    """One angle in degrees by Kahan's formula, in long doubles."""
    a, b = np.asarray(a, np.longdouble), np.asarray(b, np.longdouble)
    one, other = np.sqrt((a * a).sum()), np.sqrt((b * b).sum())
    apart = a * other - b * one
    together = a * other + b * one
    half = np.arctan2(np.sqrt((apart**2).sum()), np.sqrt((together**2).sum()))
    return float(2 * half * 180 / np.longdouble("3.14159265358979323846264338"))


@st.composite
def vectors(draw):
    """(n, 3), some of them near to each other, of wild lengths."""
    r = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(1, 12))
    first = r.normal(size=(n, 3))
    near = draw(st.sampled_from([1.0, 1e-3, 1e-9]))
    second = (first + near * r.normal(size=(n, 3))) * r.choice([-1.0, 1.0], (n, 1))
    return first * 10.0 ** r.integers(-8, 8, (n, 1)), second


@settings(derandomize=True, max_examples=40, deadline=None)
@given(vectors())
def test_angles_are_right_to_the_last_digits(pair):
    first, second = pair
    expected = [reference(a, b) for a, b in zip(first, second)]
    np.testing.assert_allclose(angles(first, second), expected, rtol=0, atol=1e-13)


def test_angles_that_are_known():
    z = np.array([0.0, 0.0, 1.0])
    assert angles(z, 5 * z) == 0.0
    assert angles(z, -z) == 180.0
    assert angles(z, np.array([1.0, 0.0, 0.0])) == 90.0
    assert angles(z, np.zeros(3)) == 90.0
    assert angles(np.zeros(3), np.zeros(3)) == 90.0
    tiny = 1e-7  # degrees; the arccos of a double cosine says 0
    turned = np.array([math.sin(math.radians(tiny)), 0.0, math.cos(math.radians(tiny))])
    assert angles(z, turned) == pytest.approx(tiny, rel=1e-12)
    assert angles(1e300 * z, 1e-300 * np.array([1.0, 0.0, 1.0])) == pytest.approx(45.0)
    r = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert (angles(r, r) == 0).all()
    assert (angles(r, -r) == 180).all()


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
                found.append(reference(p[y, x], t[y, x]))
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
        [mx.nd.array(one) for one in prediction],
        [{"normals": mx.nd.array(one), "valid": mx.nd.array(valid)} for one in target],
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
