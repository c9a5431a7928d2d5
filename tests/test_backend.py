"""The first import of MXNet: version, shims, threads, and no fused executors."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from densefit import backend
from densefit.errors import EngineError
from densefit.process.cpus import available_cpus

ROOT = Path(backend.__file__).parent
#: MXNet imports it where it is installed, which takes a third of the time.
WITHOUT_SKLEARN = "import sys; sys.modules['sklearn'] = None\n"


def python(code, **environment):
    """What a fresh process prints, without this one's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MXNET_"))}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SKLEARN + code], capture_output=True, text=True,
        timeout=300, check=True, env={**kept, **environment},
    )  # fmt: skip
    return done


def test_a_fresh_process():
    """Threads for all CPUs (MXNet starts half as many), no fusion, and nothing on stderr."""
    done = python(
        "import os, numpy as np\n"
        "import densefit as df\n"
        "from densefit.backend import mx\n"
        "x = mx.sym.FullyConnected(mx.sym.Variable('data'), num_hidden=2)\n"
        "e = x.simple_bind(mx.cpu(), grad_req='null', data=(1, 2))\n"
        "e.forward(is_train=False)[0].asnumpy()\n"
        "print(os.environ['OMP_NUM_THREADS'], os.environ['GOMP_SPINCOUNT'],"
        " os.environ['MXNET_SUBGRAPH_BACKEND'], os.environ['MXNET_MKLDNN_CACHE_NUM'], np.bool)"
    )
    threads, spin, fusion, shapes, alias, *_ = done.stdout.split(maxsplit=4)
    assert shapes == "256"
    assert spin == "10000"
    assert int(threads) == available_cpus()
    assert fusion == "default"
    assert "bool" in alias
    assert "MKLDNN" not in done.stderr


def test_the_user_s_settings_win():
    done = python(
        "import os, densefit.backend as b\n"
        "print(os.environ['OMP_NUM_THREADS'], os.environ['GOMP_SPINCOUNT'], b.subgraph_fusion())",
        OMP_NUM_THREADS="1", GOMP_SPINCOUNT="77", MXNET_SUBGRAPH_BACKEND="MKLDNN",
    )  # fmt: skip
    assert done.stdout.split() == ["1", "77", "True"]


@pytest.mark.parametrize(("name", "on"), [("default", False), ("NONE", False), ("MKLDNN", True)])
def test_whether_graphs_are_fused(monkeypatch, name, on):
    monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", name)
    assert backend.subgraph_fusion() is on


def test_another_mxnet_is_an_error():
    backend.check_version("1.9.1")
    for version in ("1.8.0", "2.0.0", "unknown"):
        with pytest.raises(EngineError, match=re.escape(f"received: mxnet {version}")):
            backend.check_version(version)


def test_nothing_else_imports_mxnet_itself():
    """Whoever did so first would do it without the shims and the settings."""
    offenders = [
        str(path)
        for folder in (ROOT, ROOT.parent / "tasks", ROOT.parent / "datasets", ROOT.parent / "tools")
        for path in folder.rglob("*.py")
        if path.name != "backend.py"
        and re.search(r"^\s*(import|from) mxnet", path.read_text(), re.MULTILINE)
    ]
    assert offenders == []
