"""A target that is a number or a text, of any type: trained, packed, cached and sent alike."""

import numpy as np
import pytest

import densefit as df
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Sample
from densefit.tools.formats.packed_records import pack

VALUES = [1, True, np.int64(1), np.uint8(1), np.float32(1), np.bool_(True), np.array(1), [1]]
OTHERS = [3, 2.5, False, "abc", np.float32(2.5), np.int64(3), np.array(3.0), np.str_("q")]


class Scalars:
    classes = ("a", "b")

    def __init__(self, label, other):
        self.label, self.other = label, other

    def __repr__(self):
        return f"Scalars({self.label!r}, {self.other!r})"

    def __len__(self):
        return 2

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        targets = {"label": self.label, "other": self.other}
        return Sample(str(index), np.zeros((8, 8, 3), np.uint8), targets)


def alike(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        other = second[name]
        assert type(value) is type(other)
        assert (value.dtype, value.shape) == (other.dtype, other.shape)
        assert value == other


@pytest.mark.parametrize(("label", "other"), list(zip(VALUES, OTHERS)), ids=repr)
def test_what_comes_back_is_what_a_loader_reads(label, other, tmp_path):
    data = Scalars(label, other)
    read = read_sample(data, 0).targets
    assert (read["label"].dtype, read["label"].shape, int(read["label"])) == (np.int64, (), 1)
    pack(data, tmp_path / "train.rec")
    kept = df.Cached(data, memory="1MiB")
    stored = df.Cached(data, folder=tmp_path / "cache", disk="1MiB")
    for again in (df.dataset("record", root=tmp_path, split="train"), kept, kept, stored, stored):
        alike(read_sample(again, 0).targets, read)
        alike(again[0].targets, read)
    for workers in (0, 1):
        with df.Loader(data, batch_size=2, workers=workers) as loader:
            alike(next(loader).targets[0], read)
