import json
import multiprocessing
import os

import pytest

from densefit.data.io.header_file import ImageHeader
from densefit.tools.data_check import file_cache, image_files
from densefit.tools.data_check.file_cache import FileCache, FileState
from densefit.tools.data_check.image_files import ImageFiles
from tests.tools.data_check.listed import Listed

FILE = ".densefit/images.json"
HEADER, STATE = ImageHeader("PNG", (20, 30)), FileState(10, 123456789)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir(exist_ok=True)
    return tmp_path / "home"


def test_facts_come_back_in_the_state_in_which_they_were_read(tmp_path):
    folder, elsewhere = tmp_path / "data", str(tmp_path / "elsewhere" / "b.png")
    cache = FileCache(folder)
    cache.put(str(folder / "a.png"), STATE, header=HEADER)
    cache.put(str(folder / "a.png"), STATE, digest="00ff")
    cache.put(elsewhere, STATE, digest="11")
    cache.save()
    again = FileCache(folder)
    assert again.get(str(folder / "a.png"), STATE) == (STATE, HEADER, "00ff")
    assert again.get(elsewhere, STATE) == (STATE, None, "11")
    for other in (FileState(11, STATE.mtime_ns), FileState(10, STATE.mtime_ns + 1)):
        assert again.get(str(folder / "a.png"), other) == (other, None, None)
    assert "a.png" in json.loads((folder / FILE).read_text())["files"]


def test_a_moved_folder_keeps_its_facts(tmp_path):
    cache = FileCache(tmp_path / "data")
    cache.put(str(tmp_path / "data" / "a.png"), STATE, header=HEADER)
    cache.save()
    os.rename(tmp_path / "data", tmp_path / "moved")
    assert FileCache(tmp_path / "moved").get(str(tmp_path / "moved" / "a.png"), STATE).header


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"version": 99, "files": {}}', b'{"version": 1, "files": {"a": [1]}}']
    + [b'{"version": 1, "files": {"a": [10, 123456789, null, 1, "x", 2, 3]}}', b"\xff\xfe"],
)
def test_a_broken_cache_is_replaced(tmp_path, content):
    path = tmp_path / "data" / FILE
    path.parent.mkdir()
    path.write_bytes(content)
    cache = FileCache(tmp_path / "data")
    assert cache.get(str(tmp_path / "data" / "a"), STATE).header is None
    cache.put(str(tmp_path / "data" / "a"), STATE, header=HEADER)
    cache.save()
    assert FileCache(tmp_path / "data").get(str(tmp_path / "data" / "a"), STATE).header == HEADER


def test_a_folder_that_cannot_be_written(tmp_path, home, monkeypatch, caplog):
    write = file_cache.replace_file

    def refuse(path, pieces):
        if path.parent == tmp_path / "data" / ".densefit":
            raise PermissionError(13, "Permission denied", str(path))
        write(path, pieces)

    monkeypatch.setattr(file_cache, "replace_file", refuse)
    cache = FileCache(tmp_path / "data")
    cache.put(str(tmp_path / "data" / "a.png"), STATE, header=HEADER)
    cache.save()
    assert not (tmp_path / "data" / FILE).exists()
    assert len(list((home / "densefit").glob("*images.json"))) == 1
    assert FileCache(tmp_path / "data").get(str(tmp_path / "data" / "a.png"), STATE).header
    assert not caplog.records

    def refuse_all(path, pieces):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(file_cache, "replace_file", refuse_all)
    cache.put("b.png", STATE, header=HEADER)
    cache.save()
    assert "not cached" in caplog.text


def test_names_of_any_bytes(tmp_path):
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.png")
    cache = FileCache(tmp_path / "data")
    cache.put(name, STATE, header=HEADER)
    cache.save()
    assert FileCache(tmp_path / "data").get(name, STATE).header == HEADER


def _write(folder, number):
    cache = FileCache(folder)
    for index in range(20):
        cache.put(f"{number}-{index}.png", STATE, header=HEADER)
        cache.save()


def test_two_starts_at_once_leave_a_whole_file(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_write, args=(tmp_path / "data", number)) for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    files = json.loads((tmp_path / "data" / FILE).read_text())["files"]
    assert any(all(f"{number}-{i}.png" in files for i in range(20)) for number in range(2))
    assert sorted(os.listdir(tmp_path / "data" / ".densefit")) == ["images.json"]


def test_headers_are_read_once_and_again_where_a_file_has_changed(root, monkeypatch):
    cache, files = FileCache(root), ImageFiles.of(Listed(root))
    missing = files.missing_headers(cache)
    assert missing == list(range(6))
    files.read_headers(missing, cache)
    cache.save()
    os.utime(root / "train2.png", ns=(0, 5))
    read = []
    monkeypatch.setattr(image_files, "read_header", lambda path: read.append(path.name) or HEADER)
    cache, files = FileCache(root), ImageFiles.of(Listed(root))
    missing = files.missing_headers(cache)
    assert missing == [2]
    files.read_headers(missing, cache)
    assert read == ["train2.png"]
    assert files.headers[0].size == (60, 80)


def test_caches_can_be_off_or_elsewhere(tmp_path, monkeypatch):
    for value in ("off", str(tmp_path / "caches")):
        monkeypatch.setenv("DENSEFIT_CACHE", value)
        cache = FileCache(tmp_path / "data")
        cache.put(str(tmp_path / "data" / "a.png"), STATE, header=HEADER)
        cache.save()
        again = FileCache(tmp_path / "data").get(str(tmp_path / "data" / "a.png"), STATE)
        assert (again.header == HEADER) == (value != "off")
    assert list((tmp_path / "data").iterdir()) == []
