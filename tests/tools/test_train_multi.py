"""Trainings of several tasks by their recipes, from the command line to scores and pictures."""

import json
import shutil

import cv2
import pytest
import yaml

from densefit.callbacks.jsonl import read_lines
from densefit.tools import compare_tasks, score, train_multi
from densefit.tools.page.write import write_report

pytestmark = pytest.mark.usefixtures("partly")
RECIPE = {
    "datasets": {
        "cells": {"dataset": "boxes", "settings": {"length": 8}},
        "streets": {"dataset": "masks", "settings": {"length": 8}, "resize": "stretch"},
    },
    "model": {
        "settings": {"width": 8},
        "heads": {
            "detection": {"strides": [8, 16], "channels": 8, "max_detections": 10},
            "segmentation": {"decoder": "fcn", "channels": 8},
        },
    },
    "training": {
        "epochs": 2,
        "batch_size": 4,
        "optimizer": "adam",
        "optimizer_params": {"wd": 1e-4},
        "schedule": {"name": "constant", "lr": 0.002},
        "balance": {"name": "uncertainty"},
        "conflict": 2,
        "best": "composite",
        "callbacks": [{"name": "early_stopping", "metric": "composite", "patience": 9}],
    },
    "input_size": [48, 64],
    "score_batch_size": 4,
}


@pytest.fixture
def train(tmp_path):
    """Trains by the recipe; gives the run's folder."""
    config = tmp_path / "recipe.yaml"
    config.write_text(yaml.safe_dump(RECIPE))

    def start(name, *arguments):
        out = tmp_path / name
        assert train_multi.main(["--config", str(config), "--out", str(out), *arguments]) == 0
        return out

    return start


def test_two_datasets_with_nothing_in_common(train, capsys):
    """Each head is scored where its truth is; all of it is recorded; and each is trained alone."""
    together = train("both", "--datasets.cells.root", "somewhere")
    shown = capsys.readouterr().out
    assert "8 samples of 'test' of cells" in shown
    assert "segmentation, by class" in shown
    scores = json.loads((together / "scores.json").read_text())
    found = {"/".join(key.split("/")[:2]) for key in scores}
    assert found == {"cells/detection", "streets/segmentation"}
    scored = json.loads((together / "scored.json").read_text())
    assert scored["primary"] == {"cells/detection/AP": True, "streets/segmentation/mIoU": True}
    assert scored["samples"] == {"cells": 8, "streets": 8}
    assert set(json.loads((together / "cost.json").read_text())) >= {"parameters", "ms_per_update"}
    assert "detection~segmentation" in json.loads((together / "conflict.json").read_text())
    kept = yaml.safe_load((together / "config.yaml").read_text())
    assert kept["datasets"]["cells"]["root"] == "somewhere"

    validations = [
        line for line in read_lines(together / "scalars.jsonl") if line["kind"] == "validation"
    ]
    assert len(validations) == 2
    for line in validations:
        by_hand = (line["cells/detection/AP"] + line["streets/segmentation/mIoU"]) / 2
        assert line["composite"] == pytest.approx(by_hand)
    best = json.loads((together / "checkpoints" / "best" / "state.json").read_text())
    assert best["update"] == max(validations, key=lambda line: line["composite"])["update"]

    _scored_again(together, scores, capsys)
    balance = json.dumps({"name": "fixed", "factors": {"detection": 3.0, "segmentation": 4.0}})
    alone = [
        train(name, "--only", f"[{name}]", "--training.balance", balance)
        for name in ("detection", "segmentation")
    ]
    for out, name in zip(alone, ("cells/detection", "streets/segmentation")):
        own = json.loads((out / "scores.json").read_text())
        assert all(key.startswith(name) for key in own)
        assert not (out / "conflict.json").exists()
        assert "loss_weight" not in (out / "scalars.jsonl").read_text()  # it is not balanced
    capsys.readouterr()
    assert compare_tasks.main([str(together), *map(str, alone)]) == 0
    table = capsys.readouterr().out
    assert "delta-m" in table
    assert "detection~segmentation" in table


def _scored_again(run, scores, capsys):
    """Each dataset of a checkpoint can be scored by itself, with the same result."""
    for name in ("cells", "streets"):
        out = run.parent / f"scored_{name}"
        assert score.main(["--checkpoint", str(run), "--of", name, "--out", str(out)]) == 0
        found = json.loads((out / "scores.json").read_text())
        own = {key: value for key, value in scores.items() if key.startswith(f"{name}/")}
        assert {f"{name}/{key}": value for key, value in found.items()} == own
    for arguments, said in (([], "--of NAME"), (["--of", "cell"], "did you mean 'cells'?")):
        assert score.main(["--checkpoint", str(run), *arguments]) == 2
        assert said in capsys.readouterr().err


def test_every_dataset_has_its_part_of_the_report_and_every_head_of_the_picture(train, monkeypatch):
    monkeypatch.setattr("densefit.tools.recipes.run.finish.write_report", write_report)
    out = train("both", "--training.epochs", "1")
    names = {path.stem for path in (out / "analysis").glob("*.json")}
    assert names == {"cells_detection", "streets_segmentation"}
    page = (out / "report.html").read_text()
    assert "<h2>cells/detection</h2>" in page
    assert "<h2>streets/segmentation</h2>" in page
    picture = cv2.imread(str(out / "predictions.png"))
    assert picture.std() > 0
    # samples below each other, each with two tiles of two heads
    assert 4 * 300 < picture.shape[1] < 5 * 300
    assert 225 < picture.shape[0]


def test_a_training_is_resumed(train, tmp_path):
    first = train("run", "--training.epochs", "1", "--training.schedule.lr", "0.002")
    moved = tmp_path / "moved"
    shutil.copytree(first, moved)
    train("moved", "--resume", "auto")
    lines = read_lines(moved / "scalars.jsonl")
    assert [line["update"] for line in lines if line["kind"] == "epoch"] == [4, 8]


def test_one_dataset_and_any_heads(tiny, tmp_path):
    heads = (
        "{detection: {strides: [8], channels: 8}, segmentation: {decoder: fcn, channels: 8}, "
        "kind: {task: classification}}"
    )
    out = tmp_path / "one"
    arguments = tiny(out=out, training__epochs=1, training__balance="{name: rlw}",
                     training__best="kind/accuracy")  # fmt: skip
    assert train_multi.main([*arguments, "--model.heads", heads]) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert {key.split("/")[0] for key in scores} == {"detection", "segmentation", "kind"}
    assert not (out / "conflict.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--datasets.cells.rot", "x"], "rot"),
        (["--training.best", "streets/detection/AP"], "no score 'streets/detection/AP'"),
        (["--training.balance", "{name: uncertanty}"], "did you mean 'uncertainty'?"),
        (["--mixture.batches", "alone"], "mixed or in_turn or at_random"),
        (["--only", "[detecton]"], "did you mean 'detection'?"),
    ],
)
def test_mistakes_are_told_without_a_traceback(tmp_path, capsys, arguments, said):
    config = tmp_path / "recipe.yaml"
    config.write_text(yaml.safe_dump(RECIPE))
    out = str(tmp_path / "run")
    assert train_multi.main(["--config", str(config), "--out", out, *arguments]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


def test_two_heads_learn_masks_of_different_things(train, tmp_path):
    """Both datasets call their target `mask`; scored again, alone, they give the same numbers."""
    own = {"task": "segmentation", "decoder": "fcn", "channels": 8}
    heads = {"streets": own, "rooms": {**own, "target": "room_mask"}}
    part = {"dataset": "masks", "settings": {"length": 8}}
    config = tmp_path / "rooms.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                **RECIPE,
                "datasets": {"streets": part, "rooms": part},
                "model": {"settings": {"width": 8}, "heads": heads},
                "mixture": {
                    "targets": {"rooms": {"mask": "room_mask"}},
                    "rename": {"rooms": {"circle": "lamp"}},
                },
            }
        )
    )
    out = train("both", "--config", str(config), "--training.epochs", "1")
    scores = json.loads((out / "scores.json").read_text())
    assert {"streets/streets/IoU/circle", "rooms/rooms/IoU/lamp"} <= set(scores)
    assert {tuple(key.split("/")[:2]) for key in scores} == {
        ("streets", "streets"),
        ("rooms", "rooms"),
    }
    again = tmp_path / "again"
    assert score.main(["--checkpoint", str(out), "--of", "rooms", "--out", str(again)]) == 0
    found = json.loads((again / "scores.json").read_text())
    for key, value in found.items():
        assert value == pytest.approx(scores[f"rooms/{key}"], nan_ok=True)
