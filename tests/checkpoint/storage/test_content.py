import hashlib
import threading
import time

import numpy as np
import pytest

from densefit.checkpoint.storage import content
from densefit.errors import CheckpointError

PARTS = {"model": {"w": np.arange(6.0)}, "optimizer": {}}


def check(folder, entries):
    assert list(entries) == ["model.safetensors", "optimizer.safetensors", "state.json"]
    for file, (size, digest) in entries.items():
        data = (folder / file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (size, digest)


def test_sizes_and_sums_are_those_of_the_files(tmp_path):
    check(tmp_path, content.fill(tmp_path, content.prepare(PARTS, {"update": 1})))


def test_sums_that_take_longer_than_the_disk(tmp_path, monkeypatch):
    own = content._sum

    def slow(pieces):
        time.sleep(0.01)
        return own(pieces)

    monkeypatch.setattr(content, "_sum", slow)
    check(tmp_path, content.fill(tmp_path, content.prepare(PARTS, {"update": 1})))


def test_when_no_thread_can_be_started(tmp_path, monkeypatch):
    """As at the end of an interpreter, from Python 3.12 on."""

    def refuse(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    check(tmp_path, content.fill(tmp_path, content.prepare(PARTS, {"update": 1})))


def test_no_thread_is_left_behind_by_a_disk_that_refuses(tmp_path):
    before = threading.active_count()
    with pytest.raises(FileNotFoundError):
        content.fill(tmp_path / "nowhere", content.prepare(PARTS, {}))
    assert threading.active_count() == before


def test_where_something_cannot_be_stored():
    with pytest.raises(CheckpointError, match="part 'model'"):
        content.prepare({"model": {"w": np.array(["text"])}}, {})
    with pytest.raises(CheckpointError, match=r"state\['a'\]"):
        content.prepare({}, {"a": object()})


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "-x", "ü", "a\n", "..", "a\0"])
def test_names_are_plain(name):
    with pytest.raises(CheckpointError, match="name"):
        content.check_name(name)
    assert content.check_name("update-00000010.b") == "update-00000010.b"
