import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics import PanopticQuality
from densefit.metrics.panoptic.quality import panoptic_quality
from tests.executor import engine_array

NAMES = ["person", "car", "sky", "road"]
THINGS = ["car", "person"]


def part(pixels, labels, crowd=()):
    """Segments of a map; `labels` is id -> class, `crowd` the ids of crowds."""
    ids = list(labels)
    return {
        "map": np.array(pixels),
        "ids": np.array(ids),
        "classes": np.array(list(labels.values())),
        "crowd": np.array([key in crowd for key in ids], bool),
    }


TRUTH = part([[1, 1, 1, 1, 2, 2, 2, 2, 3, 3]], {1: 0, 2: 0, 3: 2})
FOUND = part([[8, 8, 8, 9, 9, 9, 9, 7, 7, 7]], {8: 0, 9: 0, 7: 2})


def test_one_image_by_hand():
    metric = PanopticQuality(NAMES, THINGS)
    metric.update([FOUND], [TRUTH], ["a"])
    numbers = metric.compute()
    person, sky = (3 / 4 + 3 / 5) / 2, 2 / 3
    expected = {
        "PQ": (person + sky) / 2,
        "SQ": (person + sky) / 2,
        "RQ": 1.0,
        "PQ_things": person,
        "SQ_things": person,
        "RQ_things": 1.0,
        "PQ_stuff": sky,
        "SQ_stuff": sky,
        "RQ_stuff": 1.0,
        "PQ/person": person,
        "PQ/sky": sky,
        "RQ/sky": 1.0,
    }
    assert {key: numbers[key] for key in expected} == pytest.approx(expected, rel=1e-14)
    assert len(numbers) == 9 + 3 * 4


def test_a_class_without_segments_is_in_no_mean():
    metric = PanopticQuality(NAMES, THINGS)
    metric.update([FOUND], [TRUTH], ["a"])
    numbers = metric.compute()
    for key in ("PQ", "SQ", "RQ"):
        assert np.isnan([numbers[f"{key}/car"], numbers[f"{key}/road"]]).all()


@pytest.mark.parametrize(("things", "nothing"), [(NAMES, "stuff"), ([], "things")])
def test_no_things_or_no_stuff_is_undefined(things, nothing):
    metric = PanopticQuality(NAMES, things)
    metric.update([FOUND], [TRUTH], ["a"])
    numbers = metric.compute()
    group = "things" if nothing == "stuff" else "stuff"
    for key in ("PQ", "SQ", "RQ"):
        assert np.isnan(numbers[f"{key}_{nothing}"])
        assert numbers[f"{key}_{group}"] == numbers[key] > 0


def test_what_is_missed_or_made_up_is_zero():
    metric = PanopticQuality(NAMES, THINGS)
    metric.update([part([[1, 1]], {1: 1})], [part([[1, 1]], {1: 2})], ["a"])
    numbers = metric.compute()
    for key in ("PQ", "SQ", "RQ", "PQ/car", "SQ/sky", "RQ/car", "PQ_things", "PQ_stuff"):
        assert numbers[key] == 0.0


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3, st.floats(0.51, 1)), min_size=1, max_size=6))
def test_numbers_by_the_formulas(rows):
    tp, fp, fn = np.array([row[:3] for row in rows]).T
    iou = tp * np.array([row[3] for row in rows])
    values = panoptic_quality(iou, tp, fp, fn)
    for place, (right, wrong, missed, mean) in enumerate(rows):
        pq, sq, rq = (values[key][place] for key in ("PQ", "SQ", "RQ"))
        if right + wrong + missed == 0:
            assert np.isnan([pq, sq, rq]).all()
            continue
        assert sq == pytest.approx(mean if right else 0.0)
        # The harmonic mean of precision and recall.
        assert rq == pytest.approx(2 * right / (2 * right + wrong + missed))
        assert pq == pytest.approx(sq * rq)


def test_sums_over_images_and_not_over_means():
    nothing = part([[0] * 10], {})
    metric = PanopticQuality(NAMES, THINGS)
    metric.update([FOUND, nothing], [TRUTH, TRUTH], ["a", "b"])
    assert metric.compute()["PQ/sky"] == pytest.approx((2 / 3) / 1.5)
    assert metric.compute()["RQ/person"] == pytest.approx(2 / 3)


def test_arrays_of_the_engine_and_lists():
    def of(kind, part):
        return {key: kind(value) for key, value in part.items()}

    def device(values):
        return engine_array(np.float32(values))

    plain = PanopticQuality(NAMES, THINGS)
    plain.update([FOUND], [TRUTH], ["a"])
    for kind in (np.ndarray.tolist, device):
        metric = PanopticQuality(NAMES, THINGS)
        metric.update([of(kind, FOUND)], [of(kind, TRUTH)], ["a"])
        assert metric.compute()["PQ"] == plain.compute()["PQ"]


def test_errors_name_the_sample():
    bad = {**FOUND, "map": FOUND["map"] + 1}
    for prediction, target in ((FOUND, {**TRUTH, "ids": TRUTH["ids"] + 1}), (bad, TRUTH)):
        with pytest.raises(DataError, match="an id that no segment has") as error:
            PanopticQuality(NAMES, THINGS).update([FOUND, prediction], [TRUTH, target], ["a", "b"])
        assert "'b'" in error.value.where


def test_settings_and_states_must_fit(older):
    with pytest.raises(ConfigError, match="not names of classes") as error:
        PanopticQuality(NAMES, ["car", "boat"])
    assert error.value.received == "boat"
    with pytest.raises(ConfigError, match="not names of classes"):
        PanopticQuality(["c", "a", "r"], "car")
    with pytest.raises(ConfigError, match="cannot be merged"):
        PanopticQuality(NAMES, THINGS).merge(PanopticQuality(NAMES, ["car"]))
    with pytest.raises(CheckpointError, match=r"\(4,\)"):
        PanopticQuality(2, []).load_state_dict(older(PanopticQuality(NAMES, THINGS).state_dict()))
