import json
import subprocess
import sys
from itertools import chain, repeat
from unittest.mock import DEFAULT, Mock

import fsspec
import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.datasets import Shapes, Shards
from densefit.datasets.shards import remote_folder, retries
from densefit.datasets.shards.remote_folder import RemoteFolder
from densefit.datasets.shards.shard_cache import ShardCache
from densefit.datasets.shards.shard_list import Shard, ShardFile
from densefit.errors import ConfigError, DataError
from densefit.tools.formats.packed_shards import pack_shards

SHAPES = Shapes(length=24, size=(40, 48))


@pytest.fixture
def remote(tmp_path, monkeypatch):
    """Address of shards in fsspec's file system in memory."""
    monkeypatch.setattr(retries, "PAUSES", (0.0, 0.0))
    pack_shards(SHAPES, tmp_path / "packed/train.rec", 12_000)
    system = fsspec.filesystem("memory")
    for path in (tmp_path / "packed").iterdir():
        system.pipe_file(f"/bucket/data/{path.name}", path.read_bytes())
    yield "memory://bucket/data"
    system.rm("/bucket", recursive=True)


def test_samples_come_through_the_cache(remote, tmp_path):
    data = Shards(remote, cache=tmp_path / "cache")
    ids = sorted(data[index].id for index in range(24))
    assert ids == sorted(map(SHAPES.id_of, range(24)))
    copies = list((tmp_path / "cache").rglob("*.rec"))
    assert len(copies) == len(data._list.shards)
    fsspec.filesystem("memory").rm("/bucket/data/train-00000.rec")
    assert Shards(remote, cache=tmp_path / "cache")[0].id == data[0].id


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_loader_reads_addresses(remote, tmp_path, kind):
    # Processes of a memory file system see nothing of it: their files come from the cache, where
    # the order of the loader has put them.
    data = Shards(remote, cache=tmp_path / "cache", buffer=8)
    settings = {"batch_size": 5, "shuffle": True, "workers": 2, "worker_kind": kind}
    with Loader(data, **settings) as loader:
        ids = [batch.ids for batch in loader]
        loader.set_epoch(0, skip=2)
        assert [batch.ids for batch in loader] == ids[2:]
    assert sorted(sum(ids, [])) == sorted(map(SHAPES.id_of, range(24)))
    with Loader(Shards(str(tmp_path / "packed"), buffer=8), batch_size=5, shuffle=True) as local:
        assert [batch.ids for batch in local] == ids


def test_the_next_shard_is_copied_while_one_is_read(remote, tmp_path):
    data = Shards(remote, cache=tmp_path / "cache", buffer=0)
    visits = iter(data.order(False, 1).indices(0, 0))
    next(visits)
    data._ahead.wait()
    copies = sorted(path.name for path in (tmp_path / "cache").rglob("*.rec"))
    assert copies[:2] == ["train-00000.rec", "train-00001.rec"]


def test_a_truncated_shard_is_told(remote, tmp_path):
    system = fsspec.filesystem("memory")
    whole = system.cat_file("/bucket/data/train-00000.rec")
    system.pipe_file("/bucket/data/train-00000.rec", whole[:-8])
    with pytest.raises(DataError, match=r"not downloaded whole[\s\S]*memory://bucket/data/train-0"):
        Shards(remote, cache=tmp_path / "cache")[0]
    assert not list((tmp_path / "cache").rglob("*.rec*"))
    changed = bytearray(whole)
    changed[100] ^= 1
    system.pipe_file("/bucket/data/train-00000.rec", bytes(changed))
    with pytest.raises(DataError, match=r"not downloaded whole[\s\S]*crc32"):
        Shards(remote, cache=tmp_path / "cache")[0]


def test_a_vanished_shard_is_told_and_can_be_skipped(remote, tmp_path):
    fsspec.filesystem("memory").rm("/bucket/data/train-00001.rec")
    data = Shards(remote, cache=tmp_path / "cache", buffer=4)
    first, second = data._list.shards[:2]
    with pytest.raises(DataError, match=r"not there any more[\s\S]*train-00001\.rec"):
        data[first.samples]
    for workers in (0, 2):
        settings = {"batch_size": 4, "shuffle": True, "workers": workers}
        with Loader(data, on_error="skip", skip_limit=0.9, **settings) as loader:
            assert sum(batch.real for batch in loader) == 24 - second.samples
        with Loader(data, **settings) as loader, pytest.raises(DataError, match="not there any"):
            list(loader)


def test_shards_that_are_packed_again_are_copied_again(remote, tmp_path):
    before = Shards(remote, cache=tmp_path / "cache")
    image = before[0].image
    other = Shapes(length=24, size=(40, 48), seed=5)
    pack_shards(other, tmp_path / "other/train.rec", 12_000)
    for path in (tmp_path / "other").iterdir():
        fsspec.filesystem("memory").pipe_file(f"/bucket/data/{path.name}", path.read_bytes())
    assert not np.array_equal(Shards(remote, cache=tmp_path / "cache")[0].image, image)


def test_a_cache_too_small_for_the_buffer_is_told_at_the_start(remote, tmp_path):
    data = Shards(remote, cache=tmp_path / "cache", cache_size=30_000)
    with pytest.raises(ConfigError, match=r"cannot hold the shards[\s\S]*cache_size of"):
        Loader(data, batch_size=4, shuffle=True)
    assert (
        len(Shards(remote, cache=tmp_path / "c", cache_size="1MB", buffer=2).order(True, 4)) == 24
    )


def test_addresses_that_cannot_be_used(tmp_path):
    with pytest.raises(DataError, match="no shards of the split"):
        Shards("memory://nowhere", cache=tmp_path)
    with pytest.raises(ConfigError, match="nonsense"):
        Shards("nonsense://bucket", cache=tmp_path)


WITHOUT = """
import sys
sys.modules["fsspec"] = sys.modules["fsspec.core"] = None
from densefit.datasets import Shards
try:
    Shards("s3://bucket/data")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_fsspec_the_extra_is_named():
    run = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "ConfigError" in run.stdout
    assert "densefit[remote]" in run.stdout


def test_the_list_decides_what_is_downloaded(remote, tmp_path):
    system = fsspec.filesystem("memory")
    content = json.loads(system.cat_file("/bucket/data/train.shards.json"))
    del content["crc32"]
    content["shards"][0]["files"]["../../x.rec"] = [1, 1]
    system.pipe_file("/bucket/data/train.shards.json", json.dumps(content).encode())
    with pytest.raises(DataError, match="names of files"):
        Shards(remote, cache=tmp_path / "cache")


def test_ids_are_read_without_the_records(remote, tmp_path):
    data = Shards(remote, cache=tmp_path / "cache")
    assert sorted(map(data.id_of, range(24))) == sorted(map(SHAPES.id_of, range(24)))
    assert not (tmp_path / "cache").exists()
    system = fsspec.filesystem("memory")
    text = system.cat_file("/bucket/data/train-00001.json")
    system.pipe_file("/bucket/data/train-00000.json", text)
    system.rm("/bucket/data/train-00001.json")
    with pytest.raises(DataError, match=r"train-00001\.json"):
        data.id_of(data._list.shards[0].samples)


def test_shards_that_are_read_by_number_are_copied_ahead(remote, tmp_path):
    data = Shards(remote, cache=tmp_path / "cache", buffer=0)
    first, second = data._list.shards[:2]
    data[0], data[first.samples]
    data._ahead.wait()
    assert len(list((tmp_path / "cache").rglob("train-00002.rec"))) == 1


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_the_smallest_cache_that_is_accepted_is_enough(tmp_path, kind, monkeypatch):
    data = Shapes(length=50, size=(32, 32))
    pack_shards(data, tmp_path / "packed/train.rec", 6_000)
    downloads = []
    whole = remote_folder._whole
    monkeypatch.setattr(
        remote_folder, "_whole", lambda *parts: downloads.append(parts[1].name) or whole(*parts)
    )
    address = f"file://{tmp_path}/packed"
    with pytest.raises(ConfigError) as refused:
        Shards(address, cache=tmp_path / "c", cache_size=1, buffer=12).order(True, 1)
    needed = int(str(refused.value.expected).split()[2])
    total = sum(path.stat().st_size for path in (tmp_path / "packed").iterdir())
    assert needed < total / 2
    shards = Shards(address, cache=tmp_path / "c", cache_size=needed, buffer=12)
    settings = {"batch_size": 6, "shuffle": True, "workers": 2, "worker_kind": kind}
    with Loader(shards, **settings) as loader:
        ids = [key for batch in loader for key in batch.ids]
        assert sorted(ids) == sorted(map(data.id_of, range(50)))
    assert len(downloads) < 1.8 * 3 * len(shards._list.shards)
    copies = sum(path.stat().st_size for path in (tmp_path / "c").rglob("*.*"))
    assert copies <= needed


def test_a_storage_that_fails_now_and_then(remote, tmp_path, monkeypatch, caplog):
    system = type(fsspec.filesystem("memory"))
    for name in ("cat_file", "info", "ls"):
        answers = chain([TimeoutError("slow")], repeat(DEFAULT))
        whole = getattr(fsspec.filesystem("memory"), name)
        monkeypatch.setattr(system, name, Mock(side_effect=answers, wraps=whole))
    data = Shards(remote, cache=tmp_path / "cache")
    assert "train.shards.json could not be read (try 1 of 3)" in caplog.text
    assert (data._location.state("train-00000.rec")[0], len(data._location.files())) > (0, 3)
    assert caplog.text.count("TimeoutError: slow") == 3


def test_a_copy_that_was_damaged_is_made_again(remote, tmp_path, caplog):
    first = Shards(remote, cache=tmp_path / "cache")[0]
    copy = next((tmp_path / "cache").rglob("train-00000.rec"))
    content = bytearray(copy.read_bytes())
    content[60] ^= 1
    copy.write_bytes(content)
    data = Shards(remote, cache=tmp_path / "cache")
    np.testing.assert_array_equal(data[0].image, first.image)
    assert "is damaged, and is copied again" in caplog.text
    assert copy.read_bytes() != content


def test_a_tar_file_that_was_replaced_since_it_was_listed(remote, tmp_path, monkeypatch):
    folder = Shards(remote, cache=tmp_path / "cache")._location
    state = [(3, "tag a"), (3, "tag a"), (3, "tag a"), (3, "tag b"), (3, "tag b"), (3, "tag b")]
    monkeypatch.setattr(RemoteFolder, "state", lambda self, name: state.pop(0))
    fsspec.filesystem("memory").pipe_file("/bucket/data/x.tar", b"abc")
    shard = Shard("x", 1, "1", (ShardFile("x.tar", 3, version="tag a"),))
    folder.open(shard).release()
    folder.cache = ShardCache(tmp_path / "other", 100)
    monkeypatch.setattr(retries, "PAUSES", ())
    with pytest.raises(DataError, match=r"replaced since[\s\S]*x\.tar"):
        folder.open(shard)  # during the download
    folder.cache = ShardCache(tmp_path / "other", 100)
    with pytest.raises(DataError, match=r"replaced since[\s\S]*x\.tar"):
        folder.open(shard)  # before
