"""A dataset or task that is used is imported, and no other; by name all are found."""

import sys

import pytest

import densefit.datasets
import densefit.tasks
from densefit.factory import datasets
from densefit.model.heads.head import heads
from tests import forked

USE = """
import sys
from densefit.datasets import Shapes
from densefit.tasks.multilabel.head import MultiLabel
parts = [name.split(".") for name in sys.modules]
print(*sorted(".".join(part[1:]) for part in parts
    if part[0] == "densefit" and part[1:2] in (["datasets"], ["tasks"]) and len(part) == 3))
"""


def test_one_of_each_imports_no_other():
    done = forked.run(
        [sys.executable, "-c", USE], forget=["densefit"], capture_output=True, text=True
    )
    drawn = [f"datasets.shapes{part}" for part in ("", "_drawing", "_relief")]
    assert done.stdout.split() == [*drawn, "tasks.multilabel"], done.stderr


@pytest.mark.parametrize("package", [densefit.datasets, densefit.tasks])
def test_every_name_is_there_and_no_other(package):
    for name in package.__all__:
        assert getattr(package, name).__name__.endswith(name)
        assert name in dir(package)
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = package.absent


def test_all_are_registered():
    classes = {getattr(densefit.datasets, name) for name in densefit.datasets.__all__}
    assert classes == {
        datasets.get(name)
        for name in datasets.names()
        if datasets.get(name).__module__.startswith("densefit.datasets.")
    }
    assert set(densefit.tasks.__all__) <= set(heads.names())
