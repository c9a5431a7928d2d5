import json
import re

import pytest

from densefit.tools import score


def test_a_checkpoint_needs_no_name(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert score.main(["--checkpoint", str(trained), "--score-batch-size", "3"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("split 'test', 8 samples: the recipe's test split (--split NAME")
    assert not list(tmp_path.iterdir())


def test_the_split_the_data_and_the_checkpoint_can_be_others(trained, tmp_path, capsys):
    arguments = ["--resume", str(trained / "checkpoints" / "last"), "--out", str(tmp_path)]
    arguments += ["--split", "val", "--data.settings.length", "5", "--worst", "0"]
    assert score.main(arguments) == 0
    about = json.loads((tmp_path / "scored.json").read_text())
    assert (about["split"], about["samples"]) == ("val", 5)
    assert about["checkpoint"].endswith("last")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--checkpoint runs/NAME"),
        (["--checkpoint", "nowhere"], 1, "nowhere"),
        (["--chekpoint", "nowhere"], 2, "did you mean --checkpoint?"),
        (["--resume", "auto"], 2, "--out runs/NAME"),
        (["cocoo", "--results", "x"], 2, "did you mean 'coco'?"),
        (["runs/NAME"], 2, "known: coco, masks, panoptic, voc"),
    ],
)
def test_mistakes_are_told(capsys, arguments, code, said):
    assert score.main(arguments) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_lists_all_that_can_be_scored(capsys, word):
    assert score.main([word]) == 0
    shown = capsys.readouterr().out
    assert "score.py --checkpoint runs/NAME" in shown
    for kind in score.COMMANDS:
        assert f"score.py {kind} " in shown


@pytest.mark.parametrize("kind", score.COMMANDS)
def test_each_has_a_help_of_its_own(capsys, kind):
    with pytest.raises(SystemExit) as ended:
        score.main([kind, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    options = re.findall(r"^  --(\w+)", shown, re.MULTILINE)
    assert {"out", "bootstrap", "worst", "images"} <= set(options)
    described = re.sub(r"\s+", " ", shown)
    for option in set(options) - {"config", "print_config"}:
        assert re.search(rf"--{option}\+? [A-Z{{]\S* [a-z0-9]", described), option
