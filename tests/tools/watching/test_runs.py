import os
import time

from densefit.tools.watching.runs import find_runs
from tests.tools.page.run_folder import write_run


def aged(folder, seconds):
    for path in folder.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)
    return folder


def test_runs_at_several_depths_the_latest_first(tmp_path):
    aged(write_run(tmp_path / "a"), 50)
    write_run(tmp_path / "b" / "c")
    (tmp_path / "empty").mkdir()
    assert list(find_runs(tmp_path)) == ["b/c", "a"]


def test_the_folder_may_be_a_run(tmp_path):
    assert list(find_runs(write_run(tmp_path / "run"))) == ["."]


def test_links_are_not_followed(tmp_path):
    outside = write_run(tmp_path / "outside")
    root = tmp_path / "root"
    (root / "linked").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    (root / "linked" / "config.yaml").symlink_to(outside / "config.yaml")
    assert find_runs(root) == {}


def test_a_training_runs_until_it_has_scores_or_is_silent(tmp_path):
    folder = write_run(tmp_path / "run")
    assert find_runs(tmp_path)["run"].is_finished
    (folder / "scores.json").unlink()
    assert not find_runs(tmp_path)["run"].is_finished
    aged(folder, 400)
    assert find_runs(tmp_path)["run"].is_finished
