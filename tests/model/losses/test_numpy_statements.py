"""Losses of class maps as their definitions have them, in numpy."""

import numpy as np
import pytest

from densefit.model.losses import pixel_losses
from tests.model.losses.cells import VOID, computed, sample_of_cells


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=0))
    return shifted / shifted.sum(axis=0)


def entropy(probability, mask):
    return -np.log(np.take_along_axis(probability, mask[None], 0)[0])


def dice(probability, mask, price=(0.5, 0.5)):
    losses = []
    for number in np.unique(mask):
        true, own = mask == number, probability[number]
        shared = own[true].sum()
        wrong = price[0] * own[~true].sum() + price[1] * (1 - own[true]).sum()
        losses.append(1 - shared / (shared + wrong))
    return np.mean(losses)


def lovasz(probability, mask):
    """The Lovasz extension as an integral: mean of 1 - IoU over all thresholds of the errors."""
    losses = []
    for number in np.unique(mask):
        true = mask == number
        errors = np.where(true, 1 - probability[number], probability[number])
        levels = np.unique(np.r_[0.0, errors])
        total = 0.0
        for low, high in zip(levels, levels[1:]):
            wrong = errors > low
            total += (high - low) * wrong.sum() / (true | wrong).sum()
        losses.append(total)
    return np.mean(losses)


def hard(probability, mask):
    losses = np.sort(entropy(probability, mask))[::-1]
    count = max(np.ceil(0.1 * losses.size), (losses > -np.log(0.3)).sum())
    return losses[: int(count)].mean()


STATEMENTS = {
    "cross_entropy": ({}, lambda p, mask: entropy(p, mask).mean()),
    "focal": ({}, lambda p, mask: ((1 - np.exp(-entropy(p, mask))) ** 2 * entropy(p, mask)).mean()),
    "dice": ({}, dice),
    "tversky": ({"alpha": 0.2, "beta": 0.8}, lambda p, mask: dice(p, mask, (0.2, 0.8))),
    "lovasz": ({}, lovasz),
    "ohem": ({"ohem": 0.3, "ohem_share": 0.1}, hard),
    "smoothed": (
        {"label_smoothing": 0.2},
        lambda p, mask: (0.8 * entropy(p, mask) - 0.2 * np.log(p).mean(axis=0)).mean(),
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_values(each_engine, name):
    settings, statement = STATEMENTS[name]
    kind = {"ohem": "cross_entropy", "smoothed": "cross_entropy"}.get(name, name)
    logits, mask = sample_of_cells(5)
    losses, _ = computed(pixel_losses.create(kind, **settings), logits, mask)
    for row in range(2):
        valid = mask[row] != VOID
        own = softmax(logits[row].astype(np.float64))[:, valid]
        np.testing.assert_allclose(losses[row], statement(own, mask[row][valid]), rtol=1e-6)
