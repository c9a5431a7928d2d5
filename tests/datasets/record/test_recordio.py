import os

import numpy as np
import pytest

from densefit.datasets.record.recordio import RecordFile, frame, split_header, with_header
from densefit.errors import DataError

MAGIC = (0xCED7230A).to_bytes(4, "little")
# Lengths that need padding, one above what is read ahead, and the magic number in every place.
CONTENT = [b"", b"a", b"abcd" * 3, bytes(range(256)) * 700, MAGIC, MAGIC * 3, b"x" + MAGIC + b"y"]
CONTENT += [b"abcd" + MAGIC + b"e", b"abcd" + MAGIC * 2 + b"efgh" + MAGIC, b"ab" + MAGIC + b"cd"]


def test_mxnet_reads_what_we_write(mx, tmp_path):
    (tmp_path / "a.rec").write_bytes(b"".join(frame(one) for one in CONTENT[1:]))
    reader = mx.recordio.MXRecordIO(str(tmp_path / "a.rec"), "r")
    assert [reader.read() for _ in CONTENT[1:]] == CONTENT[1:]


def test_we_write_what_mxnet_writes(mx, tmp_path):
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "a.idx"), str(tmp_path / "a.rec"), "w")
    for key, one in enumerate(CONTENT):
        writer.write_idx(key, one)
    writer.close()
    assert (tmp_path / "a.rec").read_bytes() == b"".join(frame(one) for one in CONTENT)
    file = RecordFile(tmp_path / "a.rec")
    assert [file.read(i) for i in range(len(file))] == CONTENT


def test_we_read_what_we_write(tmp_path):
    framed = [frame(one) for one in CONTENT]
    offsets = np.cumsum([0, *map(len, framed)])
    lines = [f"{key}\t{offset}\n" for key, offset in enumerate(offsets[:-1])]
    (tmp_path / "a.idx").write_text("".join(lines))
    (tmp_path / "a.rec").write_bytes(b"".join(framed))
    file = RecordFile(tmp_path / "a.rec")
    assert [file.read(i) for i in reversed(range(len(file)))] == CONTENT[::-1]
    (tmp_path / "a.idx").unlink()
    file = RecordFile(tmp_path / "a.rec")
    assert [file.read(i) for i in range(len(file))] == CONTENT


@pytest.mark.parametrize("label", [3.0, np.array([2, 5, 0.25], np.float32)])
def test_headers_are_those_of_mxnet(mx, label):
    theirs = mx.recordio.pack(mx.recordio.IRHeader(0, label, 7, 0), b"picture")
    assert with_header(label, 7, b"picture") == theirs
    labels, rest = split_header(theirs, "")
    np.testing.assert_array_equal(labels, label)
    assert bytes(rest) == b"picture"
    with pytest.raises(DataError, match="too short for its header"):
        split_header(theirs[:20], "a.rec")


def test_broken_files(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        RecordFile(tmp_path / "a.rec")
    (tmp_path / "a.rec").write_bytes(frame(b"abcdefgh")[:-4])
    with pytest.raises(DataError, match=r"cut short[\s\S]*4 of 8 bytes[\s\S]*record 0"):
        RecordFile(tmp_path / "a.rec")
    (tmp_path / "a.rec").write_bytes(frame(b"abcdefgh"))
    (tmp_path / "a.idx").write_text("0\t4\n")
    with pytest.raises(DataError, match="index is another's"):
        RecordFile(tmp_path / "a.rec").read(0)
    (tmp_path / "a.idx").write_text("0 4\n")
    with pytest.raises(DataError, match=r"a tab and an offset[\s\S]*line 1"):
        RecordFile(tmp_path / "a.rec")


@pytest.mark.parametrize(
    "index",
    [
        b"0\t\xff\n",
        "0\t\u00b2\n".encode(),
        b"0\t" + b"9" * 30,
        b"0\t99999999999999999",
        b"0\t0\n0\t0\n",
        b"\0",
        b"0\t0\n\n\n1\t0",
    ],
)
def test_a_broken_index_is_told(tmp_path, index):
    (tmp_path / "a.rec").write_bytes(frame(b"abcdefgh"))
    (tmp_path / "a.idx").write_bytes(index)
    with pytest.raises(DataError, match=r"a\.idx"):
        RecordFile(tmp_path / "a.rec")


def test_pipes_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.rec")
    with pytest.raises(DataError, match=r"no regular file[\s\S]*a\.rec"):
        RecordFile(tmp_path / "a.rec")


@pytest.mark.parametrize("labels", [3.0, np.arange(5, dtype="<f4"), np.zeros(3000, "<f4")])
@pytest.mark.parametrize("picture", [b"", b"picture" * 1000, MAGIC * 3])
def test_labels_without_the_picture(tmp_path, labels, picture):
    data = with_header(labels, 7, picture)
    (tmp_path / "a.rec").write_bytes(frame(b"first") + frame(data))
    file = RecordFile(tmp_path / "a.rec")
    np.testing.assert_array_equal(file.labels(1), labels)
    with pytest.raises(DataError, match=r"too short for its header[\s\S]*record 0"):
        file.labels(0)
