import os

import pytest

from densefit.errors import ConfigError
from densefit.tools import find_lr, predict
from densefit.tools.recipes.run.out_folder import (
    make_folder,
    new_folder,
    newest_folder,
    recipe_name,
)
from densefit.tools.scoring import score_masks


def test_a_folder_is_made(tmp_path):
    assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert make_folder(str(tmp_path / "a")).is_dir()


@pytest.mark.parametrize("out", ["file", "file/below", "ring", "x" * 300, "a\0b"])
def test_where_there_can_be_none_it_is_told(tmp_path, out):
    (tmp_path / "file").write_text("")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    with pytest.raises(ConfigError, match="--out another folder"):
        make_folder(tmp_path / out)


def test_a_folder_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="Permission denied"):
        make_folder(tmp_path)


def test_it_is_told_before_the_work(trained, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    out = ["--out", str(tmp_path / "file")]
    monkeypatch.setattr(find_lr, "find_lr", None)
    sizes = ["--data.settings", "{length: 4, size: [32, 32]}", "--training.batch_size", "2"]
    heads = ["--model.heads", "{kind: {task: classification}}", "--input_size", "[32, 32]"]
    assert find_lr.main([*sizes, *heads, "--model.settings.width", "8", *out]) == 2
    given = ["--truth", "t", "--predicted", "p", "--classes", "2"]
    assert score_masks.main([*given, *out]) == 2
    (tmp_path / "a.png").write_bytes(b"")
    assert predict.main(["--checkpoint", str(trained), str(tmp_path / "a.png"), *out]) == 2
    assert capsys.readouterr().err.count("it is a file") == 3


def test_recipes_are_called_by_their_file_or_their_run():
    assert recipe_name(["--seed", "1", "--config", "a/cells.yaml"], "x") == "cells"
    assert recipe_name(["--config=a.yaml", "--config", "b b.yml"], "x") == "b-b"
    assert recipe_name(["--config", "runs/cells/config.yaml"], "x") == "cells"
    assert recipe_name(["--config"], "x") == "x"


def test_new_folders_are_numbered_and_the_newest_is_found(tmp_path):
    assert newest_folder(tmp_path / "runs", "a") is None
    made = [new_folder(tmp_path / "runs", "a").name for _ in range(11)]
    assert made == ["a", *(f"a-{number}" for number in range(2, 12))]
    for other in ("a-b", "a-99x", "ab"):
        (tmp_path / "runs" / other).mkdir()
    (tmp_path / "runs" / "a-12").write_text("")  # no folder
    assert newest_folder(tmp_path / "runs", "a").name == "a-11"
    assert new_folder(tmp_path / "runs", "a").name == "a-13"
