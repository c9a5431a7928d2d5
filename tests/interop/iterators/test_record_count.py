"""Samples are counted by the headers of their files."""

import struct

import pytest

from densefit.backend import mx
from densefit.engine.sources import source_of
from densefit.errors import DataError
from densefit.interop.iterators.observed import observation
from densefit.interop.iterators.record_count import count_indexed, count_mnist, count_records


def test_records_are_counted_whole(tmp_path):
    path = str(tmp_path / "some.rec")
    writer = mx.recordio.MXRecordIO(path, "w")
    magic = struct.pack("<I", 0xCED7230A)
    for data in (b"", b"abc", magic * 3, b"1234" + magic + b"5678" + magic, b"z" * 70000):
        writer.write(data)  # a record that holds the magic number is written in parts
    writer.close()
    assert count_records(path) == 5
    with open(path, "ab") as file:
        file.write(b"torn")
    with pytest.raises(DataError, match=r"some.rec, byte"):
        count_records(path)


def test_a_torn_record_is_named(tmp_path, makers):
    whole = makers.records(10)[1]
    path = tmp_path / "torn.rec"
    with open(whole, "rb") as file:
        path.write_bytes(file.read()[:-8])
    with pytest.raises(DataError, match="ends within a record"):
        count_records(str(path))


def test_a_count_is_made_again_when_the_file_has_changed(tmp_path):
    path = tmp_path / "some.rec"
    for count in (3, 5):
        writer = mx.recordio.MXRecordIO(str(path), "w")
        for _ in range(count):
            writer.write(b"some")
        writer.close()
        assert count_records(str(path)) == count
    assert count_records(str(tmp_path)) is None
    assert count_mnist(str(tmp_path / "none")) is None
    assert count_indexed(str(tmp_path / "none.idx"), str(path)) is None


@pytest.mark.parametrize("part", [slice(0, None, 2), slice(7), slice(5, None), slice(None)])
def test_an_index_does_not_choose_records(tmp_path, makers, part):
    """ImageRecordIter reads from the first that is listed to the end."""
    index, path = makers.records(14)
    with open(index) as file:
        lines = file.readlines()[part]
    (tmp_path / "part.idx").write_text("".join(lines))
    for settings in ({}, {"round_batch": False}, {"round_batch": False, "shuffle": True}):
        iterator = mx.io.ImageRecordIter(
            path_imgrec=path,
            path_imgidx=str(tmp_path / "part.idx"),
            data_shape=(3, 8, 8),
            batch_size=4,
            preprocess_threads=1,
            **settings,
        )
        source = source_of(iterator)
        first = part.start or 0
        assert source.samples == 14 - first
        for _ in range(2):
            assert sorted(makers.read(source.score_pass())) == list(range(first, 14))


def test_parts_of_mnist(makers):
    for count in (10, 11):
        for parts in (2, 3):
            for part in range(parts):
                iterator = makers.mnist(count, 1, num_parts=parts, part_index=part)
                given = len(list(iterator))
                assert source_of(iterator).samples == given == observation(iterator).batches
