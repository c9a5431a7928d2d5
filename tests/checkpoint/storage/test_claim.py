"""One training at a time writes into a directory; readers need no claim."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import densefit as df
from densefit.checkpoint.storage import claim, store
from densefit.checkpoint.storage.claim import Claim
from densefit.errors import CheckpointError


def train(tiny, directory, epochs=1, **settings):
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    data = tiny.iterator(8, 4, ["kind_label"])
    df.fit(network, data, epochs=epochs, checkpoint=directory, **settings)
    return network


def held(directory):
    """Whether another training is refused."""
    other = Claim(directory)
    try:
        other.take()
    except CheckpointError:
        return True
    other.release()
    return False


def test_two_trainings_never_share_a_directory(tiny, tmp_path):
    seen = []

    def second(state, control):
        with pytest.raises(CheckpointError, match="locked by this process") as caught:
            train(tiny, tmp_path, resume="auto")
        seen.append(str(caught.value))

    train(tiny, tmp_path, callbacks=[tiny.Recorder("update_ended", second)])
    assert f"this process ({os.getpid()} on" in seen[0]
    assert str(tmp_path) in seen[0]
    assert sorted(store.names(tmp_path)) == ["last", "update-00000002"]
    train(tiny, tmp_path, 2, resume="auto")  # it has been let go
    assert not (tmp_path / claim.FILE).exists()


def test_readers_need_no_claim(tiny, tmp_path):
    train(tiny, tmp_path)
    mine = Claim(tmp_path)
    mine.take()
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    df.load(tmp_path, network)
    assert df.score(network, tiny.iterator(8, 4, ["kind_label"]))
    mine.release()


def test_a_training_that_fails_lets_go_and_leaves_nothing(tiny, tmp_path):
    directory = tmp_path / "runs" / "one"
    with pytest.raises(OSError, match="disk is gone"):
        df.fit(
            df.Network(symbol=tiny.kind(), routes=tiny.kind_route()),
            tiny.broken(tiny.iterator(8, 4, ["kind_label"]), at=1),
            epochs=1,
            checkpoint=directory,
        )
    assert list(tmp_path.iterdir()) == []


HOLD = """
    import os, sys, time
    from pathlib import Path
    from densefit.checkpoint.storage.claim import Claim
    Claim(Path(sys.argv[1])).take()
    if os.fork() == 0:  # a worker, which has inherited the lock
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
"""


def test_a_claim_ends_with_its_process_though_a_worker_lives(tmp_path):
    program = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        worker = int(process.stdout.readline())
        try:
            with pytest.raises(CheckpointError, match=f"process {process.pid} on "):
                Claim(tmp_path).take()
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert not held(tmp_path)
        finally:
            os.kill(worker, signal.SIGKILL)


def without_locks(monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOTSUP, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)


def write(directory, **changed):
    (directory / claim.FILE).write_text(json.dumps({**claim.this_process(), **changed}))


def test_without_locks_a_process_of_this_machine_is_known_by_number_and_start(
    tmp_path, monkeypatch
):
    without_locks(monkeypatch)
    mine = Claim(tmp_path)
    mine.take()
    assert held(tmp_path)
    mine.release()
    assert not held(tmp_path)
    write(tmp_path)
    assert held(tmp_path)
    write(tmp_path, started=1)  # the number was used again
    assert not held(tmp_path)
    write(tmp_path, pid=2**22 + 5)
    assert not held(tmp_path)


def test_without_locks_another_machine_gives_signs_of_life(tmp_path, monkeypatch):
    without_locks(monkeypatch)
    write(tmp_path, machine="another", host="far")
    with pytest.raises(CheckpointError, match="on far"):
        Claim(tmp_path).take()
    past = time.time() - claim.SILENT - 5
    os.utime(tmp_path / claim.FILE, (past, past))
    assert not held(tmp_path)
    monkeypatch.setattr(claim, "RENEWED", 0.01)
    mine = Claim(tmp_path)
    mine.take()
    os.utime(tmp_path / claim.FILE, (past, past))
    deadline = time.monotonic() + 10
    while os.stat(tmp_path / claim.FILE).st_mtime < past + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.stat(tmp_path / claim.FILE).st_mtime > past + 1
    mine.release()


def test_with_locks_a_dead_machine_holds_nothing(tmp_path):
    write(tmp_path, machine="another", host="far")
    assert not held(tmp_path)
    (tmp_path / claim.FILE).write_text("no JSON")
    assert not held(tmp_path)


def test_a_disk_that_cannot_be_written(tiny, tmp_path, monkeypatch, caplog):
    train(tiny, tmp_path / "old")

    def refuse(self):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Claim, "_write", refuse)
    with pytest.raises(CheckpointError, match=r"cannot be written(.|\n)*Read-only"):
        train(tiny, tmp_path / "new")  # told before anything is trained
    assert not (tmp_path / "new").exists()
    train(tiny, tmp_path / "old", 1, resume="auto")  # is done already: nothing is written
    assert "Read-only" in caplog.text


def test_a_new_training_is_told_of_the_one_that_goes_on_there(tiny, tmp_path):
    """And not to remove its checkpoints."""
    train(tiny, tmp_path)
    mine = Claim(tmp_path)
    mine.take()
    with pytest.raises(CheckpointError, match=r"process") as told:
        train(tiny, tmp_path)
    assert "remove this one" not in str(told.value)
    mine.release()
    with pytest.raises(CheckpointError, match="holds the checkpoints of a training already"):
        train(tiny, tmp_path)
