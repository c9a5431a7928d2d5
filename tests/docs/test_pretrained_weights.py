"""The page on pretrained weights: its code is run, with a file of random weights."""

import re
from pathlib import Path

import densefit as df
from densefit.checkpoint.storage import tensors
from tests.checkpoint.weights.layout_files import in_layout, random_arrays

PAGE = Path(__file__).parents[2] / "docs" / "pretrained-weights.md"


def test_the_page_s_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = df.Network("resnet18", [df.head("classification", classes=2)])
    arrays = in_layout(source, "torchvision, timm", random_arrays(source))
    Path("resnet18.safetensors").write_bytes(b"".join(tensors.pieces(arrays)))
    found = {}
    exec(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S).group(1), found)
    assert len(found["report"].loaded) == len(arrays)
    assert f"{len(arrays)} loaded" in capsys.readouterr().out
