import json

import cv2
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from densefit.tools import score
from densefit.tools.formats.image_source import Photographs
from densefit.tools.formats.mask_files import pair_masks
from densefit.tools.scoring import score_masks

SIZES = [(20, 30), (25, 31), (1, 7), (40, 40)]


@pytest.fixture
def case(tmp_path):
    """Two trees of masks of 4 classes, of which the last is in neither; all pixels that count."""
    rng = np.random.default_rng(0)
    pixels = []
    for number, size in enumerate(SIZES):
        target = rng.integers(0, 3, size).astype(np.uint8)
        prediction = np.where(rng.random(size) < 0.7, target, rng.integers(0, 3, size))
        target[rng.random(size) < 0.1] = 255
        prediction[target == 255] = 200  # whatever is predicted there
        for folder, mask in (("t", target), ("p", prediction)):
            (tmp_path / folder / "x").mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f"x/{number}.png"), mask.astype(np.uint8))
        pixels.append((target[target < 255], prediction[target < 255]))
    return tmp_path, *(np.concatenate(side) for side in zip(*pixels))


def settings(tmp_path, **more):
    folders = {"truth": str(tmp_path / "t"), "predicted": str(tmp_path / "p")}
    return score_masks.MaskScoring(**{**folders, "classes": 4, **more})


def test_it_is_the_matrix_of_all_pixels(case, capsys):
    tmp_path, target, prediction = case
    (tmp_path / "names.txt").write_text("sky\nroad\ncar\nnever\n")
    arguments = ["masks", "--truth", str(tmp_path / "t"), "--predicted", str(tmp_path / "p")]
    arguments += ["--class-names", str(tmp_path / "names.txt"), "--boundary"]
    assert score.main([*arguments, "--out", str(tmp_path / "out"), "--bootstrap", "20"]) == 0
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    matrix = confusion_matrix(target, prediction, labels=range(4))
    hits = np.diag(matrix)[:3]
    iou = hits / (matrix.sum(0) + matrix.sum(1) - np.diag(matrix))[:3]
    assert scores["mIoU"] == pytest.approx(iou.mean(), abs=1e-15)
    assert scores["IoU/road"] == pytest.approx(iou[1], abs=1e-15)
    assert scores["IoU/never"] is None
    assert scores["pixel_accuracy"] == hits.sum() / matrix.sum()
    assert scores["boundary_mIoU"] > 0
    assert scores["mIoU.low"] <= scores["mIoU"] <= scores["mIoU.high"]
    shown = capsys.readouterr().out
    assert "4 masks, 4 classes" in shown
    assert "never" in shown
    about = json.loads((tmp_path / "out/scored.json").read_text())
    assert (about["classes"], about["samples"]) == (["sky", "road", "car", "never"], 4)
    rows = (tmp_path / "out/worst.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * len(SIZES)
    assert (tmp_path / "out/worst.png").is_file()


@pytest.mark.parametrize("workers", [0, 3])
def test_threads_change_nothing(case, capsys, workers):
    tmp_path = case[0]
    scores = score_masks.run(settings(tmp_path, workers=workers))
    assert scores == pytest.approx(score_masks.run(settings(tmp_path)), nan_ok=True, abs=0)


def test_predictions_without_a_truth_are_noted(case, capsys):
    tmp_path = case[0]
    cv2.imwrite(str(tmp_path / "p/extra.png"), np.zeros((3, 3), np.uint8))
    score_masks.run(settings(tmp_path))
    assert "note: 1 predictions have no truth and were left out, such as" in capsys.readouterr().out


def test_more_classes_than_a_byte_holds(tmp_path, capsys):
    mask = np.arange(600, dtype=np.uint16).reshape(20, 30)
    wrong = mask.copy()
    wrong[0, :3], mask[1] = 599, 65535
    for folder, values in (("t", mask), ("p", wrong)):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.png"), values)
    scores = score_masks.run(settings(tmp_path, classes=600, ignore=65535))
    assert scores["pixel_accuracy"] == 567 / 570
    assert scores["IoU/599"] == 0.25
    pairs, names = pair_masks(tmp_path / "t", tmp_path / "p"), [str(index) for index in range(600)]
    true, predicted = score_masks.MaskPictures(pairs, Photographs(None, {}), names, 65535)("a")
    assert true.shape == (200, 300, 3)  # ten times as large; the middles of the first two rows:
    true, predicted = true[5::10, 5::10], predicted[5::10, 5::10]
    assert (true[:2] == predicted[:2]).all(axis=2).tolist() == [[False] * 3 + [True] * 27] + [
        [True] * 30
    ]


def test_the_worst_are_drawn_on_photographs(case, capsys):
    tmp_path = case[0]
    for number, size in enumerate(SIZES):
        (tmp_path / "photos/x").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / f"photos/x/{number}.jpg"), np.zeros((*size, 3), np.uint8))
    more = {"out": str(tmp_path / "out"), "images": str(tmp_path / "photos")}
    score_masks.run(settings(tmp_path, **more))
    assert cv2.imread(str(tmp_path / "out/worst.png")).size
    (tmp_path / "photos/x/2.jpg").unlink()
    arguments = ["masks", "--truth", str(tmp_path / "t"), "--predicted", str(tmp_path / "p")]
    assert score.main([*arguments, "--classes", "4", "--images", str(tmp_path / "photos")]) == 1
    assert "1 of 4 samples have no photograph" in capsys.readouterr().err


@pytest.mark.parametrize("side", ["t", "p"])
def test_a_value_of_no_class_is_told_with_its_file(case, capsys, side):
    tmp_path = case[0]
    mask = cv2.imread(str(tmp_path / side / "x/1.png"), cv2.IMREAD_UNCHANGED)
    truth = cv2.imread(str(tmp_path / "t/x/1.png"), cv2.IMREAD_UNCHANGED)
    mask[truth < 255] = 77
    cv2.imwrite(str(tmp_path / side / "x/1.png"), mask)
    arguments = ["masks", "--truth", str(tmp_path / "t"), "--predicted", str(tmp_path / "p")]
    assert score.main([*arguments, "--classes", "4"]) == 1
    shown = capsys.readouterr().err
    assert "A label" in shown if side == "t" else "A prediction" in shown
    assert "77" in shown
    assert f"{tmp_path / side}/x/1.png" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "--classes N"),
        (["--classes", "0"], 2, "--classes N"),
        (["--classes", "3", "--class-names", "{names}"], 2, "4, as in"),
        (["--classes", "300"], 2, "--ignore 65535, or --ignore null"),
        (["--classes", "two"], 2, "classes"),
        (["--classes", "4", "--ignore", "null"], 1, "255"),
        (["--classes", "4", "--truth", "nowhere"], 1, "nowhere"),
        (["--clases", "4"], 2, "did you mean 'classes'?"),
    ],
)
def test_mistakes_are_told(case, capsys, arguments, code, said):
    tmp_path = case[0]
    (tmp_path / "names.txt").write_text("a\nb\nc\nd\n")
    words = [word.format(names=tmp_path / "names.txt") for word in arguments]
    folders = ["--truth", str(tmp_path / "t"), "--predicted", str(tmp_path / "p")]
    assert score.main(["masks", *folders, *words]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert said in shown


def test_folders_must_be_named(capsys):
    assert score.main(["masks", "--classes", "4"]) == 2
    assert "--truth PATH" in capsys.readouterr().err


@pytest.fixture
def two_values(tmp_path):
    """Masks of 0 and 255, of which half the foreground was found."""
    for number in range(3):
        true, found = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
        true[:4], found[:2] = 255, 1
        for folder, mask in (("t", true), ("p", found)):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f"{number}.png"), mask)
    return tmp_path


def test_foreground_that_is_ignored_is_told(two_values, capsys):
    score_masks.run(settings(two_values, classes=2))
    told = capsys.readouterr().out
    assert "note: WARNING: the truth has a single class, and 40.0% of the pixels" in told
    assert "--truth-values '{255: 1}'" in told
    assert "never occur in the truth: 1" in told


def test_foreground_of_255_is_scored_where_that_is_said(two_values, capsys):
    arguments = ["masks", "--truth", str(two_values / "t"), "--predicted", str(two_values / "p")]
    out = two_values / "out"
    arguments += ["--classes", "2", "--truth-values", "{255: 1}", "--out", str(out)]
    assert score.main(arguments) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert (scores["IoU/1"], scores["pixel_accuracy"]) == (0.5, 0.8)
    assert "note" not in capsys.readouterr().out
    assert score.main([*arguments, "--truth-values", "{255: 7}"]) == 2
    assert "0..65535 -> 0..1" in capsys.readouterr().err


def test_both_sides_may_be_0_and_255(two_values, capsys):
    for number in range(3):
        path = str(two_values / "p" / f"{number}.png")
        cv2.imwrite(path, cv2.imread(path, 0) * 255)
    out = two_values / "out"
    arguments = ["masks", "--truth", str(two_values / "t"), "--predicted", str(two_values / "p")]
    arguments += ["--classes", "2", "--truth-values", "{255: 1}", "--out", str(out)]
    assert score.main(arguments) != 0
    assert "--predicted-values '{255: 1}'" in capsys.readouterr().err
    assert score.main([*arguments, "--predicted-values", "{255: 1}"]) == 0
    scores = json.loads((out / "scores.json").read_text())
    assert (scores["IoU/1"], scores["pixel_accuracy"]) == (0.5, 0.8)


def test_a_value_that_may_be_two_classes_is_told(two_values, capsys):
    path = str(two_values / "t" / "1.png")
    mask = cv2.imread(path, 0)
    mask[9, 9] = 1  # 255 is 1, and this?
    cv2.imwrite(path, mask)
    arguments = ["masks", "--truth", str(two_values / "t"), "--predicted", str(two_values / "p")]
    arguments += ["--classes", "2", "--truth-values", "{255: 1}"]
    assert score.main(arguments) != 0
    told = capsys.readouterr().err
    assert "also 1" in told
    assert "1.png" in told
