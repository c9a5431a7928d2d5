"""Notebooks run, and have stored outputs; their pages have the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.generator.notebook import run, to_markdown

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SMALL = {"length=400": "length=32", "length=100": "length=8", "epochs=8": "epochs=4"}


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def smaller(code: str) -> str:
    for whole, small in SMALL.items():
        code = code.replace(whole, small)
    return code


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS] == ["first-network.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_and_was_run_in_order(path):
    codes = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in codes] == list(range(1, len(codes) + 1))
    assert path.stat().st_size < 300_000
    texts = json.dumps([cell["outputs"] for cell in codes])
    assert "Traceback" not in texts
    assert "image/png" in texts


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_first_network_trains_scores_and_is_exported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = read(FOLDER / "first-network.ipynb")
    stored = json.dumps(notebook)
    assert all(whole in stored for whole in SMALL)
    names = run(notebook, smaller)
    assert names["history"].update == 8
    assert "detection/AP/circle" in names["scores"]
    assert (tmp_path / "first.onnx").is_file()
    (image,) = [
        output["data"]["image/png"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert f"](data:image/png;base64,{image[:40]}" in to_markdown(notebook)


def test_a_cell_shows_what_it_prints_and_its_last_value():
    cell = {"cell_type": "code", "source": ["import sys\n", "print('a')\n", "print('b')\n"]}
    cell["source"] += ["print('c', file=sys.stderr)\n", "x = 2\n", "x + 1"]
    text = {"cell_type": "markdown", "source": ["# Title\n", "text"]}
    notebook = {"cells": [text, cell]}
    assert run(notebook, lambda code: code.replace("x + 1", "x + 2"))["x"] == 2
    streams = [(output["name"], output["text"]) for output in cell["outputs"][:2]]
    assert streams == [("stdout", ["a\n", "b\n"]), ("stderr", ["c\n"])]
    assert cell["outputs"][2]["data"] == {"text/plain": ["4"]}
    page = to_markdown(notebook)
    assert page.startswith("# Title\ntext\n\n```python\nimport sys\n")
    assert "```text\na\nb\n```\n\n```text\nc\n```\n\n```text\n4\n```" in page
