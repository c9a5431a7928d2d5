import json
import shutil

import pytest

from densefit.tools import cli


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def analysis(run):
    return json.loads((run / "analysis" / "detection.json").read_text())


def test_the_page_is_made_of_the_files_alone(run, capsys):
    for name in ("report.html", "checkpoints"):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert cli.main(["report", str(run)]) == 0
    assert capsys.readouterr().out.endswith(f"wrote {run / 'report.html'}\n")
    page = (run / "report.html").read_text()
    for text in ("Confusion matrix", "Best threshold of each class", "data:image/jpeg", "Timing"):
        assert text in page


def test_an_analysis_with_other_settings_scores_again(run):
    before = analysis(run)
    words = ["--score-threshold", "0.02", "--iou", "0.3", "--samples", "3", "--split", "val"]
    assert cli.main(["report", str(run), *words]) == 0
    after = analysis(run)
    assert (after["score_threshold"], after["iou"], after["split"]) == (0.02, 0.3, "val")
    assert len(after["shown"]) == 3
    assert before["confusion"]["counts"] != after["confusion"]["counts"]


def test_a_run_without_an_analysis_gets_the_same_later(run):
    before = analysis(run)
    shutil.rmtree(run / "analysis")
    assert cli.main(["report", str(run)]) == 0
    assert analysis(run) == before


def test_another_file(run, tmp_path):
    path = tmp_path / "pages" / "page.html"
    path.parent.mkdir()
    assert cli.main(["report", str(run), "--out", str(path)]) == 0
    assert path.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "usage: densefit report RUN"),
        (["nowhere"], "no such run"),
        (["RUN", "--iou", "2"], "no overlap"),
    ],
)
def test_what_cannot_be_reported(run, words, text, capsys):
    words = [str(run) if word == "RUN" else word for word in words]
    assert cli.main(["report", *words]) == 2
    assert text in capsys.readouterr().err


def test_an_empty_folder_is_no_run(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "nothing of a training" in capsys.readouterr().err
