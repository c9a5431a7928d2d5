"""Seed PyTorch's random generators, or draw a seed from them."""

from __future__ import annotations

import torch

from densefit.engine.training.seeding import update_seed


def seed(number: int) -> None:
    """Seed PyTorch's generators on all devices."""
    torch.manual_seed(number)


def seed_update(number: int, epoch: int, batch: int = 0) -> None:
    """Seed PyTorch (dropout) for an epoch, or for one of its updates; see `update_seed`."""
    torch.manual_seed(update_seed(number, epoch, batch))


def draw_seed() -> int:
    """Draw a seed, so that PyTorch's random numbers still depend on the user's seed."""
    return int(torch.randint(0, 2**31 - 1, (1,)).item())
