import json
import math
from pathlib import Path

from densefit.tools.table import print_scores, write_scores

SCORES = {"a/mIoU": 0.5, "a/IoU/cat": 0.25, "a/IoU/dog/big": math.nan, "b/AP_large": math.nan}


def test_classes_have_lines_of_their_own(capsys):
    print_scores(SCORES, "x on 3 samples")
    shown = capsys.readouterr().out
    assert "x on 3 samples" in shown
    assert "a, by class" in shown
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines()]
    for line in (["a/mIoU", "0.5000"], ["b/AP_large", "-"], ["cat", "0.2500"], ["dog/big", "-"]):
        assert line in lines


def test_names_are_shown_as_they_are(capsys):
    print_scores({"a/IoU/[red]": 0.5, "a/IoU/:cat:": 0.5}, "[bold]")
    shown = capsys.readouterr().out
    assert "[red]" in shown
    assert ":cat:" in shown
    assert "[bold]" in shown


def test_the_json_is_json(tmp_path):
    write_scores(tmp_path / "new" / "scores.json", SCORES, Path("best"), "val", 3)
    content = json.loads((tmp_path / "new" / "scores.json").read_text())
    assert content["scores"]["b/AP_large"] is None
    assert (content["split"], content["samples"]) == ("val", 3)
