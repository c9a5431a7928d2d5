"""The lines of the page on own data that write a table of classes, on files like the published."""

import re
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from densefit.datasets.depth.label_map import label_table
from densefit.datasets.depth.nyuv2 import CLASSES

PAGE = Path(__file__).parents[2] / "docs/own-data.md"


def test_the_table_of_classes_is_read(tmp_path, monkeypatch):
    scipy_io = pytest.importorskip("scipy.io")
    monkeypatch.chdir(tmp_path)
    scipy_io.savemat("classMapping40.mat", {"mapClass": [[40, 1, 2, 40]]})
    to_13 = np.full((1, 40), 7)
    to_13[0, :2] = 12, 0
    scipy_io.savemat("class13Mapping.mat", {"classMapping13": {"labels13": to_13}})
    block = re.findall(r"^    from scipy.*\n(?:    .*\n)*", PAGE.read_text(), re.M)[0]
    exec(compile(dedent(block), str(PAGE), "exec"), {})
    table = label_table(tmp_path / "classes13.csv", ["book", "wall", "x", "y"], CLASSES)
    assert table.tolist() == [255, 6, 11, 255, 6]
