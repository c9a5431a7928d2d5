"""The loss against plain numpy, its gradient against finite differences."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection.loss import box_loss, class_loss, hard_negatives, overlap_loss
from tests.executor import Executor

A, C = 30, 3


def run(symbol, head_grads=None, grad=(), **arrays):
    """Forward (and backward) of a Symbol; returns its output and the gradients named."""
    if "known" in symbol.list_arguments():
        arrays.setdefault("known", np.ones((len(arrays["scores"]), 1 + C), np.float32))
    shapes = {name: value.shape for name, value in arrays.items()}
    executor = Executor(symbol, gradients=bool(grad), **shapes)
    for name, value in arrays.items():
        executor.arg_dict[name][:] = value
    output = executor.forward(is_train=True)[0]
    if not grad:
        return output
    executor.backward(*[] if head_grads is None else [head_grads])
    return output, {name: executor.grad_dict[name] for name in grad}


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def reference(scores, target, ratio, least, known=None):
    """One image: (loss, gradient by the scores)."""
    scores = scores.astype(np.float64)
    if known is not None:  # the background is one of the classes that somebody looked for
        scores[np.ix_(target == 0, known == 0)] = -np.inf
    logp = log_softmax(scores)
    positive, negative = np.flatnonzero(target > 0), np.flatnonzero(target == 0)
    wanted = max(round(ratio * len(positive)), least)
    hard = negative[np.argsort(logp[negative, 0], kind="stable")][:wanted]
    trained = np.concatenate([positive, hard])
    classes = target[trained].astype(int)
    gradient = np.zeros_like(logp)
    gradient[trained] = np.exp(logp[trained])
    gradient[trained, classes] -= 1
    normaliser = max(1, len(positive))
    return -logp[trained, classes].sum() / normaliser, gradient / normaliser


def make_targets(rng):
    target = np.zeros((4, A), np.float32)
    target[0, rng.permutation(A)[:3]] = [1, 2, 3]
    target[1, :20] = rng.randint(1, C + 1, 20)  # fewer negatives than wanted
    target[2, rng.permutation(A)[:8]] = -1
    target[2, 0] = 2
    return target  # the last image is all background


def loss_symbol(ratio=3.0, least=4):
    scores, target = sym.Variable("scores"), sym.Variable("target")
    return class_loss(scores, target, sym.Variable("known"), ratio, least, A)


def test_class_loss_and_gradient_equal_numpy():
    rng = np.random.RandomState(0)
    scores = rng.randn(4, A, 1 + C).astype(np.float32) * 2
    target = make_targets(rng)
    weights = np.array([1.0, 0.5, 2.0, 1.5], np.float32)
    loss, grads = run(loss_symbol(), weights, ("scores",), scores=scores, target=target)
    assert loss.shape == (4,)
    for i in range(4):
        expected, gradient = reference(scores[i], target[i], 3.0, 4)
        np.testing.assert_allclose(loss[i], expected, rtol=1e-5)
        np.testing.assert_allclose(grads["scores"][i], gradient * weights[i], 1e-4, 1e-5)
    assert np.abs(grads["scores"][3]).sum() > 0.1  # the background image trains
    assert (np.abs(grads["scores"][3]).sum(axis=1) > 0).sum() == 4


def test_background_teaches_nothing_of_classes_that_are_not_annotated():
    rng = np.random.RandomState(3)
    scores = rng.randn(4, A, 1 + C).astype(np.float32) * 2
    target = make_targets(rng)
    target[target == 3] = 1  # class 2 is not annotated, so no anchor learns it
    known = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 1, 0]], np.float32)
    ones = np.ones(4, np.float32)
    arrays = {"scores": scores, "target": target, "known": known}
    loss, grads = run(loss_symbol(), ones, ("scores",), **arrays)
    for i in range(4):
        expected, gradient = reference(scores[i], target[i], 3.0, 4, known[i])
        np.testing.assert_allclose(loss[i], expected, rtol=1e-5)
        np.testing.assert_allclose(grads["scores"][i], gradient, 1e-4, 1e-5)
        background = grads["scores"][i][target[i] == 0]
        np.testing.assert_array_equal(background[:, known[i] == 0], 0)
        assert np.abs(background[:, known[i] == 1]).sum() > 0 or i == 1
    # What is marked as one class is none of the others, whoever looked for them.
    assert (grads["scores"][0][target[0] > 0][:, 3] > 0).all()


def test_class_gradient_equals_finite_differences():
    rng = np.random.RandomState(1)
    scores = rng.randn(4, A, 1 + C).astype(np.float32)
    target = make_targets(rng)
    ones = np.ones(4, np.float32)
    _, grads = run(loss_symbol(), ones, ("scores",), scores=scores, target=target)
    for _ in range(12):
        place = tuple(rng.randint(0, n) for n in scores.shape)
        up, down = scores.copy(), scores.copy()
        up[place] += 1e-3
        down[place] -= 1e-3
        rise = run(loss_symbol(), scores=up, target=target).sum(dtype=np.float64)
        fall = run(loss_symbol(), scores=down, target=target).sum(dtype=np.float64)
        np.testing.assert_allclose(grads["scores"][place], (rise - fall) / 2e-3, atol=5e-3)


@pytest.mark.parametrize("value", [0.0, 30.0])
def test_ties_share_their_places(value):
    # All anchors equally hard (30: the background is certain, all losses are 0).
    scores = np.zeros((1, A, 1 + C), np.float32)
    scores[..., 0] = value
    target = np.zeros((1, A), np.float32)
    target[0, 0] = 1
    ones = np.ones(1, np.float32)
    loss, grads = run(loss_symbol(3, 1), ones, ("scores",), scores=scores, target=target)
    logp = log_softmax(scores[0].astype(np.float64))
    np.testing.assert_allclose(loss, -logp[0, 1] - 3 * logp[1, 0], rtol=1e-5)
    assert np.isfinite(grads["scores"]).all()


def test_all_ignored_is_zero():
    scores = np.random.RandomState(2).randn(2, A, 1 + C).astype(np.float32)
    target = np.full((2, A), -1, np.float32)
    ones = np.ones(2, np.float32)
    loss, grads = run(loss_symbol(), ones, ("scores",), scores=scores, target=target)
    np.testing.assert_array_equal(loss, 0)
    np.testing.assert_array_equal(grads["scores"], 0)


def test_hardest_by_hand():
    symbol = hard_negatives(sym.Variable("d"), sym.Variable("c"), sym.Variable("w"), limit=5)
    weights = run(
        symbol,
        d=np.array([[5, 1, 3, 3, 9], [0, 0, 0, 0, 0], [2, 1, 0, 0, 3]], np.float32),
        c=np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 1, 0, 0]], np.float32),
        w=np.array([2, 2, 99], np.float32),
    )
    np.testing.assert_allclose(weights[0], [1, 0, 0.5, 0.5, 0])
    np.testing.assert_allclose(weights[1], [0.4] * 5)
    np.testing.assert_allclose(weights[2], [0, 1, 1, 0, 0])


def test_box_loss_equals_numpy_and_background_gives_none():
    rng = np.random.RandomState(3)
    offsets = rng.randn(4, A, 4).astype(np.float32) * 2
    box_target = rng.randn(4, A, 4).astype(np.float32)
    target = make_targets(rng)
    symbol = box_loss(*(sym.Variable(name) for name in ("offsets", "box_target", "target")))
    loss, grads = run(
        symbol,
        np.ones(4, np.float32),
        ("offsets",),
        offsets=offsets,
        box_target=box_target,
        target=target,
    )
    distance = offsets - box_target
    smooth = np.where(np.abs(distance) < 1, 0.5 * distance**2, np.abs(distance) - 0.5)
    mask = (target > 0).astype(np.float32)
    count = np.maximum(mask.sum(1), 1)
    np.testing.assert_allclose(loss, (smooth.sum(2) * mask).sum(1) / count, rtol=1e-5)
    expected = distance.clip(-1, 1) * mask[..., None] / count[:, None, None]
    np.testing.assert_allclose(grads["offsets"], expected, atol=1e-6)
    assert loss[3] == 0
    assert (grads["offsets"][3] == 0).all()


def boxes_of(offsets, anchors):
    """Offsets from anchors as boxes, in numpy."""
    centre = anchors[:, :2] + 0.1 * offsets[..., :2] * anchors[:, 2:]
    half = np.exp(0.2 * offsets[..., 2:]) * anchors[:, 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def giou(a, b):
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    union = sum(np.prod(x[..., 2:] - x[..., :2], axis=-1) for x in (a, b)) - shared
    low, high = np.minimum(a[..., :2], b[..., :2]), np.maximum(a[..., 2:], b[..., 2:])
    around = np.prod(high - low, axis=-1)
    return shared / union - (around - union) / around


def test_overlaps_are_those_of_the_decoded_boxes():
    rng = np.random.RandomState(4)
    anchors = np.concatenate([rng.uniform(10, 50, (A, 2)), rng.uniform(5, 30, (A, 2))], axis=1)
    offsets, wanted = rng.normal(0, 2, (2, 4, A, 4))
    target = make_targets(rng)
    names = ("offsets", "wanted", "target", "anchors")
    values = dict(zip(names, (offsets, wanted, target, anchors)))
    symbol = overlap_loss("giou", *(sym.Variable(name) for name in names))
    found, gradients = run(sym.MakeLoss(symbol), grad=["offsets"], **values)
    each = 1 - giou(boxes_of(offsets, anchors), boxes_of(wanted, anchors))
    positive = target > 0
    expected = (each * positive).sum(axis=1) / np.maximum(positive.sum(axis=1), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    slope = gradients["offsets"]
    assert (np.abs(slope[positive]).sum(axis=-1) > 0).all()
    assert not slope[~positive].any()
    for kind in ("diou", "ciou"):
        symbol = overlap_loss(kind, *(sym.Variable(name) for name in names))
        perfect = run(symbol, **{**values, "offsets": wanted})
        np.testing.assert_allclose(perfect, 0, atol=1e-5)
