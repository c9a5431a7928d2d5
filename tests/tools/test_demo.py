from pathlib import Path

import pytest

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
