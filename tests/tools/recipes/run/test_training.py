import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from densefit.callbacks.jsonl import read_lines
from densefit.checkpoint.storage import store
from densefit.tools import score, train_det, train_seg
from densefit.tools.recipes.data.run_data import primary_numbers
from densefit.tools.recipes.data.split_dataset import make_dataset
from densefit.tools.recipes.recipe import Data, Model, Recipe
from densefit.tools.recipes.recipe_heads import make_network
from densefit.tools.recipes.run.training import chosen_by

PAGE = Path(__file__).parents[4] / "docs" / "command-line.md"
VOC = ["--data.dataset", "voc", "--data.settings", "{}"]


def network(**heads):
    recipe = Recipe(model=Model(settings={"width": 8}, heads=heads))
    return make_network(recipe, make_dataset(Data(settings={"length": 2}), "train"))


def test_a_run_folder_holds_what_a_run_is(trained):
    names = {path.name for path in trained.iterdir()}
    files = {"config.yaml", "scalars.jsonl", "curves.png", "predictions.png"}
    files |= {"environment.json", "cost.json", "scores.json", "scored.json", "train_batch.png"}
    files |= {"data_check.json", "report.html"}
    assert names == {*files, "checkpoints", "curves", "analysis"}
    figures = {path.name for path in (trained / "curves").iterdir()}
    assert figures == {"detection.png", "segmentation.png", "kind.png", "classes.png"}
    (table,) = re.findall(r"## Run folder\n(.*)", PAGE.read_text(), re.S)
    shown = re.findall(r"^\| ([\w./, ]+) \|", table, re.M)[1:]
    # Its recipe sets the threshold of its only head of boxes.
    listed = {name.split("/")[0] for row in shown for name in row.split(", ")}
    assert listed == {*names, "thresholds.json"}
    assert {"best", "last"} <= set(store.names(trained / "checkpoints"))
    assert yaml.safe_load((trained / "config.yaml").read_text())["training"]["epochs"] == 2
    for name in ("curves.png", "predictions.png"):
        assert cv2.imread(str(trained / name)).std() > 0


def test_the_scores_say_what_they_were_measured_on(trained):
    about = json.loads((trained / "scored.json").read_text())
    assert about["samples"] == 8
    assert about["split"] == "test"
    assert about["checkpoint"].endswith("best")
    scores = json.loads((trained / "scores.json").read_text())
    assert {key.split("/")[0] for key in scores} == {"detection", "segmentation", "kind"}
    assert 0 <= scores["segmentation/mIoU"] <= 1


def test_the_history_has_every_epoch_and_validation(trained):
    kinds = [line["kind"] for line in read_lines(trained / "scalars.jsonl")]
    assert kinds.count("epoch") == kinds.count("validation") == 2


def test_the_recipe_of_a_run_trains_the_same_again(trained, tmp_path, capsys):
    recipe = trained / "config.yaml"
    assert train_det.main(["--config", str(recipe), "--out", str(tmp_path / "again")]) == 0
    for name in ("scores.json", "scalars.jsonl"):
        first, second = ((out / name).read_text() for out in (trained, tmp_path / "again"))
        if name == "scores.json":
            assert json.loads(first) == json.loads(second)
        else:
            assert first.count("\n") == second.count("\n")


def test_segmentation_trains_prints_lines_to_a_pipe_and_resumes(tiny, tmp_path, capsys):
    arguments = tiny(out=tmp_path / "seg", training__epochs=1)
    arguments += ["--model.heads", "{segmentation: {decoder: fcn, channels: 8}}"]
    assert train_seg.main(arguments) == 0
    shown = capsys.readouterr()
    assert "epoch 1/1, update 2/2" in shown.err
    assert "\x1b" not in shown.out + shown.err
    assert "segmentation, by class" in shown.out
    assert "triangle" in shown.out
    listed = shown.out[shown.out.index("wrote to") :].split(": ")[1].strip().split(", ")
    found = {path.name for path in (tmp_path / "seg").iterdir()}
    assert {name.split("/")[0] for name in listed} == found

    assert train_seg.main(arguments) == 0  # nothing is trained again
    done = capsys.readouterr().out
    assert re.fullmatch(
        r"already done: .*/seg, 2 updates, segmentation/mIoU 0\.\d+ on 'test'\n", done
    )
    assert train_seg.main([*arguments, "--training.epochs", "2"]) == 1  # nothing is overwritten
    refused = capsys.readouterr().err
    assert "training.epochs 1, now 2" in refused
    assert "--resume auto" in refused

    assert train_seg.main([*arguments, "--training.epochs", "2", "--resume", "auto"]) == 0
    shown = capsys.readouterr().err
    assert "continuing at update 2 of 4 (epoch 2/2), from" in shown
    assert "epoch 2/2, update 4/4" in shown
    lines = read_lines(tmp_path / "seg" / "scalars.jsonl")
    assert [line["update"] for line in lines if line["kind"] == "epoch"] == [2, 4]


def test_without_pictures_there_are_the_numbers(trained, tmp_path):
    recipe = trained / "config.yaml"
    words = ["--config", str(recipe), "--pictures", "false", "--out", str(tmp_path / "bare")]
    assert train_det.main(words) == 0
    scores = [(out / "scores.json").read_text() for out in (trained, tmp_path / "bare")]
    assert json.loads(scores[0]) == json.loads(scores[1])
    drawn = {"curves.png", "curves", "train_batch.png", "predictions.png"}
    drawn |= {"report.html", "analysis", "thresholds.json"}
    first, second = ({path.name for path in out.iterdir()} for out in (trained, tmp_path / "bare"))
    assert first - second == drawn & first >= {"report.html", "curves.png"}
    assert second <= first


def test_without_validation_and_test_the_last_checkpoint_is_kept(tiny, tmp_path, capsys):
    arguments = tiny(out=tmp_path / "run", training__epochs=1)
    arguments += ["--data.validation", "null", "--data.test", "null"]
    arguments += ["--model.heads", "{kind: {task: classification}}"]
    assert train_seg.main(arguments) == 0
    assert "last" in store.names(tmp_path / "run" / "checkpoints")
    assert not (tmp_path / "run" / "scores.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--training.epoch", "3"], 2, "did you mean 'training.epochs'?"),
        (["--training.epochs", "many"], 2, "training.epochs"),
        (["--config", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["--model.backbone", "resnt18"], 2, "did you mean 'resnet18'?"),
        (["--model.heads.detection.chanels", "8"], 2, "did you mean 'channels'?"),
        (["--resize", "squash"], 2, "letterbox or stretch"),
        (VOC, 2, "--data.root DIR"),
        ([*VOC, "--data.root", "nowhere"], 1, "nowhere"),
        (["--training.best", "detection/AP500"], 2, "did you mean 'detection/AP50'?"),
        (["--training.augment", "[{height: 3}]"], 2, "has no name"),
        (["--model.heads", "{}"], 2, "no head"),
        (["--resume", "nowhere"], 1, "nowhere"),
    ],
)
def test_mistakes_are_told_without_a_traceback(tiny, tmp_path, capsys, arguments, code, said):
    assert train_det.main([*tiny(out=tmp_path / "run"), *arguments]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown
    assert "Traceback" not in shown


def test_help_and_the_whole_recipe_are_shown(tiny, capsys):
    for argument, said in (("--help", "--training.epochs EPOCHS"), ("--print_config", "epochs: 2")):
        with pytest.raises(SystemExit) as end:
            train_det.main([*tiny(), argument])
        assert end.value.code == 0
        assert said in capsys.readouterr().out


def test_the_best_is_judged_by_the_first_head_s_primary_number():
    made = network(detection={}, kind={"task": "classification"})
    numbers = primary_numbers(made, None)
    assert numbers == {"detection": {"detection/AP": True}, "kind": {"kind/accuracy": True}}
    assert chosen_by(numbers, None) == "detection/AP"
    assert chosen_by(numbers, "kind/accuracy") == "kind/accuracy"


@pytest.fixture
def folders(tmp_path):
    """Two classes of pictures in train/ and val/; one file of train/ is broken."""
    for split, count in (("train", 4), ("val", 1)):
        for kind, level in (("dark", 40), ("light", 200)):
            folder = tmp_path / "data" / split / kind
            folder.mkdir(parents=True)
            for index in range(count):
                cv2.imwrite(str(folder / f"{index}.png"), np.full((50, 60, 3), level, np.uint8))
    (tmp_path / "data" / "train" / "dark" / "broken.png").write_bytes(b"no picture")
    return [
        *("--data.dataset", "image_folder", "--data.root", str(tmp_path / "data")),
        *("--data.settings", "{}", "--data.on_error", "skip", "--training.epochs", "1"),
    ]


def test_skipped_samples_are_told(tiny, folders, tmp_path, capsys):
    heads = ["--model.heads", "{kind: {task: classification}}", "--data.test", "null"]
    assert train_seg.main([*tiny(out=tmp_path / "run"), *folders, *heads]) == 0
    told = capsys.readouterr().out
    assert "broken training samples that were skipped: 1, first dark/broken.png" in told


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ("{kind: {task: classification}}", "There is no split 'test'"),
        ("{segmentation: {decoder: fcn, channels: 8}}", "learns the target 'mask'"),
    ],
)
def test_data_that_do_not_fit_are_told_before_the_training(
    tiny, folders, tmp_path, capsys, heads, said
):
    run = tmp_path / "run"
    assert train_seg.main([*tiny(out=run), *folders, "--model.heads", heads]) == 1
    assert said in capsys.readouterr().err
    assert not run.exists()


def test_masks_of_0_and_255_train_and_are_scored_by_their_recipe(tiny, tmp_path, capsys):
    """A value may be written as a number or, as JSON asks for, as a text."""
    data, out = tmp_path / "data", tmp_path / "run"
    for folder in ("train", "trainannot"):
        (data / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in "abcd":
        cv2.imwrite(str(data / f"train/{name}.png"), rng.integers(0, 256, (64, 64, 3), np.uint8))
        mask = np.zeros((64, 64), np.uint8)
        mask[:, 32:] = 255
        cv2.imwrite(str(data / f"trainannot/{name}.png"), mask)
    settings = '{classes: [wall, hole], values: {0: 0, "255": 1}}'
    changes = {"data__dataset": "mask_folder", "data__root": data, "data__settings": settings}
    heads = "{segmentation: {decoder: fcn, channels: 8}}"
    splits = {"data__validation": "train", "data__test": "null", "training__epochs": 1}
    assert train_seg.main(tiny(model__heads=heads, out=out, **changes, **splits)) == 0
    trained = json.loads((out / "scores.json").read_text())
    arguments = ["--checkpoint", str(out), "--out", str(tmp_path / "again")]
    assert score.main(arguments) == 0, capsys.readouterr().err
    again = json.loads((tmp_path / "again" / "scores.json").read_text())
    assert again["segmentation/mIoU"] == pytest.approx(trained["segmentation/mIoU"])
