"""RoIAlign of plain operators."""

import numpy as np
import pytest
import torch

from densefit.errors import ConfigError
from densefit.symbol import sym
from densefit.tasks.detection.faster_rcnn import roi_align as module
from densefit.tasks.detection.faster_rcnn.roi_align import roi_align, roi_corners
from tests.executor import Executor

SIZE = (75, 101)
STRIDES = (4, 8, 16)
CANONICAL = 64.0
BOXES = np.array(
    [
        [[0, 0, 101, 75], [3.2, 4.7, 20.1, 30.9], [90, 60, 101, 75], [40, 10, 41, 70]],
        [[10, 10, 58, 74], [0, 0, 3, 2], [99.5, 74.5, 101, 75], [-1, -1, -1, -1]],
    ],
    np.float32,
)


def level_maps(channels=3):
    rng = np.random.default_rng(0)
    sizes = [(-(-SIZE[0] // stride), -(-SIZE[1] // stride)) for stride in STRIDES]
    return [rng.normal(0, 1, (2, channels, *size)).astype(np.float32) for size in sizes]


def bound(maps, boxes=BOXES, size=7):
    levels = [sym.Variable(f"level{index}") for index in range(len(maps))]
    corners = roi_corners(sym.Variable("boxes"), SIZE, STRIDES, size, CANONICAL)
    shapes = {f"level{index}": data.shape for index, data in enumerate(maps)}
    executor = Executor(roi_align(levels, corners, size), boxes=boxes.shape, **shapes)
    executor.arg_dict["boxes"][:] = boxes
    for index, data in enumerate(maps):
        executor.arg_dict[f"level{index}"][:] = data
    return executor


@pytest.mark.parametrize("size", [7, 14])
def test_torchvision_s_numbers_and_gradients(size):
    from tests.references.torchvision_rcnn import torchvision

    maps = level_maps()
    boxes = BOXES[:, :3]  # torchvision has no unused rows
    executor = bound(maps, boxes, size)
    (received,) = executor.forward(is_train=True)
    weights = np.random.default_rng(1).normal(0, 1, received.shape).astype(np.float32)
    executor.backward(weights)
    pool = torchvision.ops.MultiScaleRoIAlign(["0", "1", "2"], size, 2, canonical_scale=CANONICAL)
    tensors = [torch.tensor(data, requires_grad=True) for data in maps]
    features = {str(index): data for index, data in enumerate(tensors)}
    expected = pool(features, list(torch.from_numpy(boxes)), [SIZE, SIZE])
    assert set(pool.map_levels(list(torch.from_numpy(boxes))).tolist()) == {0, 1, 2}
    np.testing.assert_allclose(received, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    expected.backward(torch.from_numpy(weights))
    for index, tensor in enumerate(tensors):
        gradient = executor.grad_dict[f"level{index}"]
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(executor.grad_dict["boxes"], 0)


def test_gradients_are_the_slopes():
    maps = level_maps(channels=1)
    executor = bound(maps, size=2)
    weights = np.random.default_rng(2).normal(0, 1, (8, 1, 2, 2)).astype(np.float32)

    def loss():
        return float((executor.forward(is_train=True)[0].astype(np.float64) * weights).sum())

    loss()
    executor.backward(weights)
    gradients = {name: array.copy() for name, array in executor.grad_dict.items()}
    rng = np.random.default_rng(3)
    for index, data in enumerate(maps):
        cells = executor.arg_dict[f"level{index}"]
        gradient = gradients[f"level{index}"]
        touched = np.argwhere(gradient != 0)
        assert len(touched) > 3
        for cell in [*rng.permutation(touched)[:3], [1, 0, 0, data.shape[3] - 1]]:
            before, numbers = cells[tuple(cell)], []
            for step in (0.5, -0.5):
                cells[tuple(cell)] = before + step
                numbers.append(loss())
            cells[tuple(cell)] = before
            assert numbers[0] - numbers[1] == pytest.approx(gradient[tuple(cell)], abs=1e-4)


def test_unused_rows_are_finite():
    (received,) = bound(level_maps()).forward(is_train=True)
    assert np.isfinite(received).all()


def test_a_table_that_is_too_large_is_refused():
    with pytest.raises(ConfigError, match=r"(?s)Too many cells.*16777216.*head 'boxes'"):
        roi_corners(sym.Variable("b"), (2**14, 2**14), (4,), 7, where="head 'boxes'")


def test_cells_of_large_batches_are_exact():
    """Beyond the whole numbers of float32: the cell of every sample is its own."""
    size, count = (4096, 4096), 18
    corners = roi_corners(sym.Variable("boxes"), size, (4,), 1)
    executor = Executor(corners.cells, gradients=False, boxes=(count, 1, 4))
    executor.arg_dict["boxes"][:] = [401.0, 801.0, 409.0, 809.0]
    (cells,) = executor.forward()
    cells = cells.astype(np.int64)
    assert module.SAMPLES == 2
    expected = cells[0] + np.arange(count)[:, None] * 1024 * 1024
    np.testing.assert_array_equal(cells, expected)
    assert cells.max() > 2**24
