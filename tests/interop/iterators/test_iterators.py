"""Every iterator of MXNet: training loses no sample, scoring gives each exactly once."""

from collections import Counter

import numpy as np
import pytest

from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.foreign_source import ForeignSource

STREAMS = [
    "ImageRecordIter",
    "ImageRecordIter has_index=False",
    "ImageRecordIter ctx=cpu",
    "ImageRecordUInt8Iter",
    "ImageRecordInt8Iter",
    "ImageRecordIter_v1",
    "ImageRecordUInt8Iter_v1",
    "ImageDetRecordIter",
    "CSVIter",
    "LibSVMIter",
    "NDArrayIter handling=roll_over",
    "ImageIter handling=roll_over",
    "ImageIter handling=roll_over has_index=False",
]
SHUFFLED_STREAMS = [
    "ImageRecordIter shuffle=True",
    "ImageRecordIter shuffle=True has_index=False",
    "ImageRecordUInt8Iter shuffle=True",
    "ImageRecordIter_v1 shuffle=True",
    "ImageDetRecordIter shuffle=True",
    "NDArrayIter handling=roll_over shuffle=True",
    "ImageIter handling=roll_over shuffle=True",
]
REWOUND = [
    "ImageRecordIter round_batch=False",
    "ImageRecordIter round_batch=False ctx=cpu",
    "ImageRecordIter round_batch=False has_index=False shuffle=True",
    "ImageRecordIter round_batch=False shuffle=True",
    "ImageRecordUInt8Iter round_batch=False",
    "ImageRecordInt8Iter round_batch=False",
    "ImageRecordIter_v1 round_batch=False",
    "ImageDetRecordIter round_batch=False",
    "ImageDetRecordIter round_batch=False shuffle=True",
    "CSVIter round_batch=False",
    "NDArrayIter",
    "NDArrayIter shuffle=True",
    "ImageIter",
    "ImageIter has_index=False",
    "ImageIter shuffle=True",
    "ImageDetIter",
]
DROPPED = [
    "MNISTIter",
    "MNISTIter shuffle=False",
    "NDArrayIter handling=discard",
    "NDArrayIter handling=discard shuffle=True",
    "ImageIter handling=discard",
    "ImageIter handling=discard has_index=False",
]
SIZE = 4


def with_counts(cases, *counts):
    """Each case with epochs that are divisible by the batch size or not.

    By default they are shorter than, as long as and longer than the 4 batches in the buffer, and
    longer than the 16 that the thread in C++ reads ahead. Python's iterators, which decode a
    picture in 2 ms, have no thread.
    """
    counts = counts or (10, 14, 16, 90)
    return pytest.mark.parametrize(
        ("case", "count"),
        [
            (case, 22 if count == 90 and case.startswith(("ImageIter", "ImageDetIter")) else count)
            for case in cases
            for count in counts
        ],
    )


@with_counts(STREAMS)
def test_training_on_a_stream_takes_one_sample_after_the_other(makers, case, count):
    source = source_of(makers.make(case, count, SIZE))
    total = [source.total(epochs) for epochs in range(1, 5)]
    epochs = [[makers.read([pair]) for pair in source.train_epoch()] for _ in range(4)]
    stream = [number for epoch in epochs for numbers in epoch for number in numbers]
    assert stream == [number % count for number in range(len(stream))]
    lengths = [len(epoch) for epoch in epochs]
    sums = [sum(lengths[: done + 1]) for done in range(4)]
    assert total in (sums, [None] * 4)
    assert [source.total(done + 1) for done in range(4)] == sums
    assert source.samples == count
    if case.split()[0] not in ("CSVIter", "LibSVMIter"):
        assert total == sums


@pytest.mark.parametrize("case", STREAMS + REWOUND)
def test_fewer_samples_than_a_batch_has_rows(makers, case):
    source = source_of(makers.make(case, 3, SIZE))
    total = source.total(4)
    epochs = [[makers.read([pair]) for pair in source.train_epoch()] for _ in range(4)]
    stream = [number for epoch in epochs for batch in epoch for number in batch]
    assert all(epochs)
    if "shuffle" not in case:
        assert stream == [number % 3 for number in range(len(stream))]
    assert total in (None, sum(map(len, epochs)))
    for _ in range(4):
        assert sorted(makers.read(source.score_pass())) == [0, 1, 2]


def test_unfilled_rows_are_refused(makers):
    for make in (makers.images, makers.arrays):
        with pytest.raises(DataError, match="or leaves rows unfilled"):
            source_of(make(2, SIZE, "roll_over"))


@with_counts(SHUFFLED_STREAMS, 10, 12, 90)
def test_training_on_a_shuffled_stream_loses_no_sample(makers, case, count):
    source = source_of(makers.make(case, count, SIZE))
    total = source.total(4)
    batches = [makers.read([pair]) for _ in range(4) for pair in source.train_epoch()]
    stream = [number for batch in batches for number in batch]
    assert total == len(batches)
    for start in range(0, len(stream) - count + 1, count):
        assert sorted(stream[start : start + count]) == list(range(count))


@with_counts(REWOUND)
def test_training_on_a_rewound_iterator_takes_each_sample_once_an_epoch(makers, case, count):
    source = source_of(makers.make(case, count, SIZE))
    assert source.length() in (-(-count // SIZE), None)
    for _ in range(3):
        assert sorted(makers.read(source.train_epoch())) == list(range(count))
    assert source.describe_epoch(count) is None


@with_counts(DROPPED)
def test_training_tells_what_is_dropped(makers, case, count):
    source = source_of(makers.make(case, count, SIZE))
    for _ in range(2):
        epoch = makers.read(source.train_epoch())
        assert len(set(epoch)) == len(epoch) == count // SIZE * SIZE == source.length() * SIZE
    if count % SIZE:
        assert f"left out {count % SIZE}" in source.describe_epoch(len(epoch))


@with_counts(STREAMS + REWOUND, 10, 16, 90)
def test_each_scoring_pass_gives_every_sample_once(makers, case, count):
    source = source_of(makers.make(case, count, SIZE))
    source.check_passes(3)
    for _ in range(3):
        assert sorted(makers.read(source.score_pass())) == list(range(count))


@pytest.mark.parametrize("case", STREAMS + REWOUND)
def test_scoring_is_exact_wherever_the_iterator_stands(makers, case):
    for peeks, is_reset in ((1, False), (1, True), (9, True), (0, True)):
        iterator = makers.make(case, 14, SIZE)
        for _, _ in zip(range(peeks), iterator):
            pass
        if is_reset:
            iterator.reset()
        for _ in range(2):  # a new source each, as with df.score
            assert sorted(makers.read(source_of(iterator).score_pass())) == list(range(14)), peeks
        source = source_of(iterator)
        for _ in range(2):
            makers.read(source.train_epoch())
            assert sorted(makers.read(source.score_pass())) == list(range(14)), peeks


@pytest.mark.parametrize("case", SHUFFLED_STREAMS)
def test_a_shuffled_stream_is_scored_or_refused(makers, case):
    for count in (12, 16):
        source = source_of(makers.make(case, count, SIZE))
        source.check_passes(4)
        for _ in range(3):
            assert sorted(makers.read(source.score_pass())) == list(range(count))
    source = source_of(makers.make(case, 14, SIZE))
    assert sorted(makers.read(source.score_pass())) == list(range(14))
    if hasattr(source.iterator, "hard_reset"):
        for _ in range(3):
            assert sorted(makers.read(source.score_pass())) == list(range(14))
        return
    with pytest.raises(DataError, match="shuffle=False for data to be scored"):
        source.check_passes(2)
    with pytest.raises(DataError, match="begins a pass in the middle of a batch"):
        list(source.score_pass())


@pytest.mark.parametrize("case", DROPPED)
def test_dropped_samples_are_refused_in_scoring(makers, case):
    source = source_of(makers.make(case, 12, SIZE))
    for _ in range(3):
        assert sorted(makers.read(source.score_pass())) == list(range(12))
    with pytest.raises(DataError, match="leaves out 2 at the end") as raised:
        list(source_of(makers.make(case, 14, SIZE)).score_pass())
    assert "batch_size" in raised.value.fix or "last_batch_handle='pad'" in raised.value.fix


def test_a_picture_without_a_box_is_missed(makers):
    iterator = makers.boxes(10, SIZE)
    iterator.auglist = [lambda data, label: (data, np.where(label == 3, -1, label))]
    source = source_of(iterator)
    assert Counter(makers.read(source.train_epoch())) == Counter(set(range(10)) - {3})
    assert "left out 1" in source.describe_epoch(9)
    with pytest.raises(DataError, match="9 of 10 samples came"):
        list(source.score_pass())
    carried = source_of(makers.boxes(10, SIZE, "roll_over"))
    assert set(makers.read(carried.train_epoch())) == set(range(8))
    with pytest.raises(DataError, match="without a valid box"):
        list(carried.score_pass())


@pytest.mark.parametrize(
    "case",
    [
        "ImageRecordIter",
        "ImageRecordIter has_index=False",
        "ImageRecordIter round_batch=False",
        "ImageRecordIter round_batch=False has_index=False",
        "ImageRecordIter_v1",
        "ImageDetRecordIter",
    ],
)
def test_parts_of_a_record_file(makers, case):
    for parts in (2, 3, 4):
        seen = []
        for part in range(parts):
            settings = f"num_parts={parts} part_index={part}"
            source = source_of(makers.make(f"{case} {settings}", 21, SIZE))
            first, second = (sorted(makers.read(source.score_pass())) for _ in range(2))
            assert first == second
            assert len(first) == source.samples
            seen += first
        assert sorted(seen) == list(range(21))


@pytest.fixture
def two_files(makers, tmp_path):
    """A case whose records cannot be counted: MXNet takes several files, joined by ';'."""

    def make(**settings):
        return makers.image_record("ImageRecordIter", 14, SIZE, has_index=False, **settings)

    paths = [makers.records(count)[1] for count in (14, 14)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(makers), "records", lambda *_: (None, ";".join(paths)))
        yield make


def test_records_that_cannot_be_counted(makers, two_files):
    numbers = sorted([*range(14), *range(14)])
    source = source_of(two_files())
    assert source.samples is None
    for _ in range(3):
        assert sorted(makers.read(source.score_pass())) == numbers
    assert source.samples == 28
    peeked = two_files()
    next(peeked)
    assert sorted(makers.read(source_of(peeked).score_pass())) == numbers
    torn = two_files()
    torn.reset()
    with pytest.raises(DataError, match="make the iterator anew"):
        list(source_of(torn).score_pass())
    with pytest.raises(DataError, match="leave out round_batch=False"):
        source_of(two_files(round_batch=False))


def test_a_users_own_iterator_is_read_from_where_it_stands(makers):
    class Own:
        def __init__(self):
            self.inner, self.resets = makers.arrays(5, 2), 0

        def reset(self):
            self.resets += 1
            self.inner.reset()

        def __iter__(self):
            return self.inner

    own = Own()
    source = source_of(own)
    assert type(source) is ForeignSource
    assert [batch.rows - batch.real for batch in source.train_epoch()] == [0, 0, 1]
    assert own.resets == 0
    assert makers.read(source.train_epoch()) == [0, 1, 2, 3, 4]
    assert own.resets == 1
    # It stands at its end.
    assert makers.read(source_of(own).train_epoch()) == [0, 1, 2, 3, 4]
    assert makers.read(source_of(own).score_pass()) == [0, 1, 2, 3, 4]
    assert source.samples is source.length() is source.total(2) is source.describe_epoch(3) is None
