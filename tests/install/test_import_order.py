"""`import mxnet` works before `import densefit`, in an environment that densefit is installed in.

A wheel is unpacked into a folder that a process then treats as its site-packages.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FINDER = importlib.util.spec_from_file_location(
    "_densefit_mxnet_shims", ROOT / "_densefit_mxnet_shims.py"
)
shims = importlib.util.module_from_spec(FINDER)  # installed, or only part of this checkout
FINDER.loader.exec_module(shims)
TRAIN = """
import mxnet as mx
import densefit as df
import numpy as np

output = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1)
symbol = mx.sym.LinearRegressionOutput(output, name="age")
people = np.random.rand(16, 8).astype("float32")
ages = {"age_label": people[:, :1]}
history = df.fit(
    symbol,
    mx.io.NDArrayIter(people, ages, batch_size=4),
    validation=mx.io.NDArrayIter(people, ages, batch_size=4),
    epochs=1,
    heads={"age": df.Route(outputs=["age"], labels=["age_label"], metrics=["mae"])},
)
print(sorted(history.last_validation))
"""


def python(site, code, *options):
    """Run `code` in a process that starts as one with densefit in `site`."""
    # This environment's own densefit, and what it put there at the start, is not under test; nor is
    # scikit-learn, which MXNet imports where it is installed, and which takes a third of the time.
    forget = f"""
import os, sys
def is_ours(finder):
    return getattr(finder, "__module__", None) == "_densefit_mxnet_shims"
sys.meta_path[:] = [finder for finder in sys.meta_path if not is_ours(finder)]
sys.modules.pop("_densefit_mxnet_shims", None)
sys.path[:] = [path for path in sys.path if not os.path.isdir(os.path.join(path, "densefit"))]
sys.path.insert(0, {str(site)!r})
sys.modules["sklearn"] = None
import site
site.addsitedir({str(site)!r})
"""
    # else `python -c` finds the modules of a checkout in the present folder
    done = subprocess.run(
        [sys.executable, *options, "-c", forget + code],
        capture_output=True, text=True, timeout=300, cwd=site,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module", params=["wheel", "editable"])
def site(request, tmp_path_factory):
    """A site-packages folder with densefit, as installed or as installed editable."""
    folder = tmp_path_factory.mktemp(f"site-{request.param}")
    zipfile.ZipFile(request.getfixturevalue(request.param)).extractall(folder)
    return folder


def test_looking_for_mxnet_imports_nothing_and_a_module_of_it_all_and_mxnet_first_trains(site):
    code = """
import importlib.util, sys
before = set(sys.modules)
for _ in range(2):
    spec = importlib.util.find_spec("mxnet")
    assert spec.name == "mxnet" and spec.submodule_search_locations, spec
assert not {"numpy", "mxnet", "densefit", "setuptools"} & (set(sys.modules) - before)
assert importlib.util.find_spec("no_such_module") is None
from mxnet.gluon import nn
import mxnet, importlib, numpy, sys
assert "densefit" not in sys.modules
assert not [f for f in sys.meta_path if type(f).__name__ == "MXNetFinder"]
assert type(mxnet.__loader__).__name__ == "SourceFileLoader"
assert "exec_module" not in vars(mxnet.__loader__)
assert importlib.import_module("mxnet") is mxnet
import densefit.backend
assert densefit.backend.mx is mxnet
assert numpy.bool is numpy.bool_ or numpy.__version__ < "1.24"
"""
    done = python(site, code + TRAIN)
    assert done.stdout.split("\n")[-2] == "['age/mae']"


def test_the_start_is_silent_and_changes_nothing_else(site):
    code = """
import os, sys
assert not {"numpy", "mxnet", "densefit", "setuptools"} & set(sys.modules)
(finder,) = [f for f in sys.meta_path if type(f).__name__ == "MXNetFinder"]
print(sorted(k for k in os.environ if k.startswith(("OMP_", "GOMP_", "MXNET_", "KMP_"))))
"""
    done = python(site, code, "-I", "-W", "error")
    settings = [k for k in os.environ if k.startswith(("OMP_", "GOMP_", "MXNET_", "KMP_"))]
    assert done.stdout.strip() == str(sorted(settings))
    assert done.stderr == ""


def test_the_shims_warn_of_nothing(site):
    code = """
import _densefit_mxnet_shims
_densefit_mxnet_shims.apply_shims()
import numpy
assert "densefit" not in sys.modules
numpy.bool
"""
    assert python(site, code, "-W", "error").stderr == ""


def test_the_cost_of_a_start(site):
    """Under a millisecond; the best of several, as other processes compute meanwhile."""
    code = """
import time
seconds = []
for _ in range(20):
    del sys.modules["_densefit_mxnet_shims"]
    sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != "MXNetFinder"]
    begun = time.perf_counter()
    exec(line)
    seconds.append(time.perf_counter() - begun)
print(min(seconds))
"""
    line = (site / "_densefit_mxnet_shims.pth").read_text().strip()
    assert float(python(site, f"line = {line!r}\n" + code).stdout) < 0.001


def test_half_an_installation_is_silent(tmp_path):
    """The .pth file is left and the module is not, or the module is damaged."""
    shutil.copy(ROOT / "_densefit_mxnet_shims.pth", tmp_path)
    assert python(tmp_path, "").stderr == ""
    (tmp_path / "_densefit_mxnet_shims.py").write_text("not Python")
    assert python(tmp_path, "").stderr == ""


def test_without_mxnet_its_absence_is_the_error(site):
    code = """
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name == "mxnet":
            raise ModuleNotFoundError("No module named 'mxnet'")
sys.meta_path.insert(1, Nothing())
try:
    import mxnet
except ModuleNotFoundError as error:
    print(error)
"""
    assert python(site, code).stdout == "No module named 'mxnet'\n"


def test_a_shim_that_fails_leaves_the_error_to_the_import(tmp_path, monkeypatch):
    (tmp_path / "mxnet.py").write_text("loaded = True\n")
    path = tmp_path / "mxnet.py"

    class Finder:
        def find_spec(self, name, path_=None, target=None):
            return importlib.util.spec_from_file_location(name, path)

    def fail():
        raise RuntimeError

    finder = shims.MXNetFinder()
    monkeypatch.setattr(sys, "meta_path", [finder, Finder()])
    monkeypatch.setattr(shims, "apply_shims", fail)
    spec = finder.find_spec("mxnet")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.loaded
    assert finder not in sys.meta_path


def test_a_second_install_adds_no_second_finder(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "mxnet")
    shims.install()
    shims.install()
    assert len(sys.meta_path) == 1
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setitem(sys.modules, "mxnet", shims)
    shims.install()  # too late to do anything
    assert sys.meta_path == []
