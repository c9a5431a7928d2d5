"""Import what only tests compare with; without it they skip, except in continuous integration."""

import os
from importlib import import_module

import pytest


def reference(name):
    """The package `name`, or the test module that asks for it is skipped.

    Where DENSEFIT_TEST_ENGINES says that all must be there, a missing one is an error.
    """
    try:
        return import_module(name)
    except ImportError:
        if os.environ.get("DENSEFIT_TEST_ENGINES"):
            raise
    pytest.skip(
        f"{name} is not installed: make test does so, or .ci/install.py --extras references",
        allow_module_level=True,
    )
