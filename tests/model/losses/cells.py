"""Random class maps, and a loss of them computed by an engine and by a function of tensors."""

import numpy as np
import torch

from densefit.model.losses import ClassCells
from densefit.symbol import sym
from tests.executor import Executor

CLASSES, SIZE = 4, (5, 7)
VOID = 255


def sample_of_cells(seed=0, count=3, classes=CLASSES, size=SIZE, void=True, scale=2.0):
    """(logits, mask) with every class, absent classes, and a sample without any valid cell."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, scale, (count, classes, *size)).astype(np.float32)
    mask = rng.integers(0, classes, (count, *size))
    mask[1] = rng.choice([0, classes - 1], size)  # the second sample lacks classes
    if void:
        mask[rng.random(mask.shape) < 0.2] = VOID
        mask[2] = VOID
    return logits, mask


def weights_of(mask, class_weights):
    """Weights that add up to 1 in a sample."""
    table = np.zeros(256)
    table[: len(class_weights)] = class_weights
    weight = table[mask]
    total = weight.sum(axis=(1, 2), keepdims=True)
    return weight / np.where(total > 0, total, 1)


def built(loss, classes=CLASSES, class_weights=None, partial=False):
    """The loss as a Symbol of variables."""
    size = SIZE
    labels = {label.name: sym.Variable(label.name) for label in loss.labels(size, classes)}
    mask, annotated, unsure = sym.Variable("mask"), None, None
    if partial:
        annotated = sym.reshape(sym.Variable("known"), shape=(0, 0, 1, 1))
        unsure = sym.expand_dims(mask == 0, axis=1)
    cells = ClassCells(
        sym.Variable("logits"),
        mask,
        sym.Variable("weight"),
        classes,
        class_weights,
        annotated,
        unsure,
        labels,
    )
    return loss(cells)


def computed(loss, logits, mask, class_weights=None, known=None):
    """(losses, gradient of the logits of their sum) on the engine of the test."""
    count, classes = logits.shape[:2]
    factors = [1.0] * classes if class_weights is None else class_weights
    arrays = {
        "logits": logits,
        "mask": np.where(mask == VOID, 0, mask),
        "weight": weights_of(mask, factors),
    }
    encoded = [loss.encode(each, classes) for each in mask]
    arrays.update({name: np.stack([each[name] for each in encoded]) for name in encoded[0]})
    if known is not None:
        arrays["known"] = known
    symbol = built(loss, classes, class_weights, known is not None)
    arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    arrays = {name: arrays[name] for name in symbol.list_arguments()}
    executor = Executor.of_arrays(sym.MakeLoss(symbol), arrays, {})
    (losses,) = executor.forward(is_train=True)
    executor.backward()
    return losses.copy(), executor.grad_dict["logits"]


def expected(function, logits, mask, class_weights=None, known=None):
    """(losses, gradient) in float64 of `function(logits (n, C), mask (n,), weights (C,), where)`.

    It is called for each sample with its valid cells; logits of classes that are not annotated are
    far below the others at cells of class 0. `where` are the cells' flat indices.
    """
    classes = logits.shape[1]
    factors = [1.0] * classes if class_weights is None else class_weights
    tensor = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    scores = tensor.flatten(2).transpose(1, 2)
    losses = []
    for row, each in enumerate(mask):
        flat = torch.tensor(each.ravel())
        weighs = (flat != VOID) & (torch.tensor(factors)[flat.clamp(max=classes - 1)] > 0)
        if not weighs.any():
            losses.append(scores.sum() * 0)
            continue
        own = scores[row]
        if known is not None:
            hidden = (flat == 0)[:, None] & (torch.tensor(known[row]) == 0)[None]
            own = own - 1e4 * hidden
        weights = torch.tensor(factors, dtype=torch.float64)
        where = torch.nonzero(weighs)[:, 0]
        losses.append(function(own[weighs], flat[weighs], weights, where))
    total = torch.stack(losses)
    total.sum().backward()
    return total.detach().numpy(), tensor.grad.numpy()


def assert_equal(found, wanted):
    """Values to 1e-6 and gradients to 1e-6 of the largest slope."""
    np.testing.assert_allclose(found[0], wanted[0], rtol=2e-6, atol=1e-6)
    largest = max(np.abs(wanted[1]).max(), 1e-3)
    np.testing.assert_allclose(found[1], wanted[1], rtol=0, atol=2e-6 * max(largest, 1))
