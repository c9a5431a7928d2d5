"""A stranger's package brings a head, a metric and a dataset, and every tool works with them.

It is installed as any package is, into a folder of its own, and found by its entry point. Nothing
of densefit knows it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest

import densefit as df
from densefit.callbacks.jsonl import read_lines
from densefit.checkpoint.storage import store
from densefit.errors import ConfigError
from tests import forked

SOURCE = Path(__file__).parent / "stranger"
TOOLS = Path(__file__).parents[2] / "tools"
EPOCHS, UPDATES = 12, 6  # of an epoch
KILLED_AFTER = "update-00000012"  # and before the end
TRAINING = {
    "--data.dataset": "bars",
    "--data.settings": "{length: 48}",
    "--data.workers": "1",
    "--model.settings.width": "8",
    "--model.heads": (
        "{tilt: {task: bar_angle, hidden: 8}, way: {task: classification}, lean: {task: bar_lean}}"
    ),
    "--input_size": "[32, 32]",
    "--training.epochs": str(EPOCHS),
    "--training.batch_size": "8",
    "--training.optimizer": "adam",
    "--training.optimizer_params": "{}",
    "--training.schedule": "{name: cosine, lr: 0.005}",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package installed, its metadata beside it."""
    folder = tmp_path_factory.mktemp("site")
    copy = tmp_path_factory.mktemp("source") / "stranger"
    shutil.copytree(SOURCE, copy)  # setuptools leaves things beside what it builds
    places = [text for c in ("lib", "egg_info") for text in (f"install_{c}", f"-d{folder}")]
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *places]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tool(site):
    """Starts a tool in a process that has the package."""

    def start(name, *arguments):
        command = [sys.executable, str(TOOLS / f"{name}.py"), *map(str, arguments)]
        return forked.Popen(
            command,
            forget=["densefit"],
            env={**os.environ, "PYTHONPATH": str(site)},
            stdout=forked.PIPE,
            stderr=forked.PIPE,
            text=True,
        )

    return start


def finished(process):
    """(stdout, stderr) of a process that must succeed."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out, error


@pytest.fixture(scope="module")
def run(tool, tmp_path_factory):
    """(folder of a training that was killed and resumed, what the resumed one said)."""
    out = tmp_path_factory.mktemp("runs") / "bars"
    arguments = [text for pair in TRAINING.items() for text in pair] + ["--out", out]
    process = tool("train_det", *arguments)
    while not any(name >= KILLED_AFTER for name in store.names(out / "checkpoints")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return out, finished(tool("train_det", *arguments, "--resume", "auto"))


def test_the_package_is_found_by_its_entry_point(site):
    (found,) = metadata.distributions(path=[str(site)])
    assert found.metadata["Name"] == "stranger"
    points = [p for p in found.entry_points if p.group == "densefit.plugins"]
    assert [point.value for point in points] == ["stranger"]
    with pytest.raises(ConfigError, match="Unknown head 'bar_angle'"):
        df.head("bar_angle")  # here it is not installed


def test_a_killed_training_goes_on_where_it_was(run):
    out, (_, told) = run
    first = int(told.split("epoch ", 1)[1].split("/")[0])
    assert 2 < first <= EPOCHS
    epochs = [line for line in read_lines(out / "scalars.jsonl") if line["kind"] == "epoch"]
    assert [line["update"] for line in epochs] == [UPDATES * (n + 1) for n in range(EPOCHS)]
    scores = json.loads((out / "scores.json").read_text())
    assert scores["tilt/angular_error"] < 25  # 45 for who guesses
    assert scores["way/accuracy"] > 0.6
    assert scores["lean/accuracy"] > 0.6


def test_it_is_scored(run, tool, tmp_path):
    shown, _ = finished(tool("score", "--checkpoint", run[0], "--out", tmp_path))
    assert "angular_error" in shown
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores == pytest.approx(json.loads((run[0] / "scores.json").read_text()))
    assert (tmp_path / "tilt_worst.png").exists()


def test_it_predicts_on_pictures(run, tool, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, ends in {"level": ((4, 16), (28, 16)), "upright": ((16, 4), (16, 28))}.items():
        picture = np.full((32, 32, 3), 30, np.uint8)
        cv2.line(picture, *ends, (60, 200, 220), 4)
        cv2.imwrite(str(photos / f"{name}.png"), picture)
    out = tmp_path / "out"
    finished(tool("predict", "--checkpoint", run[0], photos, "--out", out))
    level, upright = (json.loads(line) for line in (out / "predictions.jsonl").open())
    assert min(level["tilt"], 180 - level["tilt"]) < 30
    assert abs(upright["tilt"] - 90) < 30
    assert set(level["way"]["probabilities"]) == {"falling", "rising"}
    assert set(level["lean"]["probabilities"]) == {"lying", "standing"}
    drawn, given = (cv2.imread(str(folder / "level.png")) for folder in (out, photos))
    assert (drawn != given).any()
