"""Both engines are compared here: without one of them the tests cannot run, and say so."""

import importlib.util

import pytest

MISSING = [name for name in ("mxnet", "torch") if importlib.util.find_spec(name) is None]


def pytest_collection_modifyitems(items):
    if MISSING and any("tests/engine/torch" in str(item.path) for item in items):
        raise pytest.UsageError(
            f"tests/engine/torch compares two engines, and {' and '.join(MISSING)} cannot be "
            f"imported: pip install 'densefit[{','.join(MISSING)}]'"
        )


if not MISSING:
    import torch

    torch.set_num_threads(1)
