"""A disk that is full names the file, and what it has left of one is passed over."""

import errno
import json
import logging

import pytest

from densefit.callbacks import Control, CSVLog, JSONLines, TensorBoard, TrainState
from densefit.callbacks.csv_log import read_rows
from densefit.callbacks.jsonl import read_lines
from densefit.checkpoint.storage.atomic import replace_file
from densefit.errors import DataError, writing

FULL = "/dev/full"  # a file to which nothing can be written


def state(update=0):
    return TrainState(None, update=update, train=lambda: {"a/loss": 0.5})


def test_the_file_is_named_once():
    with (
        pytest.raises(OSError, match=r"No space left on device: 'some.csv'") as caught,
        writing("some.csv"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "some.csv")
    with pytest.raises(FileNotFoundError, match="'other'"), writing("some.csv"):
        open("other").close()


def test_lines(tmp_path):
    log = JSONLines(tmp_path / "scalars.jsonl", every=1)
    log.fit_started(state(), Control())
    log._stream.close()
    log._stream = open(FULL, "a", encoding="utf-8")
    with pytest.raises(OSError, match=r"No space left(.*)scalars\.jsonl"):
        log.update_ended(state(1), Control())
    with pytest.raises(OSError, match=r"No space left(.*)scalars\.jsonl"):
        log.fit_ended(state(1), None)  # what is in the buffer is tried again


def refuse(monkeypatch, module):
    inner = open

    def full(path, mode="r", *rest, **settings):
        return inner(FULL if "w" in mode else path, mode, *rest, **settings)

    monkeypatch.setattr(f"{module}.open", full, raising=False)


def test_a_table(tmp_path, monkeypatch):
    refuse(monkeypatch, "densefit.callbacks.csv_log")
    with pytest.raises(OSError, match=r"No space left(.*)table\.csv"):
        CSVLog(tmp_path / "table.csv").fit_started(state(), Control())


def test_events(tmp_path, monkeypatch):
    board = TensorBoard(tmp_path)
    board.fit_started(state(), Control())

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(board._writer, "flush", full)
    with pytest.raises(OSError, match=f"No space left(.*){tmp_path.name}"):
        board.validated(state(1), Control()) or board.epoch_ended(state(1), Control())


def test_files_that_are_replaced(tmp_path, monkeypatch):
    refuse(monkeypatch, "densefit.checkpoint.storage.atomic")
    with pytest.raises(OSError, match=r"No space left(.*)environment\.json"):
        replace_file(tmp_path / "environment.json", [b"{}"])


LINE = {"kind": "update", "update": 1, "epoch": 0, "seconds": 1.0, "lr": 0.1}


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfe\x00\x80", b"\xff\xfe\n", b"\0" * 600, b"\0" * 9 + b"\n", b'{"kind": "\xff"}\n\xff'],
)
def test_what_a_dead_machine_leaves_at_the_end_is_passed_over(tmp_path, caplog, garbage):
    path = tmp_path / "scalars.jsonl"
    path.write_bytes(f"{json.dumps(LINE)}\n".encode() + garbage)
    with caplog.at_level(logging.WARNING, "densefit"):
        assert read_lines(path) == [LINE]
    assert f"{path}: what is behind line 1" in caplog.text
    log = JSONLines(path, every=1)
    log.fit_started(state(1), Control())  # a resume
    log.update_ended(state(2), Control())
    log.fit_ended(state(2), None)
    assert [line["update"] for line in read_lines(path)] == [1, 2]


def test_what_is_not_text_before_the_end_is_an_error(tmp_path):
    path = tmp_path / "scalars.jsonl"
    path.write_bytes(b"\xff\n" + json.dumps(LINE).encode() + b"\n")
    with pytest.raises(DataError, match=r"line 1") as caught:
        read_lines(path)
    assert str(path) in str(caught.value)
    table = tmp_path / "table.csv"
    table.write_bytes(b"epoch,update,seconds,lr\n0,1,1.0,\xff\xfe\n0,\xff,1,1\n")
    with pytest.raises(DataError, match=r"table\.csv, line 3"):
        read_rows(table)
