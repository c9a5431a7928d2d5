"""Which engines the tests run on: those that are installed, each named in the header.

Test files and modules that import MXNet are not collected where it is not installed, nor are single
tests that are marked `mxnet` or take the fixture `mx`. With
DENSEFIT_TEST_ENGINES=mxnet,torch,onnx a missing engine is an error.
"""

import gc
import os
import re
import signal
import sys
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

# Such small things gain nothing by more threads, and lose much where other tests run beside them.
# It must be said before an engine is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402
from _pytest.doctest import DoctestModule  # noqa: E402

from densefit.errors import EngineError  # noqa: E402

pytest_plugins = ["tests.pytest_costs"]
ROOT = Path(__file__).parent
#: Engine -> its package.
ENGINES = {"mxnet": "mxnet", "torch": "torch", "onnx": "onnxruntime"}
NEEDS = {
    "mxnet": re.compile(
        r"^(from densefit(\.(backend|engine\.mxnet|interop)\b| import backend$)|import mxnet\b)",
        re.M,
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


#: Files with fixtures of many seconds. They come first, where no worker takes half of their tests
#: over from another, and makes the fixtures again: pytest-xdist steals from the end.
FIRST = (
    "tests/train/test_ranks.py",
    "tests/test_three_heads.py",
    "tests/engine/torch/test_rank_sum.py",
    "tests/e2e/test_stranger.py",
    "tests/symbol/test_networks.py",
    "tests/contract/test_heads.py",
    "tests/engine/onnx/test_heads.py",
    "tests/tools/test_plan_tasks.py",
)


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell's job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "mxnet: needs MXNet, in a file that does not")
    required = [name for name in os.environ.get("DENSEFIT_TEST_ENGINES", "").split(",") if name]
    for engine in required:
        if engine in MISSING:
            raise pytest.UsageError(f"DENSEFIT_TEST_ENGINES names {engine}, which cannot be used")


def pytest_collection(session):
    """Collect no garbage among objects that stay: tests, modules, the engines' operators."""
    gc.disable()


def pytest_collection_finish(session):
    gc.freeze()
    gc.enable()
    # A collection of the oldest looks at the engines that were imported since: a third of a second,
    # which came every 14 s. What tests leave in cycles is small.
    # Among the youngest, 700 objects are less than a small network makes.
    _, middle, _ = gc.get_threshold()
    gc.set_threshold(10_000, middle, 40)


def pytest_terminal_summary(terminalreporter):
    present = [f"{name} {version}" for name, version in VERSIONS.items() if name not in MISSING]
    absent = f"; not installed: {', '.join(sorted(MISSING))}" if MISSING else ""
    if MISSING:
        files = list((ROOT / "tests").rglob("test_*.py"))
        left_out = sum(bool(needs_with_folders(path) & MISSING) for path in files)
        absent += f", which {left_out} of {len(files)} test files need"
    terminalreporter.write_line(f"engines: {', '.join(present) or 'none'}{absent}")


def draw_no_constants_of_files():
    """Keep hypothesis from the constants in densefit's files.

    It parses all 1,200 of them in each worker, and a test that is not random draws other examples
    when another module is imported.
    """
    providers = sys.modules.get("hypothesis.internal.conjecture.providers")
    if providers and hasattr(providers, "is_local_module_file"):  # not in older ones
        providers.is_local_module_file = lambda path: False


#: Folders and files that need these engines without importing them at the top.
PATHS = {
    "densefit/backend.py": {"mxnet"},
    "densefit/engine/torch": {"torch"},
    "densefit/engine/onnx": {"onnx"},
    "densefit/exporting": {"onnx"},
    "tests/engine/torch/both_engines.py": {"mxnet"},
    "tests/engine/torch": {"torch"},
    "tests/engine/onnx": {"onnx"},
    "tests/exporting": {"onnx"},
}
TESTS = re.compile(r"^from (tests(?:\.\w+)*) import (\w+)", re.M)
#: Files whose imports count for their folder.
OF_FOLDERS = ("__init__.py", "conftest.py")


@cache
def needs(path):
    """Engines that a file or folder needs, in what it imports of `tests` too."""
    engines = set(PATHS.get(path.relative_to(ROOT).as_posix(), ()))
    if path.is_dir():
        files = [path / name for name in OF_FOLDERS]
        return engines.union(*(needs(file) for file in files if file.exists()))
    text = path.read_text(encoding="utf-8")
    engines |= {engine for engine, imports in NEEDS.items() if imports.search(text)}
    for module, name in TESTS.findall(text):
        folder = ROOT / module.replace(".", "/")
        files = folder.with_suffix(".py"), (folder / name).with_suffix(".py")
        engines = engines.union(*(needs(file) for file in files if file.exists() and file != path))
    return engines


def needs_with_folders(path):
    """Engines that a file needs, or a folder that it is in."""
    return needs(path).union(*(needs(folder) for folder in path.parents if ROOT in folder.parents))


def pytest_ignore_collect(collection_path):
    """Leave out folders and files that need an engine that is not installed."""
    if not MISSING or not (collection_path.is_dir() or collection_path.suffix == ".py"):
        return None
    return True if needs(collection_path) & MISSING else None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path):
    """Look for doctests in densefit alone: tests have none, and 800 files are searched for them."""
    collectors = yield
    if ROOT / "tests" not in file_path.parents:
        return collectors
    return [found for found in collectors if not isinstance(found, DoctestModule)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Put `FIRST` first; without MXNet, leave out its tests in files that test more than it."""
    draw_no_constants_of_files()
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))
    if "mxnet" not in MISSING:
        return
    kinds = {True: [], False: []}
    for item in items:
        of_mxnet = item.get_closest_marker("mxnet") or "mx" in getattr(item, "fixturenames", ())
        kinds[bool(of_mxnet)].append(item)
    config.hook.pytest_deselected(items=kinds[True])
    items[:] = kinds[False]
