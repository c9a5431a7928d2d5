"""COCO numbers of keypoints against pycocotools driven directly."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.errors import ConfigError, DataError
from densefit.metrics import COCOKeypointAveragePrecision

NAMES = ["AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl"]


def case(r, images, classes, many, count=17):
    found, truth = [], []
    for _ in range(images):
        n, m = int(r.integers(0, 5)), int(r.integers(0, many))
        size = r.integers(20, 130, (n, 1, 1))
        points = np.zeros((n, count, 3))
        points[:, :, :2] = r.integers(0, 100, (n, 1, 2)) + np.round(r.random((n, count, 2)) * size)
        points[:, :, 2] = r.integers(0, 3, (n, count))
        points[r.random(n) < 0.3, :, 2] = 0  # not one is labelled
        low, high = points[:, :, :2].min(axis=1), points[:, :, :2].max(axis=1)
        if not n:
            low = high = np.zeros((0, 2))
        boxes = np.concatenate([low, high - low], axis=1)
        area = boxes[:, 2] * boxes[:, 3] * 0.6
        labels = r.integers(0, classes, n)
        truth.append(
            {
                "keypoints": points,
                "bbox": boxes,
                "classes": labels,
                "crowd": r.random(n) < r.choice([0.0, 0.3, 1.0]),
                "area": np.where(r.random(n) < 0.3, r.choice([0.0, 1024.0, 9216.0], n), area),
            }
        )
        pick = r.integers(0, max(n, 1), m)
        mine = points[pick].copy() if n else r.random((m, count, 3)) * 100
        mine[:, :, :2] += np.round(r.normal(0, 1, (m, count, 2)) * r.integers(0, 12, (m, 1, 1)))
        own = labels[pick] if n else np.zeros(m, int)
        found.append(
            {
                "keypoints": mine,
                "classes": np.where(r.random(m) < 0.8, own, r.integers(0, classes, m)),
                "scores": r.integers(0, 6, m) / 5,
            }
        )
    return found, truth


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1 << 32),
    images=st.integers(1, 6),
    classes=st.integers(1, 3),
    many=st.sampled_from([3, 12, 30]),
    limit=st.sampled_from([1, 5, 20, 100]),
    sigmas=st.sampled_from([None, [0.05], [0.1, 0.025, 0.07], [0.05] * 20]),
)
def test_equals_pycocotools_to_the_last_bit(coco_check, seed, images, classes, many, limit, sigmas):
    count = 17 if sigmas is None else len(sigmas)
    found, truth = case(np.random.default_rng(seed), images, classes, many, count)
    ids = [f"{i}.png" for i in range(images)]
    metric = COCOKeypointAveragePrecision(classes, sigmas=sigmas, max_detections=limit)
    metric.update(found, truth, ids)
    coco_check(metric, found, truth, ids)


@pytest.mark.parametrize("backend", ["densefit", "pycocotools", "faster-coco-eval"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_what_pycocotools_prints(coco_check, seed, backend):
    found, truth = case(np.random.default_rng(seed), 20, 1, 9)
    ids = [str(i) for i in range(20)]
    metric = COCOKeypointAveragePrecision(backend=backend)
    metric.update(found, truth, ids)
    evaluation, precision, _ = coco_check(metric, found, truth, ids, atol=1e-12)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    numbers = metric.compute()
    assert list(numbers) == [*NAMES, "AP/person", "AP50/person"]
    np.testing.assert_allclose(
        [numbers[name] for name in NAMES], evaluation.stats, rtol=0, atol=1e-12
    )
    assert numbers["AP/person"] == pytest.approx(precision[0].mean(), abs=1e-12)
    assert 0.03 < numbers["AP"] < 0.9


def test_the_class_may_be_left_out_if_there_is_one():
    found, truth = case(np.random.default_rng(3), 10, 1, 9)
    ids = [str(i) for i in range(10)]
    metric, bare = COCOKeypointAveragePrecision(), COCOKeypointAveragePrecision()
    metric.update(found, truth, ids)
    for part in (*found, *truth):
        del part["classes"]
    bare.update(found, truth, ids)
    np.testing.assert_array_equal(list(bare.compute().values()), list(metric.compute().values()))
    with pytest.raises(DataError, match="lacks classes"):
        COCOKeypointAveragePrecision(["person", "dog"]).update(found, truth, ids)


def test_a_given_area_of_a_prediction_decides_its_range():
    points = np.zeros((1, 17, 3)) + [[[500.0, 500.0, 2.0]]]
    nobody = {"keypoints": np.zeros((0, 17, 3)), "bbox": np.zeros((0, 4))}
    truth = {"keypoints": points, "bbox": [[480, 480, 50, 50]]}
    hit = {"keypoints": points, "scores": [0.5]}
    for area, expected in ((0.0, 1.0), (2000.0, 0.5)):
        metric = COCOKeypointAveragePrecision()
        miss = {"keypoints": points, "scores": [0.9], "area": [area]}
        metric.update([hit, miss], [truth, nobody], ["a", "b"])
        assert metric.compute()["APm"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"keypoints": np.zeros((1, 16, 3)), "bbox": [[0, 0, 1, 1]]}, r"\(n, 17, 3\)"),
        ({"keypoints": np.zeros((1, 17, 3))}, "lacks boxes"),
        ({"keypoints": np.zeros((1, 17, 3)), "bbox": [[0, 0, 1, -1]]}, "height -1"),
        ({"keypoints": np.full((1, 17, 3), np.nan), "bbox": [[0, 0, 1, 1]]}, "not all finite"),
        ({"bbox": [[0, 0, 1, 1]]}, "lacks keypoints"),
    ],
)
def test_what_is_wrong_names_the_image(part, message):
    nobody = {"keypoints": [], "scores": []}
    with pytest.raises(DataError, match=message) as error:
        COCOKeypointAveragePrecision().update([nobody], [part], ["img"])
    assert "truth of 'img'" in str(error.value)


def test_sigmas_are_checked():
    with pytest.raises(ConfigError, match="positive"):
        COCOKeypointAveragePrecision(sigmas=[0.1, 0.0])
    with pytest.raises(ConfigError, match="other settings"):
        COCOKeypointAveragePrecision().merge(COCOKeypointAveragePrecision(sigmas=[0.1]))
