import json

import pytest

from densefit.tools import score


def scores_of(folder):
    return json.loads((folder / "scores.json").read_text())


def test_it_finds_what_the_training_found(trained, tmp_path, capsys):
    assert score.main(["--checkpoint", str(trained), "--out", str(tmp_path)]) == 0
    assert scores_of(tmp_path) == scores_of(trained)
    shown = capsys.readouterr()
    assert "best on 8 samples of 'test'" in shown.out
    assert "detection/AP" in shown.out
    assert shown.err == ""


def test_the_split_the_data_and_the_batch_can_be_others(trained, tmp_path, capsys):
    arguments = ["--resume", str(trained / "checkpoints" / "last"), "--out", str(tmp_path)]
    arguments += ["--split", "val", "--data.settings.length", "5", "--score_batch_size", "3"]
    assert score.main(arguments) == 0
    found = scores_of(tmp_path)
    assert (found["split"], found["samples"]) == ("val", 5)
    assert found["checkpoint"].endswith("last")


def test_without_out_nothing_is_written(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert score.main(["--checkpoint", str(trained)]) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--checkpoint runs/NAME"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
        (["--chekpoint", "nowhere"], 2, "did you mean 'checkpoint'?"),
        (["--resume", "auto"], 2, "--out runs/NAME"),
    ],
)
def test_mistakes_are_told(capsys, arguments, code, said):
    assert score.main(arguments) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown
