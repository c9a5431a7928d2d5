import gc
import sys
import threading
import time
import weakref

import pytest

from densefit.data.workers.thread_pool import ThreadPool


@pytest.fixture
def pool():
    workers = ThreadPool(2)
    yield workers
    workers.stop()


def test_results_and_exceptions_come_by_the_future(pool):
    futures = [pool.submit(lambda n: 12 // n, n) for n in (1, 2, 0, 4)]
    assert [futures[i].result(5) for i in (0, 1, 3)] == [12, 6, 3]
    with pytest.raises(ZeroDivisionError):
        futures[2].result(5)


def test_even_an_exit_does_not_kill_a_thread(pool):
    for _ in range(4):
        with pytest.raises(SystemExit):
            pool.submit(sys.exit, 1).result(5)
    assert pool.submit(abs, -1).result(5) == 1


def test_work_is_really_done_side_by_side(pool):
    barrier = threading.Barrier(2, timeout=60)
    futures = [pool.submit(lambda n: barrier.wait() >= 0, n) for n in range(2)]
    assert all(future.result(60) for future in futures)


def test_cancelled_and_queued_calls_are_dropped_at_the_end():
    workers, ran, gate = ThreadPool(1), [], threading.Event()
    workers.submit(lambda n: gate.wait(5), 0)
    cancelled = workers.submit(ran.append, 1)
    workers.submit(ran.append, 2)
    cancelled.cancel()
    threads = list(workers._threads)
    stopper = threading.Thread(target=workers.stop)
    stopper.start()
    while not workers._stopped.is_set():
        time.sleep(0.001)
    gate.set()
    stopper.join(5)
    assert ran == []
    assert not any(thread.is_alive() for thread in threads)


def test_a_waiting_thread_keeps_no_result_alive(pool):
    class Big:
        pass

    result = pool.submit(lambda n: Big(), 0).result(5)
    alive = weakref.ref(result)
    del result
    for _ in range(100):
        gc.collect()
        if alive() is None:
            return
        time.sleep(0.01)
    pytest.fail("the result is still referenced")


def test_one_of_the_threads_may_be_the_one_that_stops_them():
    workers = ThreadPool(2)
    threads = list(workers._threads)
    workers.submit(lambda n: workers.stop(), 0).result(5)
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
