"""Nobody waits for a thread that has died."""

import threading

import pytest

import densefit as df
from densefit.backend import mx
from densefit.errors import DataError
from densefit.interop.iterators.prefetching_iter import guard_prefetching_iter

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"  # the point of these tests
)


def in_time(work):
    """What `work` raises; it must come to an end."""
    caught = []

    def run():
        try:
            work()
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    return caught[0] if caught else None


def broken(tiny):
    return mx.io.PrefetchingIter(tiny.broken(tiny.iterator(16, 4, ["kind_label"]), at=3))


def twice(tiny):
    return mx.io.PrefetchingIter(broken(tiny))


def resized(tiny):
    return mx.io.ResizeIter(broken(tiny), 9)


@pytest.mark.parametrize("make", [broken, twice, resized])
def test_training_on_a_dead_thread_is_an_error(tiny, make):
    data = make(tiny)
    for _ in range(2):  # and so it stays
        error = in_time(lambda: df.fit(tiny.kind(), data, heads=tiny.kind_route(), epochs=1))
        assert isinstance(error, DataError)
        assert "give the inner iterator itself" in str(error)


def test_scoring_on_a_dead_thread_is_an_error(tiny):
    network = df.Network(symbol=tiny.kind(), routes=tiny.kind_route())
    df.fit(network, tiny.iterator(8, 4, ["kind_label"]), epochs=1)
    error = in_time(lambda: df.score(network, broken(tiny)))
    assert isinstance(error, DataError)


def test_sound_iterators_are_read_as_before(tiny):
    for data in (
        mx.io.PrefetchingIter(mx.io.PrefetchingIter(tiny.iterator(10, 4))),
        mx.io.PrefetchingIter(
            [tiny.iterator(10, 4), tiny.iterator(10, 4)],
            rename_data=[{"data": "a"}, {"data": "b"}],
            rename_label=[{n: n + s for n in ("kind_label", "size_label")} for s in "ab"],
        ),
    ):
        threads = guard_prefetching_iter(data)
        assert len(threads) == 2
        assert guard_prefetching_iter(data) == threads
        for _ in range(2):
            data.reset()
            assert [batch.pad for batch in data] == [0, 0, 2]
