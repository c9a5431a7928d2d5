import pytest

from densefit.checkpoint.storage import store
from densefit.distributed.environment import FOLDER, RESTART
from densefit.train.setup.restarted import mark_begun, resume_after_restart


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A directory of checkpoints, and the environment of a rank that was started again."""
    folder, directory = tmp_path / "launch", tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv(RESTART, "1")
    store.write(directory, "update-00000001", {}, {})
    return directory


def test_a_directory_that_this_launch_began_with_is_continued(directory):
    mark_begun(directory)
    assert resume_after_restart("none", directory) == "auto"
    assert resume_after_restart("elsewhere", directory) == "auto"


def test_a_directory_that_it_refused_is_refused_again(directory):
    """It holds the checkpoints of another training."""
    mark_begun(directory.with_name("other"))
    assert resume_after_restart("none", directory) == "none"
    assert resume_after_restart("elsewhere", directory) == "elsewhere"


def test_without_a_checkpoint_the_training_begins_as_before(directory):
    empty = directory.with_name("empty")
    mark_begun(empty)
    assert resume_after_restart("elsewhere", empty) == "elsewhere"


def test_other_launchers_and_first_starts(directory, monkeypatch):
    monkeypatch.setenv(RESTART, "0")
    assert resume_after_restart("none", directory) == "none"
    monkeypatch.delenv(FOLDER)
    mark_begun(directory)  # has nowhere to be marked
    monkeypatch.setenv(RESTART, "1")
    assert resume_after_restart("none", directory) == "auto"
