import time

from densefit.data.workers.worker_status import Board


def test_each_worker_has_a_place_of_its_own():
    board = Board(2)
    assert board.wanted == 0
    assert [board.busy(0), board.busy(1)] == [None, None]
    board.wanted = 5
    before = time.monotonic()
    board.claim(1, 0, 1 << 40)
    claim = board.busy(1)
    assert (claim.slot, claim.visit) == (0, 1 << 40)
    assert before <= claim.since <= time.monotonic()
    board.claim(0, 3, 2)
    board.rest(1)
    assert (board.busy(0).slot, board.busy(1), board.wanted) == (3, None, 5)
    board.close()
