"""Datasets that say themselves what an epoch is."""

import numpy as np
import pytest

from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.errors import ConfigError


class Twice:
    """Three pictures, `bad` ones broken. Its epoch: the samples 1, 2, 0 and 1 again."""

    classes = ["number"]

    def __init__(self, grouped=False, bad=()):
        self.grouped, self.bad = grouped, bad

    def __len__(self):
        return 3

    def id_of(self, index):
        return f"n{range(3)[index]}"

    def __getitem__(self, index):
        if index in self.bad:
            raise OSError("cannot read")
        return Sample(self.id_of(index), np.zeros((4, 6, 3), np.uint8), {})

    def order(self, shuffle, batch_size):
        self.asked = (shuffle, batch_size)
        return Order(self.grouped)


class Order:
    exact = False

    def __init__(self, grouped):
        self.grouped = grouped

    def __len__(self):
        return 4

    def indices(self, seed, epoch):
        return np.array([1, 2, 0, 4])


class Noise:
    output_size = (4, 6)

    def __call__(self, sample, rng):
        sample.image = rng.integers(0, 256, sample.image.shape, np.uint8)
        return sample


@pytest.mark.parametrize("workers", [0, 2])
def test_the_dataset_s_order_is_the_epoch(workers):
    data = Twice()
    with Loader(data, batch_size=3, shuffle=True, transform=Noise(), workers=workers) as loader:
        assert data.asked == (True, 3)
        assert (len(loader), loader.epoch_samples, loader.exact) == (2, 4, False)
        (first, second) = list(loader)
    assert (first.ids, second.ids) == (["n1", "n2", "n0"], ["n1"])
    assert second.index.tolist() == [1]
    assert (first.data["data"][0] != second.data["data"][0]).any()  # it is transformed anew


def test_skipping_names_a_sample_that_comes_again():
    loader = Loader(Twice(bad=[1]), batch_size=3, on_error="skip", transform=Noise())
    assert [batch.ids for batch in loader] == [["n2", "n0"]]
    assert [name for name, _ in loader.skipped] == ["n1"]


def test_samples_that_belong_together_are_not_torn_apart_by_skipping():
    with pytest.raises(ConfigError, match="belong together"):
        Loader(Twice(grouped=True), batch_size=3, on_error="skip")
    assert len(Loader(Twice(grouped=True), batch_size=3)) == 2
