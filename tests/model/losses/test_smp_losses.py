"""Losses of class maps beside segmentation_models_pytorch's, a sample at a time."""

import numpy as np
import pytest
import torch

from densefit.model.losses import pixel_losses
from tests.model.losses.cells import CLASSES, VOID, assert_equal, computed, sample_of_cells
from tests.references.smp_parts import part


def reference(name):
    """A function of logits (1, C, h, w) and mask (1, h, w) that gives the loss."""
    losses = part("losses")
    common = {"mode": "multiclass", "ignore_index": VOID}
    if name == "dice":
        return losses.DiceLoss(**common)
    if name == "dice_smooth":
        return losses.DiceLoss(smooth=1.0, **common)
    if name == "tversky":
        return losses.TverskyLoss(alpha=0.3, beta=0.7, **common)
    if name == "lovasz":
        return losses.LovaszLoss(per_image=True, **common)
    if name == "smoothed":
        return losses.SoftCrossEntropyLoss("sum", 0.1, VOID)
    return part("losses._functional").softmax_focal_loss_with_logits


SETTINGS = {
    "dice": ("dice", {}),
    "dice_smooth": ("dice", {"smooth": 1}),
    "tversky": ("tversky", {}),
    "lovasz": ("lovasz", {}),
    "smoothed": ("cross_entropy", {"label_smoothing": 0.1}),
    "focal": ("focal", {}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_losses(each_engine, name):
    kind, settings = SETTINGS[name]
    logits, mask = sample_of_cells(6, void=name != "focal")
    function = reference(name)
    logits, mask = logits[:2], mask[:2]
    # The reference's Lovasz loss is for float32 alone.
    dtype = torch.float32 if name == "lovasz" else torch.float64
    tensor = torch.tensor(logits, dtype=dtype, requires_grad=True)
    values = []
    for row in range(2):
        loss = function(tensor[row : row + 1], torch.tensor(mask[row : row + 1]))
        cells = (mask[row] != VOID).sum()
        if name == "smoothed":
            loss = loss / cells
        if name.startswith(("dice", "tversky")):  # their mean counts absent classes as 0
            loss = loss * CLASSES / len(np.setdiff1d(mask[row], VOID))
        values.append(loss)
    total = torch.stack(values)
    total.sum().backward()
    found = computed(pixel_losses.create(kind, **settings), logits, mask)
    assert_equal(found, (total.detach().numpy(), tensor.grad.numpy()))
