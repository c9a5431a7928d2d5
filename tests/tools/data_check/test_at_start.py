import json
import logging
import shutil

import pytest

from densefit.errors import ConfigError, DataError
from densefit.tools import score, train_det
from densefit.tools.data_check import at_start
from densefit.tools.data_check.at_start import check_data
from tests.tools.data_check.listed import Listed, change

FILE = ".densefit/images.json"


def splits(root):
    return {split: Listed(root, split) for split in ("train", "val")}


def test_sound_data_take_one_line(root, capsys, caplog):
    assert check_data(splits(root), ["train"], True)[1] is None
    assert capsys.readouterr().out.startswith("checked 8 images: annotations, files, headers,")
    assert not caplog.records
    assert (root / FILE).exists()


@pytest.mark.parametrize("level", [True, "deep"])
def test_a_broken_label_of_any_split_is_an_error(root, level):
    change(root, "val1.png", "broken")
    with pytest.raises(DataError, match="The sample 'val1.png' of the split 'val'") as caught:
        check_data(splits(root), ["train"], level)
    assert "The line is broken" in caught.value.what
    assert "data.score_on_error: skip" in str(caught.value.fix)
    check_data(splits(root), ["train"], level, skipping=["val"])
    check_data(splits(root), ["train"], False)


def test_several_errors_are_counted(root):
    change(root, "val1.png", "broken")
    (root / "train0.png").write_bytes(b"text")
    (root / "train1.png").unlink()
    with pytest.raises(DataError, match=r"3 samples cannot be used \(2 of 'train', 1 of 'val'\)"):
        check_data(splits(root), ["train"], True)
    with pytest.raises(DataError, match="The sample 'val1.png'"):
        check_data(splits(root), ["train"], True, skipping=["train"])


def test_damaged_content_is_found_by_decoding(root):
    data = (root / "val0.png").read_bytes()
    (root / "val0.png").write_bytes(data[: len(data) // 2])
    check_data(splits(root), ["train"], True)
    with pytest.raises(DataError, match="cut short"):
        check_data(splits(root), ["train"], "deep")


def test_warnings(root, caplog):
    shutil.copy(root / "train0.png", root / "val0.png")
    for index in range(6):
        change(root, f"train{index}.png", "cat 5 5 20 25")
    check_data(splits(root), ["train"], True)
    text = "\n".join(record.message for record in caplog.records)
    assert "data: 1 image in each of train and val; the first: train: train0.png, val" in text
    assert "data: split 'train': 1 of 2 classes without a training sample: dog" in text


def test_other_levels_are_refused(root):
    with pytest.raises(ConfigError, match="true, false or deep"):
        check_data(splits(root), ["train"], "depe")


@pytest.fixture
def large(monkeypatch):
    """Counts as a large dataset as soon as one header is missing."""
    monkeypatch.setattr(at_start, "MOST_HEADERS", 0)


def test_large_data_are_finished_behind_the_training(root, large, capsys, caplog):
    shutil.copy(root / "train0.png", root / "val0.png")
    (root / "train1.png").write_bytes(b"text")
    _, rest = check_data(splits(root), ["train"], True)
    printed = capsys.readouterr().out
    assert printed.startswith("checked 8 images: annotations, files (")
    assert "headers and equal images are checked behind the training" in printed
    assert not caplog.records
    rest.fit_started(None, None)
    rest._thread.join()
    rest.fit_ended(None, None)
    text = "\n".join(record.message for record in caplog.records)
    assert "1 image in each of train and val" in text
    assert "1 of 6 images whose file is no image that can be read" in text
    assert len(caplog.records) == 2
    assert (root / FILE).exists()
    assert check_data({"val": Listed(root, "val")}, ["val"], True)[1] is None  # out of the cache


def test_the_thread_stops_with_the_training(root, large):
    _, rest = check_data(splits(root), ["train"], True)
    rest._stop.set()
    rest.fit_started(None, None)
    rest.fit_ended(None, None)
    assert rest._thread is None
    assert not (root / FILE).exists()


def test_a_failing_thread_ends_no_training(root, large, monkeypatch, caplog):
    _, rest = check_data(splits(root), ["train"], True)
    monkeypatch.setattr(rest._check, "compare_images", lambda stopped: 1 / 0)
    rest.fit_started(None, None)
    rest._thread.join()
    assert "the data are not checked: ZeroDivisionError" in caplog.text


def training(tiny, root, out, *words):
    data = ["--data.dataset", "listed", "--data.root", str(root), "--data.settings", "{}"]
    heads = "{detection: {strides: [8, 16], channels: 8, max_detections: 5}}"
    arguments = tiny(model__heads=heads, out=out, data__test="val")
    return train_det.main([*arguments, *data, *words])


def test_a_training_is_refused_before_its_first_update(tiny, root, tmp_path, capsys, caplog):
    caplog.set_level(logging.WARNING)
    change(root, "val1.png", "broken")
    out = tmp_path / "run"
    assert training(tiny, root, out) == 1
    assert "The sample 'val1.png' of the split 'val' cannot be used" in capsys.readouterr().err
    assert not out.exists()


def test_a_training_of_sound_data_prints_what_was_checked(tiny, root, tmp_path, capsys):
    assert training(tiny, root, tmp_path / "run", "--training.epochs", "1") == 0
    assert "checked 8 images: annotations, files, headers" in capsys.readouterr().out


def test_scores_without_unreadable_samples_say_so(tiny, root, tmp_path, capsys, monkeypatch):
    best = "densefit.tools.recipes.run.validation_thresholds.choose_thresholds"
    monkeypatch.setattr(best, lambda network, metrics: dict.fromkeys(metrics, 0.25))
    data = (root / "val1.png").read_bytes()
    (root / "val1.png").write_bytes(data[: len(data) // 2])
    words = ["--training.epochs", "1", "--data.score_on_error", "skip"]
    out = tmp_path / "run"
    assert training(tiny, root, out, *words) == 0
    assert "on 1 of 2 samples, 1 unreadable, of 'val'" in capsys.readouterr().out
    scores = json.loads((out / "scores.json").read_text())
    assert (scores["samples/scored"], scores["samples/unreadable"]) == (1, 1)
    scored = json.loads((out / "scored.json").read_text())
    assert (scored["samples"], scored["unreadable"]) == (2, 1)
    thresholds = json.loads((out / "thresholds.json").read_text())
    assert thresholds == {"split": "val", "samples": 1, "thresholds": {"detection": 0.25}}
    lines = [json.loads(line) for line in (out / "scalars.jsonl").read_text().splitlines()]
    validated = [line for line in lines if line["kind"] == "validation"]
    assert [line["samples/unreadable"] for line in validated] == [1]
    again = ["--checkpoint", str(out), "--out", str(tmp_path / "again")]
    assert score.main(again) == 0
    assert "scored 1 of 2 samples, 1 unreadable" in capsys.readouterr().out
    assert json.loads((tmp_path / "again" / "scores.json").read_text())["samples/scored"] == 1
    assert score.main([*again, "--data.score_on_error", "raise"]) == 1
    assert score.main([*again, "--data.score_on_error", "ignore"]) == 2
