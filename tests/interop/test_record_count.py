"""Samples are counted by the headers of their files."""

import struct

import pytest

from densefit.backend import mx
from densefit.errors import DataError
from densefit.interop.observed import observation
from densefit.interop.record_count import count_index, count_mnist, count_records
from densefit.train.sources import source_of


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
    path = str(tmp_path / "some.idx")
    for count in (3, 5):
        with open(path, "w") as file:
            file.write("".join(f"{number}\t0\n" for number in range(count)) + "\n")
        assert count_index(path) == count
    assert count_index(str(tmp_path / "none.idx")) is None
    assert count_records(str(tmp_path)) is None
    assert count_mnist(str(tmp_path / "none")) is None


def test_parts_of_mnist(makers):
    for count in (10, 11):
        for parts in (2, 3):
            for part in range(parts):
                iterator = makers.mnist(count, 1, num_parts=parts, part_index=part)
                given = len(list(iterator))
                assert source_of(iterator).samples == given == observation(iterator).batches
