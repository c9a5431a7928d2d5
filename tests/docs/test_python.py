"""The two programs of the page run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import densefit as df

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)


def run(code: str) -> dict:
    found: dict = {}
    exec(compile(code, str(PAGE), "exec"), found)
    return found


@pytest.mark.filterwarnings("error")
def test_a_backbone_with_heads(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # as it stands, on fewer pictures and with fewer channels
    narrow = 'backbone="resnet18",\n    settings={"width": 8},'
    code = blocks[0]
    for whole, part in (
        ("length=256", "length=16"),
        ("length=64", "length=8"),
        ("10st", "1st"),
        ('backbone="resnet18",', narrow),
    ):
        assert whole in code
        code = code.replace(whole, part)
    found = run(code)
    assert found["history"].last_validation == pytest.approx(found["scores"], nan_ok=True)
    assert {"detection/AP", "segmentation/mIoU"} <= set(found["scores"])
    assert (tmp_path / "runs" / "shapes" / "last").is_dir()
    assert {*found["prediction"]} == {"detection", "segmentation"}
    assert {*df.load("shapes").parameters} == {*found["network"].parameters}


@pytest.mark.mxnet
@pytest.mark.filterwarnings(
    "error",
    "ignore::DeprecationWarning",  # numpy's of MXNet, which takes it for a failure
    "error:.* (now|now called .*):DeprecationWarning",
)
def test_a_symbol_and_an_iterator(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run(blocks[1])
    assert set(found["history"].last_validation) == {"age/mae", "gender/accuracy"}
    assert found["scores"] == found["history"].last_validation
    assert found["ages"].shape == (100, 1)
    assert (tmp_path / "people-0010.params").is_file()
    # The people are drawn at random, and few: that it trains shows in the larger loss.
    errors = [epoch["train"]["age/mae"] for epoch in found["history"].epochs]
    assert errors[-1] < errors[0]
