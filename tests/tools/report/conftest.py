import pytest


@pytest.fixture(autouse=True)
def _plain_layout():
    """Plots are laid out as for a user."""


@pytest.fixture(autouse=True)
def _no_drawing():
    """Plots are drawn."""
