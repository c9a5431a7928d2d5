import errno

import cv2
import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.data.loader.skip_limit import SkipLimit
from densefit.data.sample import Sample
from densefit.data.transforms import Compose, Mixup, Mosaic, Resize
from densefit.data.workers.errors import LostWorkerError
from densefit.errors import ConfigError, DataError

FIT = Resize(8, 8)


class Colours:
    """A colour a picture; `bad` ones raise."""

    classes = ["colour"]

    def __init__(self, n, bad=(), error=None):
        self.n, self.bad = n, frozenset(bad)
        self.error = error or (lambda index: OSError(f"cannot read {index}"))

    def __len__(self):
        return self.n

    def id_of(self, index):
        return f"c{index}"

    def __getitem__(self, index):
        if index in self.bad:
            raise self.error(index)
        box = {"boxes": [[1, 1, 9, 9]], "classes": [0]}
        return Sample(f"c{index}", np.full((12, 12, 3), index % 256, np.uint8), box)


def no_memory(index):
    return MemoryError(f"of {index}")


def no_memory_in_opencv(index):
    try:
        cv2.resize(np.zeros((4, 4, 3), np.uint8), (200000, 200000))
    except cv2.error as error:
        return error


def no_memory_behind(index):
    try:
        try:
            raise MemoryError("inside")
        except MemoryError as error:
            raise DataError("The picture cannot be decoded") from error
    except DataError as error:
        return error


def no_files(index):
    return OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("error", [no_memory, no_memory_in_opencv, no_memory_behind, no_files])
def test_what_every_sample_would_meet_is_never_skipped(error):
    data = Colours(9, bad=[4], error=error)
    loader = Loader(data, batch_size=2, transform=FIT, on_error="skip", workers=0)
    with pytest.raises(LostWorkerError, match="sample 'c4'"):
        list(loader)
    assert loader.skipped == []


def test_nor_is_that_of_a_further_sample():
    data = Colours(4, bad=[1, 2, 3], error=no_memory)
    settings = {"batch_size": 1, "on_error": "skip", "workers": 0}
    loader = Loader(data, transform=Compose([Mixup(1.0), FIT]), **settings)
    with pytest.raises(LostWorkerError, match="MemoryError"):
        list(loader)


def test_many_skipped_samples_end_with_their_number_and_the_first_error():
    data = Colours(400, bad=range(3, 400, 3))
    loader = Loader(data, batch_size=4, transform=FIT, on_error="skip")
    with pytest.raises(DataError, match=r"41 skipped, 1 in a row") as caught:
        list(loader)
    text = str(caught.value)
    assert "cannot read 3" in text
    assert "sample 'c3'" in text
    assert "10% of an epoch's 400 samples" in text
    assert "cannot read 3" in str(caught.value.__cause__)
    with pytest.raises(DataError, match="41 skipped"):
        next(loader)
    loader.close()


def test_a_row_of_skipped_samples_ends_at_100():
    data = Colours(3000, bad=range(8, 200))
    with Loader(data, batch_size=4, transform=FIT, on_error="skip") as loader:
        with pytest.raises(DataError, match=r"100 skipped, 100 in a row[\s\S]*cannot read 8"):
            list(loader)


def test_a_few_are_skipped_in_each_epoch_and_more_where_the_user_says_so():
    data = Colours(40, bad=range(0, 20, 2))
    with Loader(data, batch_size=4, transform=FIT, on_error="skip") as loader:
        assert [sum(len(b.ids) for b in loader) for _ in range(3)] == [30, 30, 30]
    data = Colours(40, bad=range(0, 40, 2))
    with Loader(data, batch_size=4, transform=FIT, on_error="skip", skip_limit=0.5) as loader:
        assert sum(len(b.ids) for b in loader) == 20
    with pytest.raises(ConfigError, match="'skip_limit'"):
        Loader(data, batch_size=4, skip_limit=10)


@pytest.mark.parametrize("size", [3, 9, 12])
def test_more_than_half_of_a_small_epoch_is_never_skipped(size):
    settings = {"batch_size": 2, "transform": FIT, "on_error": "skip", "shuffle": True}
    half = size // 2
    with Loader(Colours(size, bad=range(half)), **settings) as loader:
        assert [sum(len(b.ids) for b in loader) for _ in range(2)] == [size - half] * 2
    with Loader(Colours(size, bad=range(half + 1)), **settings) as loader:
        with pytest.raises(DataError, match=rf"or {half}\)[\s\S]*{half + 1} skipped"):
            list(loader)
    with Loader(Colours(size, bad=range(half + 1)), skip_limit=1.0, **settings) as loader:
        assert sum(len(b.ids) for b in loader) == size - half - 1


def test_the_rest_of_an_epoch_is_no_small_epoch():
    data = Colours(100, bad=[96, 98, 99])
    with Loader(data, batch_size=1, transform=FIT, on_error="skip") as loader:
        loader.set_epoch(0, position=96)
        assert [b.ids for b in loader] == [["c97"]]


def test_good_samples_between_end_a_row():
    skips = SkipLimit(1.0, "data")
    skips.begin(1000)
    for number in range(300):
        skips.add(f"s{number}", DataError("Broken"))
        if number % 50 == 49:
            skips.good()
    assert len(skips.reasons) == 300


def test_a_broken_first_sample_is_skipped_by_the_constructor():
    with Loader(Colours(6, bad=[0, 1]), batch_size=4, on_error="skip") as loader:
        assert loader.input_size == (12, 12)
        assert [b.ids for b in loader] == [["c2", "c3", "c4", "c5"]]
        assert loader.memory_bytes > 0
    with pytest.raises(DataError, match="cannot read 0"):
        Loader(Colours(6, bad=[0, 1]), batch_size=4)
    with pytest.raises(DataError, match="cannot read 0"):
        Loader(Colours(6, bad=range(6)), batch_size=4, on_error="skip")


@pytest.mark.parametrize("mixing", [Mosaic(12, 12, p=1.0), Mixup(1.0)])
def test_a_broken_further_sample_costs_no_good_one_and_is_the_same_for_any_workers(mixing):
    data = Colours(30, bad=[3, 4, 5, 20, 21])
    epochs = []
    for workers in (0, 1, 3):
        settings = {"batch_size": 5, "on_error": "skip", "shuffle": True, "workers": workers}
        with Loader(data, transform=Compose([mixing, FIT]), **settings) as loader:
            loader.set_epoch(1)
            epochs.append([(b.ids, b.data["data"]) for b in loader])
            assert sorted(key for key, _ in loader.skipped) == ["c20", "c21", "c3", "c4", "c5"]
    for other in epochs[1:]:
        for (ids, pixels), (same_ids, same_pixels) in zip(epochs[0], other):
            assert ids == same_ids
            np.testing.assert_array_equal(pixels, same_pixels)
    assert sum(len(ids) for ids, _ in epochs[0]) == 25


def test_a_broken_further_sample_is_told_by_its_own_error_where_nothing_is_skipped():
    data = Colours(3, bad=[2])
    loader = Loader(data, batch_size=1, transform=Compose([Mixup(1.0), FIT]), workers=0)
    with pytest.raises(DataError, match=r"cannot read 2[\s\S]*sample 'c2'"):
        [list(loader) for _ in range(9)]


class UnspeakableError(Exception):
    """Its text cannot be made."""

    def __str__(self):
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_told_is_still_that_samples():
    data = Colours(4, bad=[2], error=lambda index: UnspeakableError())
    loader = Loader(data, batch_size=1, transform=FIT, workers=0)
    with pytest.raises(DataError, match=r"UnspeakableError[\s\S]*sample 'c2'"):
        list(loader)
