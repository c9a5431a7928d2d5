"""Wheels of densefit, built as pip builds them, without the package index."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ("densefit", "tasks", "datasets", "tools", "configs", "src")
FILES = ("pyproject.toml", "build_backend.py", "MANIFEST.in", "README.md")


@pytest.fixture(scope="session")
def copied_source(tmp_path_factory):
    """Copy what a build reads, links as links: setuptools leaves things beside what it builds."""

    def copy():
        folder = tmp_path_factory.mktemp("source") / "densefit"
        unbuilt = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in TREE:
            shutil.copytree(ROOT / name, folder / name, ignore=unbuilt, symlinks=True)
        for path in (*(ROOT / name for name in FILES), *ROOT.glob("_densefit_mxnet_shims.*")):
            shutil.copy(path, folder)
        return folder

    return copy


@pytest.fixture(scope="session")
def source(copied_source):
    return copied_source()


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Path of what a hook of build_backend.py makes of a source folder."""

    def run(hook, source):
        folder = tmp_path_factory.mktemp(hook)
        code = f"import build_backend; build_backend.{hook}({str(folder)!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        (path,) = folder.glob("densefit-*")
        return path

    return run


@pytest.fixture(scope="session")
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("densefit-*.whl")
    return path


@pytest.fixture(scope="session")
def editable(source, build):
    return build("build_editable", source)
