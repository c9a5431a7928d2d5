"""The page on changing heads: its code is run."""

import re
from pathlib import Path

import numpy as np

import densefit as df
from densefit.datasets import Shapes

PAGE = Path(__file__).parents[2] / "docs" / "changing-heads.md"


def test_the_page_s_code_runs_and_leaves_the_detector_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    head = df.head("detection", classes=3)
    detector = df.Network("resnet18", [head], settings={"width": 8})
    loader = df.Loader(Shapes(8, size=(64, 64)), batch_size=8, heads=detector.heads)
    df.fit(detector, loader, epochs=1, checkpoint="runs/detector")
    found = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S).group(1), found)
    for before, after in zip(
        (detector.parameters, detector.statistics),
        (found["both"].parameters, found["both"].statistics),
    ):
        for name, value in before.items():
            np.testing.assert_array_equal(value, after[name], err_msg=name)
    assert list(found["alone"].adapters) == ["segmentation"]
    shown = capsys.readouterr().out
    assert re.search(r"of another shape \d+: detection_", shown)
    assert "heads see other maps" not in shown
