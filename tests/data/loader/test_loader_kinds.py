"""Loaders whose workers are processes, and what is left behind by either kind."""

import gc
import os
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.data.transforms import ColorJitter, Compose, RandomFlip, RandomScaleCrop
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError
from densefit.tasks.detection.head import Detection
from densefit.tasks.segmentation.head import Segmentation


class Colours:
    """Pictures of one colour each; `bad` ones raise."""

    classes = ["colour"]

    def __init__(self, n, bad=()):
        self.n, self.bad = n, bad

    def __len__(self):
        return self.n

    def id_of(self, index):
        return f"n{index}"

    def __getitem__(self, index):
        if index in self.bad:
            raise OSError(f"cannot read {index}")
        image = np.full((8, 8, 3), index, np.uint8)
        return Sample(f"n{index}", image, {"label": np.array(index, np.int64)})


def epochs(kind, workers, count=2):
    data = Shapes(13, size=(48, 64))
    heads = [
        Detection(data.classes, strides=(8, 16)),
        Segmentation(data.mask_classes),
    ]
    transform = Compose([RandomScaleCrop(32, 48), RandomFlip(), ColorJitter()])
    found = []
    settings = {"workers": workers, "worker_kind": kind, "shuffle": True, "seed": 3}
    with Loader(data, batch_size=4, transform=transform, heads=heads, **settings) as loader:
        for _ in range(count):
            for batch in loader:
                found.append((batch, list(batch.arrays.values())))
    return found


def test_processes_and_threads_give_the_same_batches():
    threads, processes = epochs("threads", 0), epochs("processes", 2)
    assert len(threads) == len(processes) == 8
    for (one, arrays), (other, others) in zip(threads, processes):
        assert (one.ids, one.position) == (other.ids, other.position)
        for first, second in zip(arrays, others):
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
        for first, second in zip(one.targets, other.targets):
            assert list(first) == list(second)
            for name, value in first.items():
                np.testing.assert_array_equal(value, second[name])
        for first, second in zip(one.geometries, other.geometries):
            np.testing.assert_array_equal(first.matrix, second.matrix)
        for name, value in one.labelled.items():
            np.testing.assert_array_equal(value, other.labelled[name])


def test_broken_samples_are_skipped_or_told_and_all_that_is_asked_for_ends_cleanly():
    data, settings = Colours(9, bad=[1, 4, 8]), {"batch_size": 2, "worker_kind": "processes"}
    with Loader(data, on_error="skip", **settings) as loader:
        for _ in range(2):
            assert [b.ids for b in loader] == [["n0", "n2"], ["n3", "n5"], ["n6", "n7"]]
        assert "cannot read 4" in dict(loader.skipped)["n4"]
        loader.on_error = "raise"
        loader.reset()
        with pytest.raises(DataError, match=r"OSError: cannot read 1[\s\S]*sample 'n1'"):
            next(loader)
        loader.set_epoch(5, skip=3)
        assert next(loader).ids == ["n6", "n7"]
        assert 0 < loader.memory_bytes < 1 << 20
        assert loader._ahead.shared_bytes >= loader.memory_bytes


def test_what_cannot_be_sent_is_told_at_once():
    with pytest.raises(ConfigError, match=r"where:\s+work.transform"):
        Loader(
            Colours(3), batch_size=1, transform=lambda sample, rng: sample, worker_kind="processes"
        )


class Imported(Colours):
    """Samples whose ids name the engines that the process has imported."""

    def __getitem__(self, index):
        engines = [name for name in ("mxnet", "torch") if name in sys.modules]
        return replace(super().__getitem__(index), id=f"engines: {engines}")


def test_a_worker_process_imports_no_engine_for_the_heads(monkeypatch):
    """This module, which is imported there, has heads, and they import what builds graphs."""
    monkeypatch.delenv("DENSEFIT_SYMBOL", raising=False)
    settings = {"worker_kind": "processes", "workers": 1}
    with Loader(Imported(1), batch_size=1, **settings) as loader:
        assert next(loader).ids == ["engines: []"]


def resident():
    """Bytes of memory that this process really has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def owned():
    gc.collect()
    shared = {name for name in os.listdir("/dev/shm") if "densefit" in name or "psm_" in name}
    return len(os.listdir("/proc/self/fd")), threading.active_count(), shared


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_nothing_leaks_in_hundreds_of_epochs(kind):
    with Loader(Colours(2), batch_size=1, worker_kind=kind) as loader:
        for epoch in range(320):
            if epoch == 20:
                before, memory = owned(), resident()
            if epoch % 3 == 2:
                next(iter(loader))  # left in the middle
                loader.reset()
            else:
                assert [batch.ids for batch in loader] == [["n0"], ["n1"]]
        (descriptors, threads, shared), (most, most_threads, was_shared) = owned(), before
        assert descriptors <= most
        assert threads <= most_threads  # one that another test left may have ended meanwhile
        assert shared == was_shared
        assert resident() - memory < 9e6  # 30 kB an epoch


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_nothing_is_left_of_loaders_that_end_in_every_way(kind):
    def use(way):
        loader = Loader(Colours(9), batch_size=2, workers=1, worker_kind=kind)
        try:
            for _ in loader:
                if way == "exception":
                    raise RuntimeError
                if way == "interrupt":
                    raise KeyboardInterrupt
                if way == "forgotten":
                    return
        except (RuntimeError, KeyboardInterrupt):
            loader.close()
        if way == "closed":
            loader.close()

    use("closed")  # what the first one starts stays: the system's resource tracker
    before = owned()
    for way in ("exception", "interrupt", "forgotten", "closed"):
        use(way)
        (descriptors, threads, shared), (most, most_threads, was_shared) = owned(), before
        assert (descriptors, shared) == (most, was_shared), way
        assert threads <= most_threads, way  # one that another test left may have ended meanwhile
