"""The page on plugins: its files and its recipe train, score and predict."""

import re
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from densefit.callbacks.jsonl import read_lines
from densefit.tools import predict, score, train_multi

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
FILES = {
    block.split("\n", 1)[0][2:]: block for block in re.findall(r"```python\n(.*?)```", PAGE, re.S)
}
(RECIPE,) = re.findall(r"^    # recipe.yaml\n((?:    .*\n|\n(?=    ))+)", PAGE, re.M)


@pytest.fixture
def project(tmp_path, plugins_of_test):
    """A folder with the page's files, its recipe, and photographs."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    recipe = textwrap.dedent(RECIPE)
    assert yaml.safe_load(recipe)["plugins"] == list(FILES)
    (tmp_path / "recipe.yaml").write_text(recipe)
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (tmp_path / "pictures" / split).mkdir(parents=True)
        for index in range(8):
            name, base = (("dark", 40), ("bright", 180))[index % 2]
            image = rng.integers(base, base + 40, (32, 32, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "pictures" / split / f"{name}_{index:02}.png"), image)
    return tmp_path


def test_the_page_s_parts_train_by_the_page_s_recipe(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    arguments = ["--config", "recipe.yaml", "--out", "runs/levels", "--data.workers", "1"]
    assert train_multi.main([*arguments, "--data.worker_kind", "processes"]) == 0
    lines = capsys.readouterr()
    for name, kind in (("levels", "dataset"), ("speckle", "transform"), ("slowest", "callback")):
        assert re.search(rf"^plugin {name}.py \(sha256 \w{{12}}\): {kind} {name}$", lines.out, re.M)
    assert "metric worst_recall, head level" in lines.out
    assert "the slowest update took" in lines.out
    epochs = [line for line in read_lines("runs/levels/scalars.jsonl") if line["kind"] == "epoch"]
    assert [line["lr"] for line in epochs] == [0.02, pytest.approx(0.002)]
    validations = [x for x in read_lines("runs/levels/scalars.jsonl") if x["kind"] == "validation"]
    assert all(0 <= line["level/worst_recall"] <= 1 for line in validations)

    flags = [word for name in FILES for word in ("--plugins", name)]
    checkpoint = ["--checkpoint", "runs/levels", *flags]
    assert score.main([*checkpoint, "--split", "val"]) == 0
    assert "worst_recall" in capsys.readouterr().out
    assert predict.main([*checkpoint, "pictures/val/dark_00.png", "--out", "drawn"]) == 0
    assert Path("drawn/predictions.jsonl").is_file()


def test_the_page_shows_the_error_of_a_checkpoint_without_its_plugins(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    quick = ["--training.epochs", "1", "--data.workers", "1", "--out", "runs/levels"]
    assert train_multi.main(["--config", "recipe.yaml", *quick]) == 0
    capsys.readouterr()
    assert score.main(["--checkpoint", "runs/levels", "--split", "val"]) == 2
    shown = re.findall(r"^    (error: .*\n(?:      .*\n)+)", PAGE, re.M)[0]
    message = capsys.readouterr().err
    assert shown.splitlines()[0] == message.splitlines()[0]
    keys = [line.split(":")[0].strip() for line in shown.splitlines()]
    assert [line.split(":")[0].strip() for line in message.splitlines()] == keys


def test_the_page_s_dataset_is_checked_before_the_first_update(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    (project / "pictures" / "val" / "dark_00.png").rename(project / "pictures/val/drak_00.png")
    arguments = ["--config", "recipe.yaml", "--data.workers", "1", "--out", "runs/levels"]
    assert train_multi.main(arguments) == 1
    message = capsys.readouterr().err
    assert "'drak' is no class" in message
    assert "update 1" not in message
