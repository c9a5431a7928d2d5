"""PrefetchingIter, ResizeIter and users' iterators around MXNet's: the same truth through them."""

import numpy as np
import pytest

from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.foreign_source import ForeignSource

SIZE = 4
STREAMS = [
    "ImageRecordIter",
    "ImageRecordIter_v1",
    "ImageDetRecordIter",
    "CSVIter",
    "LibSVMIter",
    "NDArrayIter handling=roll_over",
    "ImageIter handling=roll_over",
]
REWOUND = [
    "ImageRecordIter round_batch=False",
    "ImageDetRecordIter round_batch=False",
    "CSVIter round_batch=False",
    "NDArrayIter",
    "NDArrayIter shuffle=True",
    "ImageIter",
    "ImageDetIter",
]
DROPPED = ["MNISTIter", "NDArrayIter handling=discard", "ImageIter handling=discard"]


def counts(case, wrapper):
    """Samples of an epoch: with a last batch that is full, padded, or too far to be read ahead.

    The last are more than the thread of an iterator in C++ reads. What a wrapper does to a full
    batch, or to a long epoch, it does in another too.
    """
    many = 22 if case.startswith(("ImageIter", "ImageDetIter")) else 90
    return {"prefetched": (12, 14, many), "in a user's": (14, many)}.get(wrapper, (14,))


class Own(mx.io.DataIter):
    """A user's iterator that passes on the batches of another."""

    def __init__(self, inner):
        super().__init__(inner.batch_size)
        self.source = inner
        self.provide_data, self.provide_label = inner.provide_data, inner.provide_label

    def reset(self):
        self.source.reset()

    def next(self):
        batch = self.source.next()
        return mx.io.DataBatch(batch.data, batch.label, batch.pad)


WRAPPERS = {
    "prefetched": mx.io.PrefetchingIter,
    "prefetched twice": lambda inner: mx.io.PrefetchingIter(mx.io.PrefetchingIter(inner)),
    "in a user's": Own,
    "in a user's, prefetched": lambda inner: mx.io.PrefetchingIter(Own(inner)),
}


@pytest.fixture(params=WRAPPERS)
def wrapper(request):
    return request.param


@pytest.fixture
def wrap(wrapper):
    return WRAPPERS[wrapper]


@pytest.mark.parametrize("case", STREAMS)
def test_a_wrapped_stream(makers, wrapper, wrap, case):
    for count in counts(case, wrapper):
        source = source_of(wrap(makers.make(case, count, SIZE)))
        total = source.total(3)
        epochs = [[makers.read([pair]) for pair in source.train_epoch()] for _ in range(3)]
        stream = [number for epoch in epochs for batch in epoch for number in batch]
        assert stream == [number % count for number in range(len(stream))]
        assert total in (sum(map(len, epochs)), None)
        if case not in ("CSVIter", "LibSVMIter"):
            assert total is not None
        source = source_of(wrap(makers.make(case, count, SIZE)))
        for _ in range(3):
            assert sorted(makers.read(source.score_pass())) == list(range(count))


@pytest.mark.parametrize("case", REWOUND)
def test_a_wrapped_rewound_iterator(makers, wrapper, wrap, case):
    for count in counts(case, wrapper):
        source = source_of(wrap(makers.make(case, count, SIZE)))
        for _ in range(2):
            assert sorted(makers.read(source.train_epoch())) == list(range(count))
            assert sorted(makers.read(source.score_pass())) == list(range(count))
        assert sorted(makers.read(source_of(source.iterator).score_pass())) == list(range(count))


@pytest.mark.parametrize("case", [*STREAMS, *REWOUND])
def test_a_wrapped_iterator_may_have_been_read(makers, wrap, case):
    iterator = wrap(makers.make(case, 14, SIZE))
    iterator.next()
    iterator.reset()
    for _ in range(2):
        assert sorted(makers.read(source_of(iterator).score_pass())) == list(range(14))
    next(iterator, None)  # it may stand at its end
    source = source_of(iterator)
    assert set(makers.read(source.train_epoch())) <= set(range(14))
    assert sorted(makers.read(source.score_pass())) == list(range(14))


@pytest.mark.parametrize("case", DROPPED)
def test_a_wrapped_iterator_that_drops(makers, wrap, case):
    source = source_of(wrap(makers.make(case, 14, SIZE)))
    assert len(set(makers.read(source.train_epoch()))) == 12
    assert "left out 2" in source.describe_epoch(12)
    with pytest.raises(DataError, match="leaves out 2"):
        list(source.score_pass())


def test_an_iterator_that_was_wrapped_fresh_is_not_reset(makers, wrap):
    """A reset would lose the samples that the thread of the iterator in C++ has read."""
    for case in ("ImageRecordIter", "CSVIter", "ImageDetRecordIter"):
        for _ in range(3):
            source = source_of(wrap(makers.make(case, 10, SIZE)))
            assert makers.read(source.train_epoch())[:10] == list(range(10))


def test_the_iterator_of_the_ssd_example(makers):
    for _ in range(20):
        source = source_of(makers.ssd(10, SIZE))
        assert source.samples == 10
        for _ in range(2):
            assert sorted(makers.read(source.score_pass())) == list(range(10))
    for settings in ({}, {"round_batch": False}):
        source = source_of(makers.ssd(90, SIZE, **settings))
        stream = [n for _ in range(3) for n in makers.read(source.train_epoch())]
        steps = {(after - before) % 90 for before, after in zip(stream, stream[1:])}
        assert steps == {1}
        batch = next(source.score_pass())
        assert batch.labels["label"].shape == (SIZE, 1, 2)
    assert len(stream) == 270


@pytest.mark.parametrize("case", ["CSVIter", "ImageRecordIter", "ImageDetRecordIter"])
def test_a_reset_too_many_loses_no_sample_in_scoring(makers, case):
    """A reset of a fresh iterator rewinds or not, by how far its thread has come."""
    for number in range(21):
        iterator = makers.make(case, 10, SIZE)
        for _ in range(number % 3):
            iterator.reset()
        source = source_of(iterator)
        for _ in range(2):
            assert sorted(makers.read(source.score_pass())) == list(range(10))


def plain(inner):
    return inner


def test_a_resized_iterator_trains_on_samples_only(makers):
    for case in [*STREAMS, *REWOUND]:
        for wrap, size in ((plain, 2), (plain, 9), (mx.io.PrefetchingIter, 9)):
            resized = mx.io.ResizeIter(wrap(makers.make(case, 14, SIZE)), size)
            source = source_of(wrap(resized))
            assert source.length() == size
            assert source.total(3) == 3 * size
            for _ in range(2):
                batches = [makers.read([pair]) for pair in source.train_epoch()]
                assert len(batches) == size
                seen = [number for batch in batches for number in batch]
                assert set(seen) <= set(range(14))
                if case in REWOUND:
                    whole, rest = divmod(size, 4)
                    assert len(seen) == 14 * whole + SIZE * rest
                    assert sorted(seen[:14])[: len(seen)] == sorted(set(seen))


def test_resized_batches_without_a_reset_between_go_on(makers):
    inner = makers.make("ImageRecordIter round_batch=False", 14, SIZE)
    source = source_of(mx.io.ResizeIter(inner, 3, reset_internal=False))
    stream = [number for _ in range(4) for number in makers.read(source.train_epoch())]
    assert stream == [number % 14 for number in range(3 * 14)]


def test_a_resized_iterator_is_scored_if_its_epoch_is_a_pass(makers):
    for case, count in (("NDArrayIter", 14), ("CSVIter", 12), ("ImageRecordIter", 12)):
        source = source_of(mx.io.ResizeIter(makers.make(case, count, SIZE), -(-count // SIZE)))
        if case == "CSVIter":  # whose samples are not counted before they are read
            with pytest.raises(DataError, match="ResizeIter of 3 batches"):
                list(source.score_pass())
            continue
        for _ in range(3):
            assert sorted(makers.read(source.score_pass())) == list(range(count))
    for size, case in ((3, "NDArrayIter"), (5, "NDArrayIter"), (4, "ImageRecordIter")):
        resized = mx.io.ResizeIter(makers.make(case, 14, SIZE), size)
        with pytest.raises(DataError, match="drops or repeats") as raised:
            list(source_of(resized).score_pass())
        assert raised.value.fix == "the iterator in the ResizeIter"


def test_several_iterators_prefetched_together(makers):
    both = mx.io.PrefetchingIter(
        [makers.arrays(14, SIZE), makers.arrays(14, SIZE, data_name="more")],
        rename_label=[{"softmax_label": "a"}, {"softmax_label": "b"}],
    )
    source = source_of(both)
    for _ in range(2):
        assert makers.read(source.train_epoch()) == list(range(14))
        assert makers.read(source.score_pass()) == list(range(14))
    other = mx.io.PrefetchingIter([makers.arrays(14, SIZE), makers.arrays(16, SIZE)])
    with pytest.raises(DataError, match="different epochs"):
        source_of(other)


def test_stale_pads_of_two_prefetched_iterators_are_named(makers):
    """MXNet compares their pads, which are those of other batches (11 of 20 runs ended)."""
    two = [makers.make("ImageRecordIter", 90, SIZE) for _ in range(2)]
    names = [{"data": "a"}, {"data": "b"}]
    source = source_of(mx.io.PrefetchingIter(two, rename_data=names))
    assert len(makers.read(source.train_epoch())) == 92
    iterator = source.iterator
    for ready in iterator.data_ready:
        ready.wait()
    iterator.reset()
    for ready in iterator.data_ready:
        ready.wait()
    iterator.next_batch[1].pad = 1
    with pytest.raises(DataError, match="pads of its iterators differ") as raised:
        list(source.read())
    assert "divides 90" in raised.value.fix


def test_what_cannot_be_right_is_refused(makers):
    batches = makers.make("ImageRecordIter ctx=cpu", 14, SIZE)
    with pytest.raises(DataError, match="mixes batches up"):
        source_of(mx.io.PrefetchingIter(batches))
    twice = mx.io.ResizeIter(mx.io.ResizeIter(makers.arrays(14, SIZE), 3), 4)
    with pytest.raises(DataError, match="ResizeIter is wrapped"):
        source_of(twice)


def test_an_iterator_of_two_others_is_the_users_own(makers):
    own = Own(makers.arrays(14, SIZE))
    own.second = makers.arrays(14, SIZE)
    assert type(source_of(own)) is ForeignSource
    halved = Own(makers.arrays(14, SIZE))
    halved.provide_data = [mx.io.DataDesc("data", (2, 2))]
    assert type(source_of(halved)) is ForeignSource


def test_a_wrapper_must_pass_on_every_batch(makers):
    class Skipping(Own):
        def next(self):
            super().next()
            return super().next()

    for case in ("ImageRecordIter", "ImageRecordIter round_batch=False"):
        source = source_of(Skipping(makers.make(case, 90, SIZE)))
        with pytest.raises(DataError, match="batches were read|another number") as raised:
            list(source.score_pass())
        assert "pass on every batch" in raised.value.fix


def test_a_wrapper_that_resets_by_itself_is_the_users_own(makers):
    class Restarting(Own):
        def __iter__(self):
            self.source.reset()
            return self

    class Plain(Own):
        def __iter__(self):
            return self

    assert type(source_of(Restarting(makers.arrays(14, SIZE)))) is ForeignSource
    assert type(source_of(Plain(makers.arrays(14, SIZE)))) is not ForeignSource


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_in_a_thread_comes_out(makers):
    class Failing(Own):
        def next(self):
            batch = super().next()
            if np.any(batch.label[0].asnumpy() == 9):
                raise ValueError("broken sample")
            return batch

    for outer in (mx.io.PrefetchingIter, lambda one: Own(mx.io.PrefetchingIter(one))):
        source = source_of(outer(Failing(makers.arrays(14, SIZE))))
        for pairs in (source.train_epoch, source.score_pass):
            with pytest.raises(DataError, match="has died"):
                list(pairs())


@pytest.mark.parametrize(
    ("case", "count", "text"),
    [
        ("ImageRecordIter", 14, "ImageRecordIter fills up its last batch"),
        ("ImageRecordIter round_batch=False", 14, "ends with rows that nobody filled"),
        ("NDArrayIter handling=discard", 14, "leaves out the samples"),
        ("NDArrayIter handling=roll_over", 14, "begins an epoch with samples left"),
        ("NDArrayIter handling=discard", 16, None),
        ("NDArrayIter", 14, None),
    ],
)
@pytest.mark.parametrize("hold", ["second", "listed", "named"])
def test_what_an_iterator_of_several_states_is_believed_but_told(
    makers, case, count, text, hold, caplog
):
    inner = makers.make(case, count, SIZE)
    own = Own(inner)
    if hold == "second":
        own.second = makers.arrays(count, SIZE)
    else:
        own.source = [inner] if hold == "listed" else {"images": inner}
    assert type(source_of(own)) is ForeignSource
    assert caplog.text.count("Own holds an iterator") == (text is not None)
    assert (text or "") in caplog.text
