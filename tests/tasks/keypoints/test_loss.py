"""Losses and their gradients against plain numpy, cell by cell."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.keypoints.loss import box_loss, heat_loss, place_loss, rest_loss
from tests.executor import Executor

H, W, K, M = 5, 7, 3, 4


def run(loss, **arrays):
    """A loss of symbols by name: its value, and the gradient of the sum by `data`."""
    symbol = loss(**{name: sym.Variable(name) for name in arrays})
    shapes = {name: array.shape for name, array in arrays.items()}
    executor = Executor(symbol, **shapes)
    for name, array in arrays.items():
        executor.arg_dict[name][:] = array
    (value,) = executor.forward(is_train=True)
    executor.backward()
    return value, {k: v for k, v in executor.grad_dict.items()}


def slope(function, data, step=1e-5):
    """The gradient of the sum of `function` by central differences."""
    found = np.zeros_like(data)
    for place in np.ndindex(data.shape):
        for sign in (1, -1):
            moved = data.copy()
            moved[place] += sign * step
            found[place] += sign * function(moved).sum() / (2 * step)
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def objects(rng):
    """Cells, boxes and places of two images; the second has two objects at one cell."""
    cell = np.array([[9, -1, -1, -1], [20, 20, 34, -1]], np.float64)
    place = rng.uniform(-1, 1, (2, M, K, 3))
    place[..., 2] = rng.random((2, M, K)) < 0.7
    place[cell < 0] = 0
    return {"cell": cell, "place": place, "box": rng.normal(size=(2, M, 4))}


def reference_heat(logits, target, mask):
    p = 1 / (1 + np.exp(-logits))
    totals = []
    for picture, wanted, seen in zip(p, target, mask):
        total, peaks = 0.0, 0
        for (channel, row, column), y in np.ndenumerate(wanted):
            q = picture[channel, row, column]
            if y == 1:
                total += -((1 - q) ** 2) * np.log(q)
                peaks += 1
            elif seen[row, column]:
                total += -((1 - y) ** 4) * q**2 * np.log(1 - q)
        totals.append(total / max(1, peaks))
    return np.array(totals)


def test_heat_loss_and_gradient(rng):
    logits = rng.normal(0, 2, (3, 2, H, W))
    target = rng.random((3, 2, H, W)) ** 3
    target[0, 0, 1, 2] = target[0, 1, 1, 3] = target[1, 0, 0, 0] = 1
    mask = (rng.random((3, H, W)) < 0.7).astype(float)
    mask[0, 1, 2] = 0  # a peak counts where background is ignored
    value, gradient = run(heat_loss, logits=logits, target=target, mask=mask)
    np.testing.assert_allclose(value, reference_heat(logits, target, mask), rtol=1e-4)
    expected = slope(lambda moved: reference_heat(moved, target, mask), logits)
    np.testing.assert_allclose(gradient["logits"], expected, atol=1e-4)
    assert (expected[0, 0, 1, 2], expected[0, 1, 1, 3]) < (0, 0)


def test_maps_of_classes_that_are_not_annotated_have_no_background(rng):
    logits, target = rng.normal(0, 2, (2, 3, H, W)), rng.random((2, 3, H, W)) ** 3
    target[0, 0, 1, 2] = 1
    mask = (rng.random((2, H, W)) < 0.7).astype(float)
    known = np.array([[1, 0, 1], [0, 1, 1]])
    given = {"logits": logits, "target": target, "mask": mask}
    value, gradient = run(heat_loss, **given, annotated=known)
    _, plain = run(heat_loss, **given)
    for picture, own in enumerate(known == 1):
        parts = [array[picture : picture + 1, own] for array in (logits, target)]
        expected = reference_heat(*parts, mask[picture : picture + 1])
        np.testing.assert_allclose(value[picture], expected[0], rtol=1e-4)
        np.testing.assert_array_equal(gradient["logits"][picture, ~own], 0)
        np.testing.assert_array_equal(
            gradient["logits"][picture, own], plain["logits"][picture, own]
        )


def test_heat_loss_of_what_cannot_be_more_wrong_is_finite():
    logits = np.array([-200.0, 200.0]).reshape(1, 1, 1, 2)
    target = np.array([1.0, 0.0]).reshape(1, 1, 1, 2)
    value, gradient = run(heat_loss, logits=logits, target=target, mask=np.ones((1, 1, 2)))
    np.testing.assert_allclose(value, 400)
    np.testing.assert_allclose(gradient["logits"].ravel(), [-1, 1], atol=1e-6)


def test_an_ignored_image_costs_nothing(rng):
    logits = rng.normal(size=(1, 2, H, W))
    value, gradient = run(
        heat_loss, logits=logits, target=np.zeros_like(logits), mask=np.zeros((1, H, W))
    )
    assert value == 0
    assert not gradient["logits"].any()


def reference_box(data, cell, target, size_weight):
    totals = []
    for picture, cells, wanted in zip(data, cell, target):
        costs = []
        for where, box in zip(cells.astype(int), wanted):
            if where >= 0:
                away = np.abs(picture[:, where // W, where % W] - box)
                costs.append(away[:2].sum() + size_weight * away[2:].sum())
        totals.append(sum(costs) / max(1, len(costs)))
    return np.array(totals)


def test_box_loss_and_gradient(rng, objects):
    data, cell, target = rng.normal(size=(2, 4, H, W)), objects["cell"], objects["box"]
    value, gradient = run(
        lambda **named: box_loss(**named, size_weight=0.25), data=data, cell=cell, target=target
    )
    np.testing.assert_allclose(value, reference_box(data, cell, target, 0.25), rtol=1e-5)
    expected = slope(lambda moved: reference_box(moved, cell, target, 0.25), data)
    np.testing.assert_allclose(gradient["data"], expected, atol=1e-4)


def reference_place(data, cell, target):
    totals = []
    for picture, cells, wanted in zip(data, cell, target):
        total, count = 0.0, 0
        for where, points in zip(cells.astype(int), wanted):
            for joint, (dx, dy, labelled) in enumerate(points):
                if where >= 0 and labelled:
                    x, y = picture[2 * joint : 2 * joint + 2, where // W, where % W]
                    total += abs(x - dx) + abs(y - dy)
                    count += 1
        totals.append(total / max(1, count))
    return np.array(totals)


def test_place_loss_and_gradient(rng, objects):
    data, cell, target = rng.normal(size=(2, 2 * K, H, W)), objects["cell"], objects["place"]
    value, gradient = run(
        lambda **named: place_loss(**named, keypoints=K), data=data, cell=cell, target=target
    )
    np.testing.assert_allclose(value, reference_place(data, cell, target), rtol=1e-5)
    expected = slope(lambda moved: reference_place(moved, cell, target), data)
    np.testing.assert_allclose(gradient["data"], expected, atol=1e-4)


def reference_rest(data, cell, target):
    totals = []
    for picture, cells, wanted in zip(data, cell, target):
        total, count = 0.0, 0
        for where, points in zip(cells.astype(int), wanted):
            for joint, (dx, dy, labelled) in enumerate(points):
                if where >= 0 and labelled:
                    x, y = where % W + dx, where // W + dy
                    column = int(np.clip(np.floor(x), 0, W - 1))
                    row = int(np.clip(np.floor(y), 0, H - 1))
                    total += abs(picture[joint, row, column] - (x - column))
                    total += abs(picture[K + joint, row, column] - (y - row))
                    count += 1
        totals.append(total / max(1, count))
    return np.array(totals)


def test_rest_loss_and_gradient(rng, objects):
    data, cell, target = rng.normal(size=(2, 2 * K, H, W)), objects["cell"], objects["place"]
    target[1, 2, 0] = (0.7, 1.0, 1)  # right at the lower edge, of the last cell
    value, gradient = run(
        lambda **named: rest_loss(**named, keypoints=K, size=(H, W)),
        data=data,
        cell=cell,
        target=target,
    )
    np.testing.assert_allclose(value, reference_rest(data, cell, target), rtol=1e-5)
    expected = slope(lambda moved: reference_rest(moved, cell, target), data)
    np.testing.assert_allclose(gradient["data"], expected, atol=1e-4)
