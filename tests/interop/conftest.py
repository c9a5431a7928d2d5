"""Makers of MXNet's iterators over numbered samples."""

import importlib.util
from pathlib import Path

import pytest

CASES = Path(__file__).parents[2] / "benchmarks" / "iterator_cases.py"


@pytest.fixture(scope="session")
def makers(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("iterator_cases", CASES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Makers(tmp_path_factory.mktemp("iterators"))
