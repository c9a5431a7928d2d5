"""Which engines the tests run on: those that are installed, each named in the header.

Test files and modules that import MXNet are not collected where it is not installed. With
DENSEFIT_TEST_ENGINES=mxnet,torch,onnx a missing one is an error.
"""

import os
import re
from importlib import import_module, metadata

# Such small things gain nothing by more threads, and lose much where other tests run beside them.
# It must be said before an engine is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402

from densefit.errors import EngineError  # noqa: E402

#: Engine -> its package.
ENGINES = {"mxnet": "mxnet", "torch": "torch", "onnx": "onnxruntime"}
NEEDS = {
    "mxnet": re.compile(
        r"^(from densefit\.(backend|engine\.mxnet|interop)\b|import mxnet\b)", re.M
    ),
    "torch": re.compile(r"^(from densefit\.engine\.torch\b|import torch\b|from torch\b)", re.M),
    "onnx": re.compile(r"^(import onnx|from onnx|from densefit\.(engine\.onnx|export\.)\b)", re.M),
}


def version_of(engine):
    """Version of an engine's package; None where it is not installed, or MXNet cannot run.

    Only MXNet is imported, as most tests need it.
    """
    if engine == "mxnet":
        try:
            return import_module("densefit.backend").mx.__version__
        except EngineError:
            return None
    try:
        return metadata.version(ENGINES[engine])
    except metadata.PackageNotFoundError:
        return None


VERSIONS = {engine: version_of(engine) for engine in ENGINES}
MISSING = {engine for engine, version in VERSIONS.items() if version is None}


def pytest_configure(config):
    required = [name for name in os.environ.get("DENSEFIT_TEST_ENGINES", "").split(",") if name]
    for engine in required:
        if engine in MISSING:
            raise pytest.UsageError(f"DENSEFIT_TEST_ENGINES names {engine}, which cannot be used")


def pytest_terminal_summary(terminalreporter):
    present = [f"{name} {version}" for name, version in VERSIONS.items() if name not in MISSING]
    absent = f"; not installed: {', '.join(sorted(MISSING))}" if MISSING else ""
    terminalreporter.write_line(f"engines: {', '.join(present) or 'none'}{absent}")


#: Folders and files that need these engines, as their conftest or __init__ does.
PATHS = {
    "densefit/backend.py": {"mxnet"},
    "densefit/interop": {"mxnet"},
    "densefit/engine/mxnet": {"mxnet"},
    "densefit/engine/torch": {"torch"},
    "densefit/engine/onnx": {"onnx"},
    "densefit/exporting": {"onnx"},
    "tests/interop": {"mxnet"},
    "tests/test_backend.py": {"mxnet"},
    "tests/programs": {"mxnet"},
    "tests/engine/mxnet": {"mxnet"},
    "tests/engine/torch": {"mxnet", "torch"},  # compare the two
    "tests/engine/onnx": {"onnx"},
    "tests/exporting": {"onnx"},
}


def pytest_ignore_collect(collection_path, config):
    """Leave out folders and files that import an engine that is not installed."""
    if not MISSING:
        return None
    if PATHS.get(collection_path.relative_to(config.rootpath).as_posix(), set()) & MISSING:
        return True
    if collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if any(NEEDS[engine].search(text) for engine in MISSING) else None
