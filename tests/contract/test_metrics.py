"""What every registered metric must do."""

import json

import numpy as np
import pytest

from densefit.backend import mx
from densefit.errors import DensefitError
from densefit.metrics import FunctionMetric, LegacyMetric, Metric, metrics

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


def gap(label, pred):
    return float(np.abs(label - pred).sum())


# name -> (how to make it, data: predictions and targets of N samples)
CASES = {
    "accuracy": (lambda: metrics.create("accuracy"), scores),
    "top_k": (lambda: metrics.create("top_k", k=2), scores),
    "cross_entropy": (lambda: metrics.create("cross_entropy"), scores),
    "mean": (lambda: metrics.create("mean"), numbers),
    "mae": (lambda: metrics.create("mae"), numbers),
    "mse": (lambda: metrics.create("mse"), numbers),
    "rmse": (lambda: metrics.create("rmse"), numbers),
    "confusion_matrix": (lambda: metrics.create("confusion_matrix", classes=5), masks),
    "mIoU": (lambda: metrics.create("mIoU", classes=list("abcd")), masks),
    "voc_ap": (lambda: metrics.create("voc_ap", classes=list("abcd")), detections),
    "coco_ap": (lambda: metrics.create("coco_ap", classes=list("abcd")), detections),
}
# Not in the registry, and bound by the same contract.
ADAPTERS = {
    "function": (lambda: FunctionMetric(gap), numbers),
    "legacy": (lambda: LegacyMetric(mx.metric.create(["acc", "ce"])), double_scores),
}


@pytest.fixture(params=[*CASES, *ADAPTERS])
def case(request):
    make, data = {**CASES, **ADAPTERS}[request.param]
    return make, data()


def ids(first, last):
    return [f"{i:03d}" for i in range(first, last)]


def fed(metric, data, first=0, last=N, chunk=N):
    for start in range(first, last, chunk):
        stop = min(start + chunk, last)
        metric.update(data[0][start:stop], data[1][start:stop], ids(start, stop))
    return metric


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
    metric = fed(make(), data)
    first = metric.compute()
    assert first[metric.primary] == first[metric.primary], "the case must say something"
    assert all(type(key) is str and type(value) is float for key, value in first.items())
    same(first, metric.compute())
    same(first, fed(make(), data).compute())


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_batches_do_not_matter(case, chunk):
    make, data = case
    metric = make()
    for start in range(0, N, chunk):
        fed(metric, data, start, min(start + chunk, N))
        metric.compute()  # at any time
    same(metric.compute(), fed(make(), data).compute())


def test_an_empty_update_changes_nothing(case):
    make, data = case
    metric = fed(make(), data)
    before = metric.compute()
    metric.update(data[0][:0], data[1][:0], [])
    same(metric.compute(), before)


@pytest.mark.parametrize("cut", [0, 1, 5, N])
def test_halves_merge_into_the_whole(case, cut):
    make, data = case
    whole = fed(make(), data).compute()
    for first, second in (((0, cut), (cut, N)), ((cut, N), (0, cut))):
        one, other = fed(make(), data, *first), fed(make(), data, *second)
        untouched = other.compute()
        one.merge(other)
        same(one.compute(), whole)
        same(other.compute(), untouched)


def test_reset_forgets(case):
    make, data = case
    metric = fed(make(), data, 0, 5)
    metric.reset()
    same(metric.compute(), make().compute())
    same(fed(metric, data).compute(), fed(make(), data).compute())


@pytest.mark.parametrize("through", [lambda state: state, through_json, through_arrays])
def test_state_continues(case, through):
    make, data = case
    metric = fed(make(), data, 0, 5)
    state = through(metric.state_dict())
    resumed = fed(make(), data, 6, N)  # what it saw before must not matter
    resumed.load_state_dict(state)
    same(resumed.compute(), metric.compute())
    same(fed(resumed, data, 5).compute(), fed(make(), data).compute())
    same(fed(metric, data, 5).compute(), fed(make(), data).compute())


def test_a_state_does_not_change_with_the_metric(case):
    make, data = case
    metric = fed(make(), data, 0, 5)
    state = metric.state_dict()
    before = json.dumps(through_json(state))
    fed(metric, data, 5)
    assert json.dumps(through_json(state)) == before


def test_a_foreign_state_is_an_error(case):
    with pytest.raises(DensefitError):
        case[0]().load_state_dict({"nonsense": 1})


def test_fresh_is_independent(case):
    make, data = case
    metric = fed(make(), data)
    before = metric.compute()
    twin = metric.fresh()
    assert type(twin) is type(metric)
    same(twin.compute(), make().compute())
    same(fed(twin, data, 0, 5).compute(), fed(make(), data, 0, 5).compute())
    same(metric.compute(), before)


def test_too_few_rows_are_an_error(case):
    make, data = case
    with pytest.raises(DensefitError):
        make().update(data[0][:2], data[1][:2], ids(0, 3))
