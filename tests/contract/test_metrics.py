"""What every registered metric must do."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco

import densefit as df
from densefit.errors import CheckpointError, ConfigError, DensefitError
from densefit.metrics import FunctionMetric, Metric, PerSample, metrics
from densefit.metrics.core.bootstrap import resample
from densefit.metrics.core.state import SETTINGS

N = 12


def scores():
    r = np.random.default_rng(0)
    raw = r.random((N, 6)).astype(np.float32)
    return raw / raw.sum(1, keepdims=True), r.integers(0, 6, N)


def double_scores():
    """In double, because MXNet's metrics sum in the type that they are given."""
    given, labels = scores()
    return given.astype(np.float64), labels


def numbers():
    r = np.random.default_rng(1)
    return r.normal(size=(N, 3)), r.normal(size=(N, 3))


def masks():
    r = np.random.default_rng(2)
    shapes = [(5 + i, 7) for i in range(N)]
    target = [r.integers(0, 4, shape).astype(np.uint8) for shape in shapes]
    for mask in target:
        mask[0] = 255
    return [r.integers(0, 4, shape).astype(np.uint8) for shape in shapes], target


def panoptic():
    r = np.random.default_rng(6)
    sides = []
    for side in range(2):
        sides.append([])
        for i in range(N):
            pixels = r.integers(0, 5, (4, 4)).repeat(2 + i % 3, 0).repeat(3, 1)
            if side:
                kept = sides[0][i]["map"]
                pixels = np.where(r.random(pixels.shape) < 0.2, pixels, kept)
            found = np.unique(pixels[pixels > 0])
            part = {"map": pixels, "ids": found, "classes": found % 3, "crowd": found == 4}
            sides[side].append(part)
    return sides[0], sides[1]


def depths():
    r = np.random.default_rng(4)
    shapes = [(5 + i, 7) for i in range(N)]
    target = [np.where(r.random(shape) < 0.2, 0, r.random(shape) * 9 + 1) for shape in shapes]
    target[3][:] = 0  # without any valid pixel
    target[4] = {"depth": target[4], "valid": r.random(shapes[4]) < 0.5}
    return [(r.random(shape) * 9 + 1).astype(np.float32) for shape in shapes], target


def normals():
    r = np.random.default_rng(5)
    target = [r.normal(size=(5 + i, 7, 3)) for i in range(N)]
    prediction = [(one + r.normal(size=one.shape)).astype(np.float32) for one in target]
    for one in target:
        one[0] = 0
    target[3][:] = np.nan
    return prediction, target


def multilabel():
    r = np.random.default_rng(7)
    labels = r.choice([0, 1, -1], (N, 4), p=[0.6, 0.3, 0.1])
    labels[:, 3] = 0
    return np.round(r.random((N, 4)), 1).astype(np.float32), labels  # with ties


def detections():
    r = np.random.default_rng(3)
    found, truth = [], []
    for _ in range(N):
        n = int(r.integers(0, 5))
        boxes = r.integers(0, 50, (n, 4)).astype(np.float32)
        boxes[:, 2:] = boxes[:, :2] + r.integers(5, 60, (n, 2))
        classes = r.integers(0, 3, n)
        truth.append({"boxes": boxes, "classes": classes, "crowd": r.random(n) < 0.1})
        found.append(
            {
                "boxes": np.repeat(boxes, 2, axis=0) + np.float32([0, 0, 2, 2]),
                "classes": np.repeat(classes, 2),
                "scores": np.round(r.random(2 * n), 1).astype(np.float32),  # with ties
            }
        )
    return found, truth


def instances():
    """Masks of the boxes of `detections`, as arrays and as run lengths."""
    r = np.random.default_rng(8)
    found, truth = detections()
    for part in (*found, *truth):
        boxes = part.pop("boxes").astype(int)
        part["masks"] = np.zeros((len(boxes), 115, 120), bool)
        for one, (x1, y1, x2, y2) in zip(part["masks"], boxes):
            one[y1:y2, x1:x2] = r.random((y2 - y1, x2 - x1))[: 115 - y1, : 120 - x1] < 0.95
    for part in truth[::2]:
        part["masks"] = coco.encode(np.asfortranarray(part["masks"].transpose(1, 2, 0), np.uint8))
    return found, truth


def people():
    r = np.random.default_rng(9)
    found, truth = detections()
    for one, true in zip(found, truth):
        n = len(true["boxes"])
        points = r.random((n, 17, 3)) * 80
        points[:, :, 2] = r.integers(0, 3, (n, 17))
        true["keypoints"] = points
        one["keypoints"] = np.repeat(points, 2, axis=0) + r.normal(0, 2, (2 * n, 17, 3))
        del one["boxes"]
    return found, truth


def gap(label, pred):
    return float(np.abs(label - pred).sum())


# name -> (how to make it, data: predictions and targets of N samples)
CASES = {
    "accuracy": (lambda: metrics.create("accuracy"), scores),
    "softmax_accuracy": (lambda: metrics.create("softmax_accuracy"), scores),
    "top_k": (lambda: metrics.create("top_k", k=2), scores),
    "cross_entropy": (lambda: metrics.create("cross_entropy"), scores),
    "mean": (lambda: metrics.create("mean"), numbers),
    "mae": (lambda: metrics.create("mae"), numbers),
    "mse": (lambda: metrics.create("mse"), numbers),
    "rmse": (lambda: metrics.create("rmse"), numbers),
    "confusion_matrix": (lambda: metrics.create("confusion_matrix", classes=5), masks),
    "mIoU": (lambda: metrics.create("mIoU", classes=list("abcd")), masks),
    "boundary_iou": (lambda: metrics.create("boundary_iou", classes=5), masks),
    "panoptic_quality": (
        lambda: metrics.create("panoptic_quality", classes=list("abcd"), things=["b"]),
        panoptic,
    ),
    "depth": (lambda: metrics.create("depth", max_depth=9.5), depths),
    "depth_pixels": (lambda: metrics.create("depth_pixels", max_depth=9.5), depths),
    "surface_normals": (lambda: metrics.create("surface_normals", bins=1 << 12), normals),
    "f1_score": (lambda: metrics.create("f1_score", classes=6), scores),
    "class_confusion": (lambda: metrics.create("class_confusion", classes=6), scores),
    "calibration": (lambda: metrics.create("calibration", bins=10), scores),
    "multilabel_f1": (lambda: metrics.create("multilabel_f1", classes=4), multilabel),
    "multilabel_map": (lambda: metrics.create("multilabel_map", classes=4), multilabel),
    "voc_ap": (lambda: metrics.create("voc_ap", classes=list("abcd")), detections),
    "coco_ap": (lambda: metrics.create("coco_ap", classes=list("abcd")), detections),
    "coco_mask_ap": (lambda: metrics.create("coco_mask_ap", classes=list("abcd")), instances),
    "coco_keypoint_ap": (lambda: metrics.create("coco_keypoint_ap", classes=list("abcd")), people),
}


def legacy_metric(**settings):
    from densefit.backend import mx

    return df.interop.LegacyMetric(mx.metric.create(["acc", "ce"]), **settings)


# Not in the registry, and bound by the same contract.
ADAPTERS = {
    "function": (lambda: FunctionMetric(gap), numbers),
    "legacy": (lambda: legacy_metric(), double_scores),
    "per_sample": (lambda: PerSample(metrics.create("accuracy")), scores),
    "per_sample_states": (
        lambda: PerSample(metrics.create("mIoU", classes=5), keep_states=True),
        masks,
    ),
    "per_sample_ap": (
        lambda: PerSample(metrics.create("voc_ap", classes=4), keep_states=True),
        detections,
    ),
}


# name -> the same metric with another setting, each of which changes what is counted or computed
OTHERS = {
    "softmax_accuracy": lambda: metrics.create("softmax_accuracy", multi_output=True),
    "accuracy": lambda: metrics.create("accuracy", ignore_label=0),
    "top_k": lambda: metrics.create("top_k", k=3),
    "cross_entropy": lambda: metrics.create("cross_entropy", eps=1e-3),
    "mean": lambda: metrics.create("mean", key="other"),
    "mae": lambda: metrics.create("mse"),
    "mse": lambda: metrics.create("rmse"),
    "rmse": lambda: metrics.create("mae"),
    "confusion_matrix": lambda: metrics.create("confusion_matrix", classes=5, ignore_label=0),
    "mIoU": lambda: metrics.create("mIoU", classes=list("abdc")),
    "boundary_iou": lambda: metrics.create("boundary_iou", classes=5, ratio=0.1),
    "panoptic_quality": lambda: metrics.create(
        "panoptic_quality", classes=list("abcd"), things=["c"]
    ),
    "depth": lambda: metrics.create("depth", max_depth=80),
    "depth_pixels": lambda: metrics.create("depth_pixels", max_depth=80),
    "surface_normals": lambda: metrics.create("surface_normals", bins=1 << 11),
    "f1_score": lambda: metrics.create("f1_score", classes=6, ignore_label=0),
    "class_confusion": lambda: metrics.create("class_confusion", classes=6, ignore_label=0),
    "calibration": lambda: metrics.create("calibration", bins=10, ignore_label=0),
    "multilabel_f1": lambda: metrics.create("multilabel_f1", classes=4, threshold=0.25),
    "multilabel_map": lambda: metrics.create("multilabel_map", classes=4, ignore_label=None),
    "voc_ap": lambda: metrics.create("voc_ap", classes=list("abcd"), iou=0.75),
    "coco_ap": lambda: metrics.create("coco_ap", classes=list("abcd"), max_detections=10),
    "coco_mask_ap": lambda: metrics.create("coco_mask_ap", classes=list("abcd"), max_detections=10),
    "coco_keypoint_ap": lambda: metrics.create(
        "coco_keypoint_ap", classes=list("abcd"), sigmas=[0.1] * 17
    ),
    "function": lambda: FunctionMetric(gap, key="other"),
    "legacy": lambda: legacy_metric(higher_is_better=False),
    "per_sample": lambda: PerSample(metrics.create("accuracy", ignore_label=0)),
    "per_sample_states": lambda: PerSample(
        metrics.create("mIoU", classes=5, ignore_label=0), keep_states=True
    ),
    "per_sample_ap": lambda: PerSample(
        metrics.create("voc_ap", classes=4, iou=0.75), keep_states=True
    ),
}


EVERY = [*CASES, *ADAPTERS]
EVERY[EVERY.index("legacy")] = pytest.param("legacy", marks=pytest.mark.mxnet)


@pytest.fixture(params=EVERY)
def case(request):
    make, data = {**CASES, **ADAPTERS}[request.param]
    return make, data()


def ids(first, last):
    return [f"{i:03d}" for i in range(first, last)]


def batch(metric, data, first=0, last=N, chunk=N):
    for start in range(first, last, chunk):
        stop = min(start + chunk, last)
        metric.update(data[0][start:stop], data[1][start:stop], ids(start, stop))
    return metric


def taken(data, places):
    """The rows at `places`; ids say which they are."""
    rows = [side[places] if hasattr(side, "shape") else [side[i] for i in places] for side in data]
    return (*rows, [f"{i:03d}" for i in places])


def same(one, other):
    assert list(one) == list(other)
    np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-12)


def through_json(state):
    """What a checkpoint may make of a state: arrays become lists, tuples too."""
    return json.loads(json.dumps(state, default=lambda value: value.tolist()))


def through_arrays(state):
    """The other way round: numbers come back as arrays without dimensions."""
    if isinstance(state, dict):
        return {key: through_arrays(value) for key, value in state.items()}
    if isinstance(state, list):
        return [through_arrays(value) for value in state]
    return state if isinstance(state, str) else np.asarray(state)


def test_every_registered_metric_is_here():
    built_in = {
        n for n in metrics.names() if metrics.get(n).__module__.startswith("densefit.metrics")
    }
    assert built_in == set(CASES)


def test_is_declared(case):
    metric = case[0]()
    assert isinstance(metric, Metric)
    assert type(metric.higher_is_better) is bool
    assert isinstance(metric.name, str)
    assert metric.primary in metric.compute()


def test_nothing_seen_is_nan(case):
    assert np.isnan(list(case[0]().compute().values())).all()


def test_compute_gives_floats_and_changes_nothing(case):
    make, data = case
    metric = batch(make(), data)
    first = metric.compute()
    assert first[metric.primary] == first[metric.primary], "the case must say something"
    assert all(type(key) is str and type(value) is float for key, value in first.items())
    same(first, metric.compute())
    same(first, batch(make(), data).compute())


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_batches_do_not_matter(case, chunk):
    make, data = case
    metric = make()
    for start in range(0, N, chunk):
        batch(metric, data, start, min(start + chunk, N))
        metric.compute()  # at any time
    same(metric.compute(), batch(make(), data).compute())


def test_an_empty_update_changes_nothing(case):
    make, data = case
    metric = batch(make(), data)
    before = metric.compute()
    metric.update(data[0][:0], data[1][:0], [])
    same(metric.compute(), before)


@pytest.mark.parametrize("cut", [0, 1, 5, N])
def test_halves_merge_into_the_whole(case, cut):
    make, data = case
    whole = batch(make(), data).compute()
    for first, second in (((0, cut), (cut, N)), ((cut, N), (0, cut))):
        one, other = batch(make(), data, *first), batch(make(), data, *second)
        untouched = other.compute()
        one.merge(other)
        same(one.compute(), whole)
        same(other.compute(), untouched)


@pytest.mark.parametrize("seed", range(4))
def test_parts_merge_in_any_order(case, seed):
    """Any parts, some of them empty, in any order, with the samples in any order."""
    make, data = case
    r = np.random.default_rng(seed)
    part_of = r.integers(0, 5, N)
    whole = make()
    for part in r.permutation(5):
        one = make()
        for place in np.array_split(r.permutation(np.flatnonzero(part_of == part)), 2):
            one.update(*taken(data, place))
        whole.merge(one)
    same(whole.compute(), batch(make(), data).compute())


def numbers_in(state):
    """Every number of a state, in its order, without its settings."""
    if isinstance(state, dict):
        state = [value for key, value in state.items() if key != SETTINGS]
    if isinstance(state, (list, tuple)):
        return np.concatenate([numbers_in(value) for value in state])
    return np.asarray(state, np.float64).ravel()


@pytest.mark.parametrize("name", CASES)
def test_can_be_resampled(name):
    """Thousands of resamples must not take thousands of times all samples' merges."""
    metric = CASES[name][0]()
    assert metric.additive or metric.resampled({}) is not None


def test_what_is_additive_is_added(case):
    """What a bootstrap relies on: states add up, and a sum of states is a state."""
    make, data = case
    if make().additive is False:
        return  # it promises nothing
    parts = [batch(make(), data, *ends) for ends in ((0, 5), (5, 6), (6, N))]
    assert make().additive is True
    states = [part.state_dict() for part in parts]
    assert len({numbers_in(state).shape for state in [make().state_dict(), *states]}) == 1
    merged = make()
    for part in parts:
        merged.merge(part)
    total = sum(numbers_in(state) for state in states)
    np.testing.assert_allclose(numbers_in(merged.state_dict()), total, rtol=1e-12)


def untied(prediction):
    """Found boxes without equal scores in one image: those of its copies may come in any order."""
    if not (isinstance(prediction, dict) and "scores" in prediction):
        return prediction
    step = np.arange(len(prediction["scores"]), dtype=np.float32) / 1024
    return {**prediction, "scores": prediction["scores"] + step}


def test_resampling_is_repeating_samples(case):
    """The numbers of a resample are those of a dataset in which samples are repeated."""
    make, data = case
    if isinstance(data[0], list):
        data = [untied(prediction) for prediction in data[0]], data[1]
    metric = make() if isinstance(make(), PerSample) else PerSample(make(), keep_states=True)
    if not (metric.keep_states or metric.resampled({})):
        with pytest.raises(DensefitError, match="keep_states=True"):
            list(resample(batch(metric, data), np.ones((1, N), int)))
        return
    batch(metric, data)
    counts = np.random.default_rng(6).multinomial(N, np.full(N, 1 / N), 3)
    for row, numbers in zip(counts, resample(metric, counts)):
        places = np.repeat(np.arange(N), row)
        predictions, targets, _ = taken(data, places)
        literal = metric.metric.fresh()
        # The copies' ids follow each other: ties between images are broken by ids.
        copies = [f"{place:03d}{copy:03d}" for copy, place in enumerate(places)]
        literal.update(predictions, targets, copies)
        same(numbers, literal.compute())


def test_reset_forgets(case):
    make, data = case
    metric = batch(make(), data, 0, 5)
    metric.reset()
    same(metric.compute(), make().compute())
    same(batch(metric, data).compute(), batch(make(), data).compute())


@pytest.mark.parametrize("through", [lambda state: state, through_json, through_arrays])
def test_state_continues(case, through):
    make, data = case
    metric = batch(make(), data, 0, 5)
    state = through(metric.state_dict())
    resumed = batch(make(), data, 6, N)  # what it saw before must not matter
    resumed.load_state_dict(state)
    same(resumed.compute(), metric.compute())
    same(batch(resumed, data, 5).compute(), batch(make(), data).compute())
    same(batch(metric, data, 5).compute(), batch(make(), data).compute())


def test_a_state_does_not_change_with_the_metric(case):
    make, data = case
    metric = batch(make(), data, 0, 5)
    state = metric.state_dict()
    before = json.dumps(through_json(state))
    batch(metric, data, 5)
    assert json.dumps(through_json(state)) == before


def test_a_foreign_state_is_an_error(case):
    with pytest.raises(DensefitError):
        case[0]().load_state_dict({"nonsense": 1})


@pytest.mark.parametrize("through", [lambda state: state, through_json, through_arrays])
@pytest.mark.parametrize("name", EVERY)
def test_what_other_settings_counted_is_refused(name, through):
    make, data = {**CASES, **ADAPTERS}[name]
    metric, other = batch(make(), data()), OTHERS[name]()
    before = metric.compute()
    with pytest.raises(CheckpointError, match="other settings"):
        metric.load_state_dict(through(other.state_dict()))
    with pytest.raises(ConfigError, match="other settings"):
        metric.merge(other)
    same(metric.compute(), before)


def test_a_state_without_settings_is_taken_and_told(case, caplog):
    make, data = case
    metric = batch(make(), data)
    resumed = make()
    resumed.load_state_dict(without_settings(metric.state_dict()))
    same(resumed.compute(), metric.compute())
    assert [record.message for record in caplog.records if "settings" in record.message] == [
        f"The state of the metric {metric.name!r} does not say its settings (it is of an older "
        f"version): taken to be those of now, {metric.state_dict()[SETTINGS]}"
    ]


def without_settings(state):
    """A state as older versions wrote it."""
    if isinstance(state, dict):
        return {key: without_settings(part) for key, part in state.items() if key != SETTINGS}
    return [without_settings(part) for part in state] if isinstance(state, list) else state


def all_nan(prediction):
    """A prediction of a network whose weights are nan; None if it has no floats."""
    if isinstance(prediction, dict):
        parts = {key: all_nan(part) for key, part in prediction.items()}
        changed = {key: part for key, part in parts.items() if part is not None}
        return {**prediction, **changed} if changed else None
    array = np.asarray(prediction)
    return np.full_like(array, np.nan) if array.dtype.kind == "f" else None


@pytest.mark.parametrize("name", CASES)
def test_predictions_of_nan_are_no_good_score(name):
    make, data = CASES[name]
    predictions, targets = data()
    poisoned = [all_nan(prediction) for prediction in predictions]
    if poisoned[0] is None:
        poisoned = [np.full(np.shape(part), np.nan) for part in predictions]  # class maps
    if name == "panoptic_quality":
        poisoned = [{**part, "map": np.full(part["map"].shape, np.nan)} for part in predictions]
    metric = make()
    try:
        metric.update(poisoned, targets, ids(0, N))
    except DensefitError:
        return
    value = metric.compute()[metric.primary]
    assert np.isnan(value) or (metric.higher_is_better and value == 0.0)


def test_fresh_is_independent(case):
    make, data = case
    metric = batch(make(), data)
    before = metric.compute()
    twin = metric.fresh()
    assert type(twin) is type(metric)
    same(twin.compute(), make().compute())
    same(batch(twin, data, 0, 5).compute(), batch(make(), data, 0, 5).compute())
    same(metric.compute(), before)


def test_too_few_rows_are_an_error(case):
    make, data = case
    with pytest.raises(DensefitError):
        make().update(data[0][:2], data[1][:2], ids(0, 3))
