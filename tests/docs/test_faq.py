"""The messages that the page quotes are those of the programs, and many are provoked here."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from densefit.datasets.shapes import Shapes
from densefit.tools import cli
from densefit.tools.conversion.convert import convert

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faq.md").read_text()
MESSAGES = re.findall(r'^### "(.+)"$', PAGE, re.M)
#: What stands for a value in a quoted message.
_VALUE = re.compile(r"'[^']*'|\b\d+\b|coco and labelimg|--imgsz|for segmentation")


@pytest.fixture(scope="module")
def source():
    """All programs as text, their adjacent strings joined."""
    files = [
        path
        for folder in ("densefit", "datasets", "tasks", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    text = "\n".join(path.read_text() for path in files)
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.mark.parametrize("message", MESSAGES)
def test_the_programs_have_the_message(message, source):
    """Its words stand in one string, with values between."""
    words = [re.escape(part) for part in _VALUE.split(message)]
    assert re.search(r"[^\"\n]{0,60}".join(words), source)


def test_twenty_or_more_errors_are_answered():
    answers = re.split(r"^### .+$", PAGE, flags=re.M)[1:]
    assert 20 <= len(answers) == len(MESSAGES) == len(set(MESSAGES))
    assert all(len(answer.split()) > 10 for answer in answers)


def written(folder, to, splits=("all",)):
    data = {split: Shapes(4, (48, 64), split=split) for split in splits}
    convert(data, to, folder, lossy=True, verify=False)
    return folder


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return written(tmp_path_factory.mktemp("data") / "boxes", "labelimg")


@pytest.fixture
def copy(boxes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DENSEFIT_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    shutil.copytree(boxes, "data")
    return Path("data")


def photographs(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    cv2.imwrite(str(folder / "a.jpg"), np.zeros((9, 9, 3), np.uint8))


def two_layouts(folder):
    convert({"all": Shapes(4, (48, 64))}, "coco", Path("other"), lossy=True, verify=False)
    shutil.copytree("other", folder, dirs_exist_ok=True)


def no_image(folder):
    next(iter(folder.glob("*.png"))).unlink()


def cut_image(folder):
    path = sorted(folder.glob("*.png"))[0]
    data = cv2.imencode(".jpg", cv2.imread(str(path)))[1].tobytes()
    path.unlink()
    path.with_suffix(".jpg").write_bytes(data[:-200])


def class_without_name(folder):
    shutil.rmtree(folder)
    written(folder, "yolo")
    path = next(path for path in folder.rglob("*.txt") if path.read_text())
    path.write_text("7 0.5 0.5 0.2 0.2\n")


def own_splits(folder):
    shutil.rmtree(folder)
    written(folder, "voc", ("train", "val"))


DETECT = ["train", "detection", "--data", "data", "--dry-run"]
TRAIN = ["train", "det", "--data.dataset", "labelimg", "--data.root", "data", "--out", "run"]
PROVOKED = {
    "The folder has no known layout of samples and labels": (photographs, DETECT),
    "There is no such folder": (shutil.rmtree, DETECT),
    "The folder looks like coco and labelimg": (two_layouts, ["check", "--data", "data"]),
    "The folder has no labels for segmentation": (None, ["train", "segmentation", *DETECT[2:]]),
    "An XML file has no image": (no_image, ["check", "--data", "data"]),
    "A label has a class number without a name: 7": (
        class_without_name,
        ["check", "--data", "data"],
    ),
    "The image is cut short: its end is missing": (
        cut_image,
        ["check", "--data", "data", "--deep"],
    ),
    "The split 'test' has no samples": (
        None,
        [*TRAIN, "--data.splits", "{train: 0.998, val: 0.001, test: 0.001}"],
    ),
    "The dataset has splits of its own, whose samples these splits would mix": (
        own_splits,
        [*TRAIN, "--data.dataset", "voc", "--data.splits", "{train: 0.5, val: 0.25, test: 0.25}"],
    ),
    "There is nothing to train on": (None, ["train", "detection"]),
    "There is no option --imgsz": (None, ["train", "detection", "--imgsz", "640"]),
    "The ImageNet weights of 'mobilenetv2' are not on this machine": (
        None,
        ["train", "detection", "--data", "data", "--weights", "imagenet", "--out", "run"],
    ),
}


@pytest.mark.parametrize("message", PROVOKED)
def test_it_is_met_so(message, copy, capsys):
    assert message in MESSAGES
    change, words = PROVOKED[message]
    if change is not None:
        change(copy)
    code = cli.main(words)
    out, error = capsys.readouterr()
    text = " ".join((out + error).split())
    # The check of data lists the first words of each problem.
    if message == "The split 'test' has no samples":
        message = re.sub("'test'", "'(test|val)'", message)
        assert re.search(message, text), text
    else:
        assert message in text, text
    assert code in (1, 2)
