import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
import numpy as np
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample


class Data:
    classes = []

    def __len__(self):
        return 40

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        if index > 20:
            time.sleep(600)
        return Sample(str(index), np.zeros((4, 4, 3), np.uint8), {"pid": np.array(os.getpid())})


def main():
    loader = Loader(Data(), batch_size=2, worker_kind="processes", last="drop")
    batch = next(loader)
    print(*{int(one["pid"]) for one in next(loader).targets}, flush=True)
    BODY


GUARD
"""
GUARDED = "if __name__ == '__main__':\n    main()"


def script(tmp_path, body, guard=GUARDED):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace("BODY", body).replace("GUARD", guard))
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, str(path)], start_new_session=True, **settings)


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def assert_gone(pids, seconds=20):
    deadline = time.monotonic() + seconds
    while not all(map(gone, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_orphans_when_the_parent_is_killed(tmp_path):
    process = script(tmp_path, "time.sleep(600)")
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert pids
    assert process.pid not in pids
    process.kill()
    process.communicate()
    assert_gone(pids)


def test_an_interrupt_of_all_processes_is_the_parents_affair(tmp_path):
    body = (
        "try:\n        print('ready', flush=True)\n        time.sleep(600)\n"
        "    except KeyboardInterrupt:\n"
        "        print(next(loader).ids, flush=True)"
    )
    process = script(tmp_path, body)
    pids = process.stdout.readline().split()
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (out, err, process.returncode) == ("['4', '5']\n", "", 0)
    assert_gone([int(pid) for pid in pids])


def test_the_end_of_the_script_ends_samples_that_hang_without_a_word(tmp_path):
    body = "print([next(loader).ids[0] for _ in range(8)], flush=True)"
    process = script(tmp_path, body)
    out, err = process.communicate(timeout=100)
    assert out.splitlines()[1] == str([str(i) for i in range(4, 20, 2)])
    assert (err, process.returncode) == ("", 0)


def test_a_script_without_its_guard_is_told_what_is_missing(tmp_path):
    process = script(tmp_path, "pass", guard="main()")
    out, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "LostWorkerError: A worker process ended before it began" in err
    assert '== "__main__"' in err


def test_a_forgotten_loader_ends_its_processes():
    from densefit.data.workers.process_pool import ProcessPool

    gc.collect()  # what other tests have left
    ProcessPool(1, 1, 100).stop()  # the first one starts the system's resource tracker, for good
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    pool = ProcessPool(1, 4, 100)
    pids = [process.pid for process in pool._processes]
    del pool
    gc.collect()
    assert_gone(pids)
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
