import pytest

from densefit.data.workers.slot_window import SlotWindow, whole_pages
from densefit.data.workers.worker_main import WorkerResult


@pytest.fixture
def window():
    slots = SlotWindow()
    slots.clear(range(3))
    for visit in (10, 11, 12):
        slots.begin(visit)
    return slots


def test_samples_come_in_order_whatever_is_loaded_first(window):
    assert (window.free, [visit for visit, _ in window.pending]) == ([], [10, 11, 12])
    slots = [slot for _, slot in window.pending]
    window.add(WorkerResult(1, slots[1]), True)
    assert window.first_done() is None
    assert not window.are_loaded(2)
    window.add(WorkerResult(1, slots[0]), True)
    assert window.are_loaded(2)
    assert [window.first_done()[0] for _ in range(2)] == [10, 11]
    assert window.first_done() is None


def test_a_failed_sample_is_not_loaded(window):
    window.add(WorkerResult(1, window.pending[0][1], error_parts={"what": "broken"}), True)
    assert not window.are_loaded(1)


def test_slots_of_dropped_samples_are_free_when_these_are_loaded(window):
    slots = [slot for _, slot in window.pending]
    window.add(WorkerResult(1, slots[0]), True)
    window.drop()
    assert (window.free, window.done) == ([slots[0]], {})
    window.add(WorkerResult(1, slots[1]), False)
    window.add(WorkerResult(2, slots[2]), True)  # of the present work, but not requested
    assert sorted(window.free) == [0, 1, 2]


def test_whole_pages():
    assert [whole_pages(size) for size in (0, 1, 4096, 4097)] == [4096, 4096, 4096, 8192]
