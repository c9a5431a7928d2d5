import os
import pickle
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from densefit.data.fingerprint import fingerprint
from densefit.data.io.cache import Cached, parse_bytes
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.datasets import ImageFolder, Shapes
from densefit.errors import ConfigError


class Counted(Shapes):
    """Counts what is decoded."""

    def __init__(self, length=6, seed=0):
        super().__init__(length=length, size=(32, 32), seed=seed)
        self.read = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


class Runs(Counted):
    """Has whole masks, which are objects."""

    def __getitem__(self, index):
        sample = super().__getitem__(index)
        masks = np.empty(len(sample.targets["boxes"]), object)
        masks[:] = [{"size": [32, 32], "counts": b"\x00\xff" * 50} for _ in masks]
        return Sample(sample.id, sample.image, {**sample.targets, "instance_masks": masks})


def size_of(sample):
    return sample.image.nbytes + sum(value.nbytes for value in sample.targets.values())


@pytest.fixture(params=["memory", "disk"])
def settings(request, tmp_path):
    def made(budget):
        disk = {"folder": tmp_path / "cache", "disk": budget}
        return {"memory": budget} if request.param == "memory" else disk

    return made


def same(one, other):
    assert one.id == other.id
    np.testing.assert_array_equal(one.image, other.image)
    assert list(one.targets) == list(other.targets)
    for name, value in other.targets.items():
        np.testing.assert_array_equal(one.targets[name], value)
        assert one.targets[name].dtype == value.dtype


@pytest.mark.parametrize("kind", [Counted, Runs])
def test_each_sample_is_decoded_once_and_changes_stay_outside(settings, kind):
    dataset = kind()
    cached, plain = Cached(dataset, **settings("1MiB")), kind()
    dataset.read.clear()
    for _ in range(3):
        for i in range(len(cached)):
            sample = cached[i]
            same(sample, plain[i])
            sample.image[:] = 7
            for value in sample.targets.values():
                if value.dtype == object:
                    value[0]["size"][0] = 9
                else:
                    value[...] = 3
            sample.targets.clear()
    assert dataset.read == list(range(len(dataset)))


def test_the_budget_is_kept_and_the_rest_is_read_anew(settings):
    dataset = Counted()
    budget = int(3.5 * max(size_of(dataset[i]) for i in range(6)))
    cached = Cached(dataset, **settings(budget))
    dataset.read.clear()
    for _ in range(2):
        for i in range(6):
            same(cached[i], Counted()[i])
    assert 2 <= 12 - len(dataset.read) <= 3
    assert 0 < cached.used <= budget


def test_what_is_on_disk_is_counted(tmp_path):
    cached = Cached(Counted(), folder=tmp_path, disk="1MiB")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(cached.__getitem__, list(range(6)) * 5))
    assert cached.used == sum(path.stat().st_size for path in tmp_path.rglob("*.sample"))
    assert not list(tmp_path.rglob(".*-*"))


@pytest.mark.parametrize("kind", [Counted, Runs])
def test_what_cannot_fit_is_not_made_to_bytes(kind, settings, monkeypatch):
    dataset = kind()
    cached = Cached(dataset, **settings(int(1.5 * size_of(dataset[0]))))
    for i in range(6):
        cached[i]
    made = []
    monkeypatch.setattr("densefit.data.io.disk_cache.to_bytes", lambda *_, **__: made.append(1))
    for i in range(6):
        cached[i]
    assert made == []
    assert cached.used > 0


def test_threads_keep_the_budget():
    dataset = Counted(length=40)
    budget = 10 * size_of(dataset[0])
    cached = Cached(dataset, memory=budget)
    with ThreadPoolExecutor(8) as pool:
        for i, sample in enumerate(pool.map(cached.__getitem__, list(range(40)) * 4)):
            assert sample.id == dataset.id_of(i % 40)
    assert budget / 2 < cached.used <= budget


def test_everything_else_passes_through(settings):
    dataset = Counted()
    cached = Cached(dataset, **settings("1MiB"))
    assert cached.mask_classes == dataset.mask_classes
    assert cached.classes is dataset.classes
    assert repr(cached) == repr(dataset)
    assert fingerprint(cached) == fingerprint(cached) == fingerprint(dataset)
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        cached.nothing_of_that_name  # noqa: B018
    copy = pickle.loads(pickle.dumps(cached))
    same(copy[2], dataset[2])


def test_a_later_process_finds_them_on_disk(tmp_path):
    list(map(Cached(Counted(), folder=tmp_path, disk="1MiB").__getitem__, range(6)))
    dataset = Counted()
    cached = Cached(dataset, folder=tmp_path, disk="1MiB")
    dataset.read.clear()
    same(cached[5], Counted()[5])
    assert not dataset.read


def test_forked_processes_share_the_budget_on_disk(tmp_path):
    dataset = Counted(length=24)
    budget = 8 * size_of(dataset[0])
    cached = Cached(dataset, folder=tmp_path, disk=budget)
    children = []
    for start in (0, 12):
        child = os.fork()
        if child == 0:
            list(map(cached.__getitem__, range(start, start + 12)))
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert budget / 2 < sum(one.stat().st_size for one in tmp_path.rglob("*.sample")) <= budget


def test_a_changed_dataset_is_read_anew(tmp_path):
    root = tmp_path / "pictures"
    (root / "cat").mkdir(parents=True)
    for i in range(9):
        Image.new("RGB", (8, 8), (i, 0, 0)).save(root / f"cat/{i}.png")
    first = Cached(ImageFolder(root), folder=tmp_path / "cache", disk="1MiB")
    assert [int(first[i].image[0, 0, 0]) for i in range(9)] == list(range(9))
    Image.new("RGB", (8, 8), (99, 0, 0)).save(root / "cat/1.png")  # not one that is looked at
    os.utime(root / "cat/1.png", ns=(1, 1))
    second = Cached(ImageFolder(root), folder=tmp_path / "cache", disk="1MiB")
    assert second.used == 0
    assert int(second[1].image[0, 0, 0]) == 99
    first[0]  # the older one, whose state is gone, still reads
    assert len(list((tmp_path / "cache").rglob("*.sample"))) == 1


def test_a_damaged_file_is_read_anew_and_replaced(tmp_path):
    cached = Cached(Counted(), folder=tmp_path, disk="1MiB")
    cached[3]
    (path,) = tmp_path.rglob("3.sample")
    whole = path.read_bytes()
    assert zlib.crc32(whole[4:]).to_bytes(4, "little") == whole[:4]
    path.write_bytes(whole[:100] + b"?" + whole[101:])
    same(cached[3], Counted()[3])
    assert path.read_bytes() == whole
    assert cached.used == len(whole)


@pytest.mark.parametrize(
    "wrong", [{}, {"memory": 1, "folder": "x", "disk": 1}, {"folder": "x"}, {"disk": 1}]
)
def test_settings_that_say_nothing(wrong):
    with pytest.raises(ConfigError, match="in memory or on disk"):
        Cached(Counted(), **wrong)


@pytest.mark.parametrize("wrong", ["2 G", "much", "-1", ""])
def test_sizes_that_are_none(wrong):
    with pytest.raises(ConfigError, match="not a number of bytes"):
        parse_bytes(wrong)


class Noted:
    """Pictures that take note of being read, in a file that processes share."""

    classes = []

    def __init__(self, path):
        self.path = str(path)

    def __len__(self):
        return 6

    def id_of(self, index):
        return f"c{index}"

    def __getitem__(self, index):
        with open(self.path, "a") as file:
            file.write(f"{index}\n")
        return Sample(f"c{index}", np.full((8, 8, 3), index, np.uint8), {})


def test_worker_processes_keep_what_they_read_from_epoch_to_epoch(tmp_path):
    data = Cached(Noted(tmp_path / "read"), memory="1MiB")
    reads = []
    with Loader(data, batch_size=2, workers=1, worker_kind="processes", timeout=60) as loader:
        for _ in range(3):
            (tmp_path / "read").write_text("")
            assert [key for batch in loader for key in batch.ids] == [f"c{k}" for k in range(6)]
            reads.append((tmp_path / "read").read_text().split())
    assert len(reads[0]) == 6
    assert reads[1:] == [[], []]


def test_a_dataset_that_no_repr_tells_apart_is_refused_on_disk(tmp_path):
    with pytest.raises(ConfigError, match="__repr__"):
        Cached(Noted(tmp_path / "read"), folder=tmp_path / "cache", disk="1MiB")


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_what_cannot_be_kept_is_a_good_sample_all_the_same(tmp_path, monkeypatch, caplog, where):
    class Odd(Noted):
        def __repr__(self):
            return "Odd()"

        def __getitem__(self, index):
            sample = super().__getitem__(index)
            if where == "memory":
                sample.targets["strange"] = np.array([object()], object)
            return sample

    data = Odd(tmp_path / "read")
    if where == "memory":
        cached = Cached(data, memory="1MiB")
    else:
        cached = Cached(data, folder=tmp_path / "cache", disk="1MiB")

        def full(path, data):
            if path.name.endswith(".sample"):
                raise OSError(28, "No space left on device")
            path.write_bytes(data)

        monkeypatch.setattr("densefit.data.io.disk_cache._replace", full)
    for index in (0, 1, 0):
        assert (cached[index].image == index).all()
    assert caplog.text.count("no longer kept") == 1
    assert cached.used == 0
