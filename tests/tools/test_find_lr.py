import csv

import cv2
import pytest

from densefit.tools import find_lr
from densefit.tools.report.lr_search import SearchProgress, summary
from densefit.train.lr_search_result import RateSearch

HEADS = [
    "--model.heads",
    "{kind: {task: classification}, segmentation: {decoder: fcn, channels: 8}}",
]
SEARCH = ["--start", "1e-4", "--updates", "12"]


def test_it_says_and_draws_a_rate(tiny, tmp_path, capsys):
    out = tmp_path / "new" / "search"
    assert find_lr.main([*tiny(out=out), *HEADS, *SEARCH]) == 0
    said = capsys.readouterr().out
    assert f"wrote find_lr.png and find_lr.csv to {out}" in said
    with open(out / "find_lr.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} updates at rates of 0.0001 to" in said
    assert [float(rows[0]["lr"]), float(rows[1]["lr"])] == pytest.approx(
        [1e-4, 1e-4 * 1e5 ** (1 / 11)]
    )
    assert all(float(row["loss"]) > 0 for row in rows)
    assert cv2.imread(str(out / "find_lr.png")).std() > 0
    assert sorted(path.name for path in out.iterdir()) == ["find_lr.csv", "find_lr.png"]


def test_without_matplotlib_there_is_a_table_and_a_hint(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(find_lr, "is_available", lambda: False)
    assert find_lr.main([*tiny(out=tmp_path), *HEADS, *SEARCH]) == 0
    assert "pip install densefit[plot]" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["find_lr.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*HEADS, "--loss", "kind/los"], "did you mean 'kind/loss'"),
        ([*HEADS, "--start", "20"], "start=20.0"),
        ([*HEADS, "--update", "3"], "did you mean --updates"),
        ([], "no head"),
    ],
)
def test_mistakes_are_told_without_a_traceback(tiny, tmp_path, capsys, arguments, said):
    assert find_lr.main([*tiny(out=tmp_path), *arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


def test_what_is_said():
    rates = [10.0 ** (place / 10 - 6) for place in range(70)]
    valley = RateSearch(rates, [2 - max(0, min(place - 30, 20)) / 20 for place in range(70)], True)
    said = summary(valley, 10.0)
    assert "70 updates at rates of 1e-06 to 7.9\nthe loss diverged" in said
    assert f"to begin with: --training.schedule.lr {min(valley.steepest, valley.tenth):.2g}" in said
    flat = RateSearch(rates, [2.0] * 70, False)
    assert "a higher --end than 10 would show more" in summary(flat, 10.0)
    assert "no rate can be suggested" in summary(flat, 10.0)
    assert "at the first update" in summary(RateSearch([], [], True), 10.0)


def test_how_far_it_is(capsys):
    import densefit as df

    seconds = iter([0.0, 5.0, 11.0, 11.0, 15.0])
    callback = SearchProgress(40, clock=lambda: next(seconds))
    for update in (1, 2, 3):
        callback.update_ended(
            df.callbacks.TrainState(None, update=update, lr=1e-3), df.callbacks.Control()
        )
    assert capsys.readouterr().err == "searching: update 2/40, rate 0.001\n"


DATASETS = "{cells: {dataset: boxes_train, settings: {length: 4}}, streets: {dataset: masks_train}}"


@pytest.mark.parametrize(("only", "terms"), [("[]", 2), ("[streets]", 1)])
def test_a_recipe_of_several_datasets(partly, tmp_path, capsys, monkeypatch, only, terms):
    """What is searched on are the batches of train_multi; nothing of the data to score on."""
    seen = []

    def spy(network, loader, **settings):
        seen.append((network, [batch.ids for batch in loader], settings))
        return search(network, loader, **settings)

    search = find_lr.find_lr
    monkeypatch.setattr(find_lr, "find_lr", spy)
    heads = "{cells: {task: detection, strides: [8]}, streets: {task: segmentation, decoder: fcn}}"
    arguments = ["--datasets", DATASETS, "--model.heads", heads, "--model.settings.width", "8"]
    arguments += ["--training.batch_size", "4", "--input_size", "[48, 64]", "--only", only]
    arguments += ["--training.accumulate", "2", "--training.freeze", "['*stem*']"]
    assert find_lr.main([*arguments, *SEARCH, "--out", str(tmp_path)]) == 0
    assert " updates at rates of 0.0001 to" in capsys.readouterr().out
    ((network, ids, settings),) = seen
    assert len(network.heads) == terms
    parts = {name.split("/")[0] for batch in ids for name in batch}
    assert parts == {"cells", "streets"} if terms == 2 else {"streets"}
    assert (settings["accumulate"], settings["freeze"]) == (2, ["*stem*"])
