"""Losses of class maps: values and gradients beside the papers' code in PyTorch, on each engine."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from densefit.model.losses import pixel_losses
from tests.model.losses.cells import (
    CLASSES,
    SIZE,
    VOID,
    assert_equal,
    computed,
    expected,
    sample_of_cells,
)


def weighted_mean(loss, mask, weights):
    factor = weights[mask]
    return (loss * factor).sum() / factor.sum()


def cross_entropy(smoothing=0.0):
    """torch.nn.functional.cross_entropy, with a cell's weight on its whole loss."""

    def loss(logits, mask, weights, where):
        each = functional.cross_entropy(logits, mask, reduction="none", label_smoothing=smoothing)
        return weighted_mean(each, mask, weights)

    return loss


def ohem(threshold, share):
    """HRNet's OhemCrossEntropy, whose number of cells is a share of the valid ones."""

    def loss(logits, mask, weights, where):
        each = functional.cross_entropy(logits, mask, reduction="none")
        probability = logits.softmax(1).gather(1, mask[:, None])[:, 0].detach()
        ordered = probability.sort().values
        least = int(np.ceil(share * len(mask)))
        limit = max(ordered[min(least, len(mask) - 1)].item(), threshold)
        hard = probability < limit if least < len(mask) else probability < 2
        return weighted_mean(each[hard], mask[hard], weights)

    return loss


def focal(gamma):
    """softmax_focal_loss_with_logits of segmentation_models_pytorch."""

    def loss(logits, mask, weights, where):
        each = functional.cross_entropy(logits, mask, reduction="none")
        return weighted_mean((1 - torch.exp(-each)) ** gamma * each, mask, weights)

    return loss


def tversky(alpha, beta, smooth=0.0):
    """soft_tversky_score of segmentation_models_pytorch, averaged over the classes present."""

    def loss(logits, mask, weights, where):
        probability = logits.softmax(1)
        losses, factors = [], []
        for number in mask.unique():
            truth, own = (mask == number).double(), probability[:, number]
            shared = (own * truth).sum()
            wrong = alpha * (own.sum() - shared) + beta * (truth.sum() - shared)
            losses.append(1 - (shared + smooth) / (shared + wrong + smooth))
            factors.append(weights[number])
        losses, factors = torch.stack(losses), torch.stack(factors)
        return (losses * factors).sum() / factors.sum()

    return loss


def lovasz(logits, mask, weights, where):
    """lovasz_softmax_flat of the paper's authors (Berman, MIT licence)."""
    probability = logits.softmax(1)
    losses, factors = [], []
    for number in mask.unique():
        truth = (mask == number).double()
        errors, order = (truth - probability[:, number]).abs().sort(descending=True)
        truth = truth[order]
        count = truth.sum()
        jaccard = 1 - (count - truth.cumsum(0)) / (count + (1 - truth).cumsum(0))
        jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
        losses.append((errors * jaccard).sum())
        factors.append(weights[number])
    losses, factors = torch.stack(losses), torch.stack(factors)
    return (losses * factors).sum() / factors.sum()


CASES = {
    "cross_entropy": ("cross_entropy", {}, cross_entropy()),
    "smoothed": ("cross_entropy", {"label_smoothing": 0.1}, cross_entropy(0.1)),
    "ohem": ("cross_entropy", {"ohem": 0.3, "ohem_share": 0.1}, ohem(0.3, 0.1)),
    "ohem_least": ("cross_entropy", {"ohem": 0.001, "ohem_share": 0.4}, ohem(0.001, 0.4)),
    "focal": ("focal", {}, focal(2)),
    "focal_3.5": ("focal", {"gamma": 3.5}, focal(3.5)),
    "focal_0": ("focal", {"gamma": 0}, cross_entropy()),
    "dice": ("dice", {}, tversky(0.5, 0.5)),
    "dice_smooth": ("dice", {"smooth": 1}, tversky(0.5, 0.5, 1)),
    "tversky": ("tversky", {}, tversky(0.3, 0.7)),
    "tversky_recall": ("tversky", {"alpha": 0, "beta": 1, "smooth": 2}, tversky(0, 1, 2)),
    "lovasz": ("lovasz", {}, lovasz),
}


@pytest.fixture(params=CASES)
def case(request):
    name, settings, function = CASES[request.param]
    return pixel_losses.create(name, **settings), function


@pytest.mark.parametrize("class_weights", [None, [1.0, 0.5, 3.0, 2.0], [1.0, 0.0, 3.0, 2.0]])
def test_values_and_gradients(each_engine, case, class_weights):
    loss, function = case
    cells = sample_of_cells()
    found = computed(loss, *cells, class_weights)
    assert_equal(found, expected(function, *cells, class_weights))
    assert found[0][2] == 0  # of a sample without valid cells
    assert not found[1][2].any()
    assert not found[1].transpose(0, 2, 3, 1)[cells[1] == VOID].any()


KNOWN = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 0, 1, 0]])


def test_classes_that_a_sample_does_not_annotate(each_engine, case):
    """They do not compete at the background, class 0, and get no gradient there."""
    loss, function = case
    logits, mask = sample_of_cells(1)
    unknown = KNOWN[np.arange(3)[:, None, None], np.minimum(mask, CLASSES - 1)] == 0
    mask = np.where(unknown & (mask != VOID), 0, mask)
    if getattr(loss, "label_smoothing", 0):
        function = _smoothed_over_competing
    found = computed(loss, logits, mask, known=KNOWN)
    assert_equal(found, expected(function, logits, mask, known=KNOWN))
    for row in range(3):
        hidden = found[1][row][KNOWN[row] == 0][:, mask[row] == 0]
        np.testing.assert_array_equal(hidden, 0)


def _smoothed_over_competing(logits, mask, weights, where):
    log = logits.log_softmax(1)
    competes = (log > -1e3).double()
    spread = -(log * competes).sum(1) / competes.sum(1)
    each = 0.9 * functional.nll_loss(log, mask, reduction="none") + 0.1 * spread
    return weighted_mean(each, mask, weights)


def test_a_sample_s_loss_does_not_depend_on_others(each_engine, case):
    loss, _ = case
    logits, mask = sample_of_cells(2)
    together = computed(loss, logits, mask)
    for row in range(3):
        alone = computed(loss, logits[row : row + 1], mask[row : row + 1])
        np.testing.assert_allclose(alone[0][0], together[0][row], rtol=1e-6)
        np.testing.assert_allclose(alone[1][0], together[1][row], atol=1e-7)


def test_extreme_logits_have_finite_losses_and_gradients(each_engine, case):
    loss, _ = case
    logits, mask = sample_of_cells(3)
    for scale in (0, 1e-8, 100, 1e4):
        for array in computed(loss, logits * np.float32(scale), mask):
            assert np.isfinite(array).all()
    right = (mask[:, None] == np.arange(CLASSES)[:, None, None]) * np.float32(200)
    for sign in (1, -1):
        for array in computed(loss, sign * right, mask):
            assert np.isfinite(array).all()


def test_equal_logits_train_all_cells_alike(each_engine):
    """Ties for the last hard cell: none is left out at random."""
    loss = pixel_losses.create("cross_entropy", ohem=0.01, ohem_share=0.1)
    _, mask = sample_of_cells(4, void=False)
    losses, gradient = computed(loss, np.zeros((3, CLASSES, *SIZE)), mask)
    np.testing.assert_allclose(losses, np.log(CLASSES), rtol=1e-6)
    assert (np.abs(gradient).sum(axis=1) > 0).all()
