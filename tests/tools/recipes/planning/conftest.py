"""Folders of generated pictures in users' layouts."""

import pytest

from densefit.datasets.shapes import Shapes
from densefit.tools.conversion.convert import convert


def written(folder, to, splits, size=(48, 64), **settings):
    data = {split: Shapes(8, size, split=split, **settings) for split in splits}
    convert(data, to, folder, lossy=True, verify=False)
    return folder


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """Boxes in YOLO's layout, with three splits."""
    return written(tmp_path_factory.mktemp("data") / "cells", "yolo", ("train", "val", "test"))


@pytest.fixture(scope="session")
def streets(tmp_path_factory):
    """Masks beside images, without a test split."""
    return written(tmp_path_factory.mktemp("data") / "streets", "mask_folder", ("train", "val"))


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    """COCO's layout with boxes and outlines, and a training split alone."""
    return written(tmp_path_factory.mktemp("data") / "people", "coco", ("train",))
