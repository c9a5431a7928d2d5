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
    *("--epochs", "1", "--batch-size", "8", "--workers", "1"),
]
#: Lines that a short training, or a machine without ImageNet's weights, does not print.
LONG = re.compile(r"ImageNet|worst classes|the best so far|updates from|^ +also|\bat [A-Z]")


def is_network(words):
    return words[:3] == ["densefit", "weights", "fetch"]


def is_training(words):
    return words[:2] == ["densefit", "train"] and "--dry-run" not in words


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """Terminal or pipe -> (folder, output by command); both share a training."""
    results = {}
    for terminal in (True, False):
        folder = tmp_path_factory.mktemp("terminal" if terminal else "pipe")
        outputs = {}
        for step in STEPS:
            words = step.words
            if is_network(words):
                continue
            if is_training(words):
                words = [*words, *SHORT]
                if not terminal:  # an interrupted copy would train again: this one is finished
                    shutil.copytree(results[True][0] / "runs", folder / "runs")
            code, outputs[" ".join(step.words)] = run(words, folder, terminal)
            assert code == 0, (words, outputs)
        results[terminal] = folder, outputs
    return results


def test_the_page_has_at_most_twelve_commands():
    assert 8 <= len(STEPS) <= 12
    assert sum(is_training(step.words) for step in STEPS) == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_files_are_written(walks, terminal):
    folder, _ = walks[terminal]
    assert len(list((folder / "pictures").glob("*.xml"))) == 20
    scores = json.loads((folder / "runs/first/scores.json").read_text())
    assert 0 <= scores["detection/AP"] <= 1
    page = (folder / "runs/first/report.html").read_text()
    assert "detection" in page
    assert len(list((folder / "drawn").glob("*.png"))) == 4
    lines = (folder / "drawn/predictions.jsonl").read_text().splitlines()
    assert len(lines) == 4
    assert {"first.onnx", "first.py"} <= {path.name for path in folder.iterdir()}


def test_the_page_shows_what_is_printed(walks):
    """Each line that the page shows is printed, but for its numbers."""
    _, outputs = walks[True]
    _, piped = walks[False]
    for step in STEPS:
        if is_network(step.words):
            continue
        command = " ".join(step.words)
        both = plain(outputs[command]) + plain(piped[command])
        printed = {masked(line) for line in both.splitlines()}
        shown = [line for line in step.shown if not LONG.search(line)]
        assert [line for line in shown if masked(line) not in printed] == [], command


def test_a_pipe_gets_plain_text(walks):
    _, outputs = walks[False]
    for command, output in outputs.items():
        assert "\x1b" not in output, command
        assert "\r" not in output, command


def test_a_finished_training_is_not_repeated(walks):
    _, outputs = walks[False]
    (training,) = [" ".join(step.words) for step in STEPS if is_training(step.words)]
    assert "already done" in outputs[training]


def test_scores_of_both_are_the_same(walks):
    (command,) = [" ".join(step.words) for step in STEPS if step.words[1] == "score"]
    rows = [re.findall(r"\d\.\d{4}", plain(output[command])) for _, output in walks.values()]
    assert rows[0] == rows[1]
    assert rows[0]
