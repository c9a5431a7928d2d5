"""Plugin files of commands: recorded in checkpoints, which run none of them."""

import hashlib
import json
import logging
import shutil

import pytest

import densefit as df
from densefit import plugin_files
from densefit.checkpoint.storage import store
from densefit.errors import CheckpointError
from densefit.tools import (
    check_data,
    convert_data,
    find_lr,
    pack,
    plot_run,
    predict,
    score,
    show_schedule,
    train_seg,
)
from densefit.tools.recipes.plugins import use_plugins

# It registers a dataset and a head, and leaves a trace of each import.
PARTS = """
from pathlib import Path

from densefit.data.sample import datasets
from densefit.datasets.shapes import Shapes
from densefit.model.heads.head import heads
from densefit.tasks.segmentation import Segmentation

with open(Path(__file__).with_name("imports.txt"), "a") as trace:
    trace.write("x")

@datasets.register("my_shapes")
class MyShapes(Shapes):
    pass

@heads.register("my_segmentation")
class MySegmentation(Segmentation):
    pass
"""
HEADS = "{segmentation: {task: my_segmentation, decoder: fcn, channels: 8}}"


class Project:
    """A folder with a plugin file and a run that was trained with it."""

    def __init__(self, folder, tiny):
        self.folder, self.file = folder, folder / "my_parts.py"
        self.run = folder / "run"
        self.arguments = tiny(
            data__dataset="my_shapes", model__heads=HEADS, training__epochs=1, out=self.run
        )

    @property
    def imports(self):
        """How often the file was imported."""
        trace = self.folder / "imports.txt"
        return len(trace.read_text()) if trace.exists() else 0

    def forget(self):
        """Begin as a new process does, in which nothing of the file is registered."""
        plugin_files._imported.clear()
        for registry in df.factory.REGISTRIES:
            for name, factory in list(registry._factories.items()):
                if factory.__module__.startswith("densefit_plugins."):
                    del registry._factories[name]


@pytest.fixture(scope="module")
def trained_project(tiny, tmp_path_factory):
    """A run that was trained with a plugin."""
    project = Project(tmp_path_factory.mktemp("project"), tiny)
    project.file.write_text(PARTS)
    assert train_seg.main([*project.arguments, "--plugins", str(project.file)]) == 0
    project.forget()
    return project


@pytest.fixture
def project(trained_project, tiny, tmp_path, plugins_of_test):
    shutil.copytree(trained_project.folder, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy" / "imports.txt").unlink()
    copy = Project(tmp_path / "copy", tiny)
    copy.recorded = trained_project.file
    return copy


def test_a_run_records_the_files_and_their_hashes(project):
    _, content = store.read(project.run / "checkpoints" / "best", only=[])
    sha256 = hashlib.sha256(PARTS.encode()).hexdigest()
    assert content["extra"]["plugins"] == [{"file": str(project.recorded), "sha256": sha256}]
    assert content["extra"]["recipe"]["plugins"] == [str(project.recorded)]
    (start,) = json.loads((project.run / "environment.json").read_text())
    assert start["plugins"] == {str(project.recorded): sha256}
    assert f"- {project.recorded}\n" in (project.run / "config.yaml").read_text()


def test_a_checkpoint_runs_nothing_and_asks_for_its_files(project, capsys):
    """The recorded path is there, is the same file, and is not imported."""
    before = len((project.recorded.parent / "imports.txt").read_text())
    resume = [*project.arguments, "--training.epochs", "2", "--resume", "auto"]
    programs = {
        "score": lambda: score.main(["--checkpoint", str(project.run)]),
        "predict": lambda: predict.main(["--checkpoint", str(project.run), "a.png", "--out", "x"]),
        "resume": lambda: train_seg.main(resume),
    }
    sha256 = hashlib.sha256(PARTS.encode()).hexdigest()
    for name, run in programs.items():
        assert run() == 2, name
        message = capsys.readouterr().err
        assert "trained with plugin files" in message, name
        assert f"expected: {project.recorded} (sha256 {sha256})" in message
        assert f"--plugins {project.recorded}" in message
    with pytest.raises(CheckpointError, match="if you trust the code: import_plugins"):
        df.load(project.run)
    assert project.imports == 0
    assert len((project.recorded.parent / "imports.txt").read_text()) == before


@pytest.mark.parametrize("extra", ["plugins", "recipe"])
def test_a_forged_checkpoint_runs_nothing_either(project, capsys, extra):
    """Whether the list of files or the recipe alone names it; control characters are escaped."""
    checkpoint = project.run / "checkpoints" / "best"
    parts, content = store.read(checkpoint)
    evil = project.folder / "evil.py"
    evil.write_text(f"open({str(project.folder / 'ran')!r}, 'w')")
    names = [str(evil), "\x1b[2J.py", "; rm -rf x.py"]
    content["extra"]["recipe"]["plugins"] = names if extra == "recipe" else []
    content["extra"]["plugins"] = [{"file": name} for name in names] if extra == "plugins" else 7
    store.write(project.folder, "forged", parts, content)
    assert score.main(["--checkpoint", str(project.folder / "forged")]) == 2
    message = capsys.readouterr().err
    assert f"{evil} (sha256 not recorded)" in message
    assert "\x1b" not in message
    assert "--plugins '; rm -rf x.py'" in message
    assert not (project.folder / "ran").exists()


def test_a_command_that_names_the_file_scores_predicts_and_resumes(project, capsys):
    flag = ["--plugins", str(project.file)]
    assert score.main(["--checkpoint", str(project.run), *flag]) == 0
    assert "plugin my_parts.py (sha256" in capsys.readouterr().out
    resume = [*project.arguments, "--training.epochs", "2", "--resume", "auto"]
    assert train_seg.main([*resume, *flag]) == 0
    assert len(json.loads((project.run / "environment.json").read_text())) == 2
    plugin_files.import_plugins([project.file])
    assert df.load(project.run).heads[0].name == "segmentation"
    assert project.imports == 1


def test_another_hash_is_a_warning_with_both(project, caplog, capsys):
    project.file.write_text(PARTS + "\n# another version\n")
    with caplog.at_level(logging.WARNING, "densefit"):
        assert score.main(["--checkpoint", str(project.run), "--plugins", str(project.file)]) == 0
    (warning,) = [r.getMessage() for r in caplog.records if "not as it was" in r.getMessage()]
    for text in (PARTS, PARTS + "\n# another version\n"):
        assert hashlib.sha256(text.encode()).hexdigest() in warning


def test_other_programs_take_plugins_too(project, tmp_path, capsys):
    flag = ["--plugins", str(project.file)]
    packed = tmp_path / "train.rec"
    data = ["--data.dataset", "my_shapes", "--data.settings", "{length: 2}"]
    assert pack.main([*data, *flag, "--out", str(packed)]) == 0
    assert packed.is_file()
    splits = ["--data.validation", "null", "--data.test", "null"]
    assert check_data.main([*data, *splits, *flag]) == 0
    coco = ["--to", "coco", "--out", str(tmp_path / "coco"), "--lossy", "true"]
    assert convert_data.main([*data, *splits, *flag, *coco]) == 0
    assert plot_run.main([str(project.run), *flag, "--out", str(tmp_path / "c.png")]) == 0
    assert show_schedule.main(["cosine", *flag, "--out", str(tmp_path)]) == 0
    search = [*project.arguments, *flag, "--updates", "3", "--out", str(tmp_path / "lr")]
    assert find_lr.main(search) == 0
    assert capsys.readouterr().out.count("plugin my_parts.py (sha256") == 6


def test_a_plugin_that_registers_nothing_is_a_warning(tmp_path, plugins_of_test, caplog, capsys):
    helper, user = tmp_path / "helper.py", tmp_path / "user.py"
    helper.write_text("SIZE = 3\n")
    user.write_text("from densefit_plugins.helper import SIZE\n")
    with caplog.at_level(logging.WARNING, "densefit"):
        use_plugins([str(helper), str(user)])
    assert "plugin user.py" in capsys.readouterr().out
    (warning,) = [record.getMessage() for record in caplog.records]
    assert f"The plugin {user} registers nothing" in warning
