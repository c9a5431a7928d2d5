import threading
import time

import pytest

from densefit.evaluation.batch_sizes import BatchSizes
from densefit.tools.serving.batcher import Batcher, ExpiredError, FullError, Model

LATE = 1e18


class Squares:
    """A model that notes its batches, and may be held."""

    def __init__(self, sizes=(1, 2, 4)):
        self.batches, self.go = [], threading.Event()
        self.model = Model(self.compute, BatchSizes(sizes))
        self.threads = set()
        self.go.set()

    def compute(self, images, rows):
        self.go.wait(10)
        self.threads.add(threading.current_thread().name)
        self.batches.append((list(images), rows))
        if any(image < 0 for image in images):
            raise ArithmeticError(images)
        return [image**2 for image in images]


def test_images_that_wait_share_a_batch():
    squares = Squares()
    batcher = Batcher(lambda: squares.model, wait=0.0, most=32)
    squares.go.clear()
    first = batcher.submit(1, "a", LATE)
    while batcher.waiting:
        time.sleep(0.001)
    rest = [batcher.submit(number, "ab"[number > 5], LATE) for number in range(2, 8)]
    squares.go.set()
    assert [future.result(10) for future in [first, *rest]] == [n**2 for n in range(1, 8)]
    assert squares.batches == [([1], 1), ([2, 3, 4, 5], 4), ([6, 7], 2)]
    assert squares.threads == {"network"}
    batcher.close()
    assert not batcher.is_alive


def test_an_image_waits_for_those_on_their_way_alone():
    squares, expected = Squares(), [1]
    batcher = Batcher(lambda: squares.model, wait=30.0, most=8, expected=lambda: expected[0])
    assert batcher.submit(3, "a", LATE).result(10) == 9  # not 30 s later
    expected[0] = 4
    futures = []
    for number in range(4):
        futures.append(batcher.submit(number, "a", LATE))
        time.sleep(0.01)
    assert [future.result(10) for future in futures] == [0, 1, 4, 9]
    assert squares.batches[1:] == [([0, 1, 2, 3], 4)]
    batcher.close()


def test_batches_are_filled_up_to_sizes_that_give_equal_bits():
    squares = Squares(sizes=(4,))
    batcher = Batcher(lambda: squares.model, wait=0.0, most=8)
    assert batcher.submit(3, "a", LATE).result(10) == 9
    assert squares.batches == [([3], 4)]
    batcher.close()


def test_an_error_is_of_its_batch_alone():
    squares = Squares(sizes=(1,))
    batcher = Batcher(lambda: squares.model, wait=0.0, most=8)
    with pytest.raises(ArithmeticError):
        batcher.submit(-1, "a", LATE).result(10)
    assert batcher.submit(2, "a", LATE).result(10) == 4
    batcher.close()
    with pytest.raises(ZeroDivisionError):
        Batcher(lambda: 1 / 0, wait=0.0, most=8)


def test_what_is_late_or_given_up_is_not_computed():
    squares = Squares()
    batcher = Batcher(lambda: squares.model, wait=0.0, most=3)
    squares.go.clear()
    first = batcher.submit(1, "a", LATE)
    while batcher.waiting:
        time.sleep(0.001)
    late = batcher.submit(2, "a", time.monotonic() - 1)
    given_up = batcher.submit(3, "a", LATE)
    last = batcher.submit(4, "a", LATE)
    with pytest.raises(FullError):
        batcher.submit(5, "a", LATE)
    assert given_up.cancel()
    squares.go.set()
    with pytest.raises(ExpiredError):
        late.result(10)
    assert (first.result(10), last.result(10)) == (1, 16)
    batcher.close()
    assert squares.batches == [([1], 1), ([4], 1)]
