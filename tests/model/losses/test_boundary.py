"""The boundary loss: distances by brute force, values and gradients."""

import numpy as np
import pytest
import torch

from densefit.model.losses.boundary import Boundary, signed_distance
from tests.model.losses.cells import CLASSES, VOID, assert_equal, computed, sample_of_cells


def one_hot2dist(region):
    """As in the code of the paper's authors, with the transform by brute force."""

    def transform(pixels):
        zeros = np.argwhere(~pixels)
        rows = np.argwhere(np.ones_like(pixels))
        each = np.sqrt(((rows[:, None] - zeros[None]) ** 2).sum(axis=2)).min(axis=1)
        return each.reshape(pixels.shape)

    if not region.any() or region.all():
        return np.zeros(region.shape)
    return transform(~region) * ~region - (transform(region) - 1) * region


@pytest.mark.parametrize("seed", range(5))
def test_signed_distance(seed):
    rng = np.random.default_rng(seed)
    for share in (0.0, 0.02, 0.3, 0.9, 1.0):
        region = rng.random((13, 17)) < share
        found = signed_distance(region)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, one_hot2dist(region), atol=1e-5)


@pytest.mark.parametrize("class_weights", [None, [1.0, 0.5, 3.0, 2.0]])
@pytest.mark.parametrize("partial", [False, True])
def test_values_and_gradients(each_engine, class_weights, partial):
    logits, mask = sample_of_cells(7)
    known = None
    if partial:
        known = np.ones((3, CLASSES))
        known[:, 2] = 0
        mask = np.where(mask == 2, 0, mask)
    found = computed(Boundary(), logits, mask, class_weights, known)
    tensor = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    factors = np.zeros(256)
    factors[:CLASSES] = class_weights or [1.0] * CLASSES
    total = []
    for row in range(3):
        distance = torch.tensor(np.stack([one_hot2dist(mask[row] == k) for k in range(CLASSES)]))
        own = tensor[row]
        if partial:
            hidden = torch.zeros(own.shape)
            hidden[2] = torch.tensor(mask[row] == 0)
            own = own - 1e4 * hidden
        weight = torch.tensor(factors[mask[row]])
        mean = (own.softmax(0) * distance).mean(0)
        total.append((mean * weight).sum() / weight.sum().clamp_min(1e-9))
    total = torch.stack(total)
    total.sum().backward()
    assert_equal(found, (total.detach().numpy(), tensor.grad.numpy()))


def test_a_mask_of_one_class_or_none_has_no_boundary():
    encoded = Boundary().encode(np.full((4, 6), VOID), 3)
    assert encoded["distance"].shape == (3, 4, 6)
    assert not encoded["distance"].any()
    assert not Boundary().encode(np.full((4, 6), 1), 3)["distance"].any()
