"""Engines that compute a Symbol."""

from importlib.util import find_spec

import pytest


@pytest.fixture(params=["mxnet", "torch"])
def each_engine(request, monkeypatch):
    """Name of an engine, with which `tests.executor` computes in the test."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("DENSEFIT_ENGINE", request.param)
    return request.param
