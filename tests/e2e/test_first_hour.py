"""The page of the first hour: its commands run in order, on a terminal and in a pipe."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.page_commands import masked, plain, run, steps_of

PAGE = (Path(__file__).parents[2] / "docs" / "first-hour.md").read_text()
STEPS = steps_of(PAGE)
#: What makes a training short: a network of few channels, small images, two updates.
SHORT = [
    *("--backbone", "resnet18", "--model.settings.width", "8", "--image-size", "64"),
    *("--epochs", "1", "--batch-size", "4", "--workers", "1"),
]
QUICK = ["--quick"]  # imports no engine
#: Lines that depend on the machine (engine, ImageNet's weights) or on how well a network learned.
VARYING = re.compile(
    r"MXNet|mxnet|ImageNet|updates from|so far|since the last|worst classes|drawn from|new/picture-"
)


def is_network(words):
    return words[:3] == ["densefit", "weights", "fetch"]


def is_training(words):
    return words[:2] == ["densefit", "train"] and "--dry-run" not in words


def walk(folder, copy, terminal):
    """Run the page's commands in a folder; returns (copy of the folder, output by command)."""
    outputs = {}
    for step in STEPS:
        if is_network(step.words):
            continue
        more = SHORT if is_training(step.words) else QUICK if step.words[1] == "doctor" else []
        code, output = run([*step.words, *more], folder, terminal)
        assert code == 0 or step.words[1] == "doctor", plain(output)[-2000:]
        outputs[" ".join(step.words)] = output
    shutil.copytree(folder, copy)
    return copy, outputs


@pytest.fixture(scope="module")
def on_terminal(tmp_path_factory):
    """The page's commands on a terminal."""
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "hour").mkdir()
    return walk(folder / "hour", folder / "copy", terminal=True)


@pytest.fixture(scope="module")
def in_pipe(on_terminal):
    """The page's commands in a pipe, in the folder of the first walk with its training."""
    folder = on_terminal[0].parent / "hour"
    for name in ("pictures", "new", "drawn"):
        shutil.rmtree(folder / name)
    return walk(folder, folder.parent / "piped", terminal=False)


def test_the_page_has_at_most_twelve_commands():
    assert 8 <= len(STEPS) <= 12
    assert sum(is_training(step.words) for step in STEPS) == 1


@pytest.mark.parametrize("walked", ["on_terminal", "in_pipe"])
def test_files_are_written(walked, request):
    folder, _ = request.getfixturevalue(walked)
    assert len(list((folder / "pictures").glob("*.xml"))) == 20
    scores = json.loads((folder / "runs/first/scores.json").read_text())
    assert 0 <= scores["detection/AP"] <= 1
    page = (folder / "runs/first/report.html").read_text()
    assert "detection" in page
    assert len(list((folder / "drawn").glob("*.png"))) == 4
    lines = (folder / "drawn/predictions.jsonl").read_text().splitlines()
    assert len(lines) == 4
    assert {"first.onnx", "first.py"} <= {path.name for path in folder.iterdir()}


def test_the_page_shows_what_is_printed(on_terminal, in_pipe):
    """Each line that the page shows is printed, but for its numbers."""
    outputs, piped = on_terminal[1], in_pipe[1]
    for step in STEPS:
        if is_network(step.words):
            continue
        command = " ".join(step.words)
        both = plain(outputs[command]) + plain(piped[command])
        printed = {masked(line) for line in both.splitlines()}
        shown = [masked(line) for line in step.shown if not VARYING.search(line)]
        if step.words[0] == "python":  # a class, a score and a box
            shown = []
            assert re.search(r"^detection \w+ 0\.\d+( \d+\.\d+){4}$", both, re.M)
        assert [line for line in shown if not _is_printed(line, printed)] == [], command


def _is_printed(line, printed):
    """Whether a line is among those that were printed; one that ends in dots is a beginning."""
    if line.endswith("..."):
        return any(other.startswith(line[:-3]) for other in printed)
    return line in printed


def test_a_pipe_gets_plain_text(in_pipe):
    _, outputs = in_pipe
    for command, output in outputs.items():
        assert "\x1b" not in output, command
        assert "\r" not in output, command


def test_a_finished_training_is_not_repeated(in_pipe):
    _, outputs = in_pipe
    (training,) = [" ".join(step.words) for step in STEPS if is_training(step.words)]
    assert "already done" in outputs[training]


def test_scores_of_both_are_the_same(on_terminal, in_pipe):
    (command,) = [" ".join(step.words) for step in STEPS if step.words[1] == "score"]
    texts = [plain(outputs[command]) for _, outputs in (on_terminal, in_pipe)]
    rows = [re.findall(r"\d\.\d{4}", text) for text in texts]
    assert rows[0] == rows[1] != []
