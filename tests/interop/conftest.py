"""Makers of MXNet's iterators over numbered samples."""

import importlib.util
from pathlib import Path

import pytest

from densefit.backend import mx

CASES = Path(__file__).parents[2] / "benchmarks" / "iterator_cases.py"


@pytest.fixture(scope="session")
def cases():
    spec = importlib.util.spec_from_file_location("iterator_cases", CASES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def makers(cases, tmp_path_factory):
    return cases.Makers(tmp_path_factory.mktemp("iterators"))


@pytest.fixture(autouse=True)
def prefetching_iterators_end(cases, monkeypatch):
    """Their threads would hold all iterators, of 64 MiB each, to the end of the process."""
    made, init = [], mx.io.PrefetchingIter.__init__

    def noted(self, *args, **settings):
        init(self, *args, **settings)
        made.append(self)

    monkeypatch.setattr(mx.io.PrefetchingIter, "__init__", noted)
    yield
    while made:
        cases.stop(made.pop())
