"""Import paths from before the modules moved into folders."""

import importlib
import sys

import pytest

import densefit as df
from densefit.checkpoint.training.identity import differences
from densefit.errors import EngineError
from densefit.old_paths import in_new_paths, moved
from tests import forked

PACKAGES = [
    "densefit.data.loader",
    "densefit.data.mixture",
    "densefit.data.workers",
    "densefit.interop.module",
    "densefit.metrics.panoptic",
    "densefit.datasets.coco",
    "densefit.datasets.record",
    "densefit.datasets.voc",
    "densefit.tools.report",
]  # have the name of a module that moved into them


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("densefit.model.head", "heads", "densefit.model.heads.head"),
        ("densefit.model.route", "Route", "densefit.model.heads.route"),
        ("densefit.data.loader", "Loader", "densefit.data.loader.loader"),
        ("densefit.data.mixture", "Mixture", "densefit.data.mixture.mixture"),
        ("densefit.metrics.depth", "Depth", "densefit.metrics.dense.depth"),
        ("densefit.metrics.panoptic", "PanopticQuality", "densefit.metrics.panoptic.quality"),
        ("densefit.predict.drawing", "draw_boxes", "densefit.visualize.drawing"),
        ("densefit.score", "Scorer", "densefit.evaluation.score"),
        ("densefit.discover", "registered", "densefit.factory"),
    ],
)
def test_a_name_of_an_old_module_is_the_new_ones(old, name, new):
    if old not in PACKAGES and old.count(".") > 1:
        sys.modules.pop(old, None)  # it warns when it is imported
    with pytest.warns(DeprecationWarning, match=rf"{old}.* is {new}.* now"):
        found = getattr(importlib.import_module(old), name)
    assert found is getattr(importlib.import_module(new), name)


def test_a_warning_names_the_line_that_imports(tmp_path):
    (tmp_path / "plugin.py").write_text("from densefit.model.head import heads\n")
    command = [sys.executable, "-W", "always::DeprecationWarning", "plugin.py"]
    done = forked.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, forget=["densefit"]
    )
    assert "plugin.py:1: DeprecationWarning: densefit.model.head is" in done.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("old", [old for old in moved() if old not in PACKAGES])
def test_every_old_module_is_readable(old):
    try:
        new = importlib.import_module(moved()[old])
        module = importlib.import_module(old)
    except EngineError:  # one of them belongs to MXNet
        assert not df.interop.is_installed
        return
    assert module is new or module.__name__ == old  # one that a function of the package hides


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_functions_stay_what_they_are():
    from densefit.predict.drawing import draw_boxes  # noqa: F401
    from densefit.score import Scorer  # noqa: F401

    assert callable(df.score)
    assert callable(df.predict)


def test_a_name_that_no_module_had():
    with pytest.raises(ImportError, match="nothing"):
        from densefit.data.loader import nothing  # noqa: F401
    with pytest.raises(ImportError, match="nothing"):
        from densefit.score import nothing  # noqa: F401, F811
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("densefit.data.nothing")


@pytest.mark.parametrize(
    ("before", "today"),
    [
        ("densefit.data.flip.RandomFlip", "densefit.data.transforms.flip.RandomFlip"),
        ("densefit.data.mixture.Mixture", "densefit.data.mixture.mixture.Mixture"),
        ("densefit.data.mixture.mixture.Mixture", "densefit.data.mixture.mixture.Mixture"),
        ("{a: densefit.data.move.crop}", "{a: densefit.data.geometry.image_ops.crop}"),
        ("mydensefit.data.flip.x densefit.sample", "mydensefit.data.flip.x densefit.sample"),
    ],
)
def test_names_in_texts(before, today):
    assert in_new_paths(before) == today


def test_a_checkpoint_from_before_has_the_same_settings():
    saved = {"loader": "f=densefit.data.move.resize", "heads": {"a": "densefit.data.cells.cells"}}
    today = {
        "loader": "f=densefit.data.geometry.image_ops.resize",
        "heads": {"a": "densefit.data.geometry.strided_map.cells"},
    }
    assert differences(saved, today) == {}
    assert differences(saved, {**today, "loader": "f=other"}).keys() == {"loader"}
