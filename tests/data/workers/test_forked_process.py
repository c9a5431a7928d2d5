"""Worker processes start as spawned ones do, though a server forks them."""

import multiprocessing
import os
import random
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from densefit.data.workers.process_class import process_class
from tests import forked

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not (3, 11, 1) <= sys.version_info < (3, 13),
    reason="processes are spawned here",
)


def report(sender):
    print("to the parent's stdout", flush=True)
    sender.send(
        {
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "cpus": os.sched_getaffinity(0),
            "drawn": (random.random(), float(np.random.rand())),
            "engines": [name for name in ("mxnet", "torch") if name in sys.modules],
            "path": sys.path,
            "threads": len(os.listdir("/proc/self/task")),
            "server": os.getppid(),
            "threads of the server": len(os.listdir(f"/proc/{os.getppid()}/task")),
        }
    )


def reports(count=1):
    """What processes say of themselves, and how they ended."""
    said = []
    for _ in range(count):
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = process_class()(target=report, args=(sender,))
        process.start()
        said.append(receiver.recv())
        process.join()
        assert process.exitcode == 0
    return said


@contextmanager
def stdout_into(path):
    """Let the process write to a file, with what it has started before or starts within."""
    before = os.dup(1)
    with open(path, "w") as file:
        os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


def test_each_process_has_what_its_parent_has_then(monkeypatch, tmp_path):
    first = reports()[0]  # the server runs now
    monkeypatch.setenv("SET_LATER", "1")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    try:
        with stdout_into(tmp_path / "out.txt"):
            (later,) = reports()
    finally:
        os.sched_setaffinity(0, cpus)
    assert later["server"] == first["server"] != os.getpid()
    assert later["environment"] == dict(os.environ)
    assert Path(later["folder"]) == tmp_path
    assert later["path"][0] == str(tmp_path)
    assert (first["cpus"], later["cpus"]) == (cpus, {min(cpus)})
    assert Path("out.txt").read_text() == "to the parent's stdout\n"


def test_processes_draw_other_numbers_and_come_of_one_thread_without_an_engine():
    one, other = reports(2)
    assert not set(one["drawn"]) & set(other["drawn"])
    assert (one["engines"], one["threads"], one["threads of the server"]) == ([], 1, 1)


def test_what_ends_a_process_is_known():
    process = process_class()(target=os._exit, args=(3,))
    process.start()
    process.join()
    assert process.exitcode == 3
    process = process_class()(target=os.abort)
    process.start()
    process.join()
    assert process.exitcode == -6


SCRIPT = """
import sys
from densefit.data.loader.loader import Loader
from densefit.datasets import Shapes

if __name__ == "__main__":
    with Loader(Shapes(2), batch_size=1, worker_kind="processes", workers=1) as loader:
        print(*[batch.ids[0] for batch in loader])
"""


def test_a_densefit_in_the_working_directory_is_not_imported(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "here" / "densefit").mkdir(parents=True)
    (tmp_path / "here" / "densefit" / "__init__.py").write_text("raise SystemExit(7)")
    done = forked.run(
        [sys.executable, str(tmp_path / "script.py")],
        cwd=tmp_path / "here",
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout, done.stderr) == ("train-000000 train-000001\n", "")


def test_without_a_folder_for_its_socket_processes_are_spawned(monkeypatch, tmp_path):
    spawned = multiprocessing.get_context("spawn").Process
    assert process_class() is not spawned
    monkeypatch.setattr("densefit.data.workers.forked_process._servers", {})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    monkeypatch.setitem(multiprocessing.current_process()._config, "tempdir", None)
    assert process_class() is spawned
