import gc
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.sample import Sample
from densefit.data.workers.opencv_threads import hold, release


@pytest.fixture(autouse=True)
def users():
    """A number of threads as a user's process has it."""
    gc.collect()  # loaders of other tests
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(before)


class Seen:
    """Notes OpenCV's number of threads where samples are read."""

    classes = []

    def __init__(self):
        self.threads = set()

    def __len__(self):
        return 9

    def __getitem__(self, index):
        self.threads.add(cv2.getNumThreads())
        return Sample(str(index), np.zeros((4, 4, 3), np.uint8), {})


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [Loader, OriginalSizeLoader])
def test_opencvs_threads_rest_while_workers_work_and_are_the_users_after(kind, workers):
    data = Seen()
    with kind(data, batch_size=2, workers=workers) as loader:
        data.threads.clear()
        list(loader)
        assert data.threads == {1}
    assert cv2.getNumThreads() == 3


def test_a_forgotten_loader_gives_them_back():
    loader = Loader(Seen(), batch_size=2, workers=1)
    next(loader)
    assert cv2.getNumThreads() == 1
    del loader
    gc.collect()
    assert cv2.getNumThreads() == 3


def test_the_last_one_gives_them_back_unless_the_user_chose_another_number_since():
    hold()
    hold()
    release()
    assert cv2.getNumThreads() == 1
    release()
    assert cv2.getNumThreads() == 3
    hold()
    cv2.setNumThreads(2)
    release()
    assert cv2.getNumThreads() == 2


BESIDE = """
import threading, time
import cv2
import numpy as np
from densefit.data.workers.opencv_threads import hold, release

cv2.setNumThreads(4)
image, over = np.zeros((1200, 1200, 3), np.uint8), threading.Event()

def compute():
    while not over.is_set():
        cv2.resize(image, (700, 700), interpolation=cv2.INTER_CUBIC)
        cv2.GaussianBlur(image[:300, :300], (5, 5), 1)

threads = [threading.Thread(target=compute) for _ in range(3)]
for thread in threads:
    thread.start()
end = time.monotonic() + 3
while time.monotonic() < end:
    hold()
    time.sleep(0.0005)
    release()
    time.sleep(0.0005)
over.set()
for thread in threads:
    thread.join()
"""


def test_a_users_thread_may_compute_with_several_when_a_loader_begins():
    """The division by 0 threads is gone. A race in OpenCV's own pool is left, which ended one of
    some 25 such runs, each of thousands of changes, by another signal.
    """
    ended = subprocess.run([sys.executable, "-c", BESIDE], timeout=120).returncode
    assert ended in (0, -signal.SIGABRT, -signal.SIGSEGV)
