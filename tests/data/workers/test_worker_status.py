import time

from densefit.data.workers.worker_status import WorkerStatus


def test_each_worker_has_a_place_of_its_own():
    status = WorkerStatus(2)
    assert status.current == 0
    assert [status.assignment(0), status.assignment(1)] == [None, None]
    status.current = 5
    before = time.monotonic()
    status.start(1, 0, 1 << 40)
    claim = status.assignment(1)
    assert (claim.slot, claim.visit) == (0, 1 << 40)
    assert before <= claim.since <= time.monotonic()
    status.start(0, 3, 2)
    status.finish(1)
    assert (status.assignment(0).slot, status.assignment(1), status.current) == (3, None, 5)
    status.close()
