"""The first import of MXNet: version, shims, threads, and no fused executors."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from densefit import backend
from densefit.errors import EngineError

ROOT = Path(backend.__file__).parent


def python(code, **environment):
    """What a fresh process prints, without this one's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MXNET_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True,
        env={**kept, **environment},
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
    assert int(threads) == backend.available_cpus()
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


def test_a_policy_of_waiting_says_how_long_threads_spin(monkeypatch):
    monkeypatch.delitem(sys.modules, "mxnet")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    backend._prepare_environment()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize(("name", "on"), [("default", False), ("NONE", False), ("MKLDNN", True)])
def test_whether_graphs_are_fused(monkeypatch, name, on):
    monkeypatch.setenv("MXNET_SUBGRAPH_BACKEND", name)
    assert backend.subgraph_fusion() is on


def test_another_mxnet_is_an_error():
    backend.check_version("1.9.1")
    for version in ("1.8.0", "2.0.0", "unknown"):
        with pytest.raises(EngineError, match=re.escape(f"received: mxnet {version}")):
            backend.check_version(version)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3.0),
        ({}, None),
        ({"cpu.max": ""}, None),
    ],
)
def test_quota_of_a_container(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert backend._cgroup_quota(tmp_path, tmp_path / "nowhere") == expected


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        # a service: the limit is that of its own group, or of one above it
        ("0::/a.slice/b:c", {"a.slice/b:c/cpu.max": "200000 100000"}, 2.0),
        ("0::/a/b", {"cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "100000 100000"}, 1.0),
        ("0::/a/b", {"a/cpu.max": "100000 100000", "a/b/cpu.max": "300000 100000"}, 1.0),
        ("0::/a", {"b/cpu.max": "100000 100000"}, None),  # of others
        # a container, whose path is that of its host
        ("0::/docker/f00", {"cpu.max": "250000 100000"}, 2.5),
        ("0::/../other", {"cpu.max": "50000 100000", "other/cpu.max": "1 100000"}, 0.5),
        # version 1
        (
            "5:memory:/m\n4:cpu,cpuacct:/a/b\n0::/x",
            {
                "cpu,cpuacct/a/cpu.cfs_quota_us": "400000",
                "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
            },
            4.0,
        ),
        ("2:cpu:/a", {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"}, 0.5),
        ("2:cpuset:/a", {"cpu/a/cpu.cfs_quota_us": "1", "cpu/a/cpu.cfs_period_us": "1"}, None),
        ("strange", {"cpu.max": "100000 100000"}, 1.0),
    ],
)
def test_quota_of_a_group_in_the_tree(tmp_path, membership, files, expected):
    (tmp_path / "membership").write_text(f"{membership}\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert backend._cgroup_quota(tmp_path, tmp_path / "membership") == expected


def test_available_cpus(tmp_path):
    (tmp_path / "cpu.max").write_text("50000 100000")
    assert backend.available_cpus(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000")
    assert backend.available_cpus(tmp_path) == len(os.sched_getaffinity(0))


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
