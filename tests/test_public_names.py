"""The names of `densefit`: imported when they are asked for, old ones with a warning."""

import ast
import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import densefit as df
from densefit.old_names import OLD_NAMES
from tests import forked

NAMESPACES = {
    "balance": "Uncertainty",
    "callbacks": "EarlyStopping",
    "errors": "ConfigError",
    "interop": "as_mxnet_scheduler",
    "metrics": "ConfusionMatrix",
    "schedules": "OneCycle",
    "sharing": "sharings",
    "surgery": "with_head",
    "transforms": "Letterbox",
}


def python(code, *options):
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_about_thirty_names_and_the_namespaces():
    assert sorted(df.__all__) == df.__all__
    names = [name for name in df.__all__ if not isinstance(getattr(df, name), types.ModuleType)]
    assert len(names) == 35
    assert sorted({*df.__all__} - {*names}) == sorted(NAMESPACES)
    assert {*df.__all__} <= {*dir(df)}


@pytest.mark.parametrize(("namespace", "name"), NAMESPACES.items())
def test_a_namespace(namespace, name):
    module = getattr(df, namespace)
    if namespace == "interop" and not module.is_installed:
        name = "is_installed"
    assert hasattr(module, name)
    command = [sys.executable, "-W", "error::DeprecationWarning:densefit", "-c"]
    code = f"from densefit.{namespace} import {name}"
    forked.run([*command, code], forget=["densefit"], check=True)


def test_the_start_is_light():
    code = """
import sys
import densefit
print({"mxnet", "cv2", "numpy", "jsonargparse"} & {*sys.modules})
"""
    assert python(code) == "set()\n"


def test_a_type_checker_sees_the_names_that_there_are():
    """The imports under TYPE_CHECKING give the objects that are imported when first used."""
    tree = ast.parse(Path(df.__file__).read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    imported = {name.name: line.module for line in block.body for name in line.names}
    assert {*imported, "errors"} == {*df.__all__}
    for name, module in imported.items():
        assert getattr(importlib.import_module(module), name) is getattr(df, name)


@pytest.mark.parametrize("old", OLD_NAMES)
def test_an_old_name_warns_and_says_the_new_one(old):
    with pytest.warns(DeprecationWarning, match=rf"df.{old} is d.* now") as caught:
        value = getattr(df, old)
    assert caught[0].filename == __file__
    assert value.__name__ == old
    assert old not in df.__all__


def test_a_name_that_never_was():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        df.nothing  # noqa: B018
    with pytest.raises(ImportError, match="nothing"):
        from densefit import nothing  # noqa: F401
    assert not hasattr(df, "__wrapped__")


def test_folders_need_no_import_of_their_own():
    assert python("import densefit as df; print(df.visualize.__name__)") == "densefit.visualize\n"
