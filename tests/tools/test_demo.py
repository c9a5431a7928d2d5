from pathlib import Path

import pytest

import densefit as df
from densefit.tools import demo, train_det


@pytest.fixture
def called(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(train_det, "main", lambda words: calls.append(words) or 0)
    return calls


def test_it_trains_the_recipe_of_make_demo(called):
    assert demo.main(["--epochs", "1"]) == 0
    assert called == [["--config", "ssd_resnet18_shapes", "--epochs", "1"]]
    makefile = (Path(demo.__file__).resolve().parents[1] / "Makefile").read_text()
    assert f"configs/{called[0][1]}.yaml --out {demo.OUT}" in makefile


@pytest.mark.parametrize(
    ("dataset", "words", "stays"),
    [("shapes", [], False), ("voc", [], True), ("shapes", ["--resume"], True)],
)
def test_an_earlier_demo_makes_room_and_nothing_else_does(called, dataset, words, stays):
    Path("runs/demo").mkdir(parents=True)
    Path("runs/demo/config.yaml").write_text(f"{{data: {{dataset: {dataset}}}, out: runs/demo}}")
    demo.main(words)
    assert Path("runs/demo").exists() == stays


@pytest.mark.parametrize(("layout", "count"), [("labelimg", 6), ("coco", 4), ("mask_folder", 4)])
def test_pictures_with_labels_are_written(tmp_path, capsys, layout, count):
    out = tmp_path / "pictures"
    words = ["--pictures", str(out), "--count", "6", "--to", layout]
    assert demo.main(words) == 0
    assert f"6 pictures with labels (circle, square, triangle) in {out}" in capsys.readouterr().out
    split = None if layout == "labelimg" else "train"
    assert len(df.dataset(layout, root=out, split=split)) == count
    assert demo.main(words) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--count", "0"], ["--to", "voq"], ["--cuont", "3"]])
def test_wrong_options_of_pictures_are_refused(tmp_path, words, capsys):
    assert demo.main(["--pictures", str(tmp_path / "a"), *words]) == 2
    assert not (tmp_path / "a").exists()
