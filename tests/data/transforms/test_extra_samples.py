from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.label_check import check_labelled
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample
from densefit.data.transforms import Compose, RandomFlip
from densefit.data.transforms.extra_samples import apply_transform, draw_from
from densefit.errors import DataError


class Numbers:
    """Picture i is all i."""

    classes = []

    def __init__(self, length, broken=None, name=""):
        self.length, self.broken, self.name = length, broken, name

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"{self.name}{index}"

    def __getitem__(self, index):
        if index == self.broken:
            raise OSError("gone")
        return Sample(self.id_of(index), np.full((4, 4, 3), index, np.uint8), {})


class Sum:
    """The sum of a picture and `others` more."""

    def __init__(self, others):
        self.others = others

    def __call__(self, sample, rng, draw):
        return replace(sample, image=sum((one.image for one in draw(self.others)), sample.image))


def rng(seed=0):
    return np.random.default_rng(seed)


def test_which_others_come_depends_on_seed_epoch_and_index_alone():
    def made(seed, epoch, index):
        step = Compose([RandomFlip(), Sum(2), Sum(1)])
        return SampleTask(Numbers(50), step, (), seed, epoch)(index).data

    np.testing.assert_array_equal(made(1, 2, 3), made(1, 2, 3))
    assert len({int(made(*key)[0, 0, 0]) for key in np.ndindex(2, 2, 2)}) > 4


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_them_whatever_its_workers(workers):
    def epoch(workers):
        with df.Loader(
            Numbers(12), batch_size=4, transform=Sum(3), workers=workers, shuffle=True
        ) as loader:
            return np.concatenate([batch.data["data"] for batch in loader])

    np.testing.assert_array_equal(epoch(workers), epoch(1))


def test_all_come_equally_often():
    draw = draw_from(Numbers(4), 0, rng())
    counts = np.bincount([int(one.image[0, 0, 0]) for one in draw(4000)])
    assert (abs(counts - 1000) < 120).all()


def test_of_a_mixture_they_come_from_the_same_dataset():
    class Mixed(Numbers):
        parts = {"a": range(0, 6), "b": range(6, 10)}

    for index in range(10):
        found = {int(one.image[0, 0, 0]) for one in draw_from(Mixed(10), index, rng())(60)}
        assert found == set(range(6) if index < 6 else range(6, 10))


def test_a_row_takes_what_its_members_take():
    assert Compose([Sum(3), RandomFlip(), Sum(1)]).others == 4
    assert Compose([RandomFlip()]).others == 0


def test_without_a_dataset_they_are_refused():
    with pytest.raises(DataError, match=r"up to 3[\s\S]*Loader"):
        Compose([Sum(3)])(Numbers(3)[0], rng())


def test_what_takes_none_is_called_as_ever():
    def plain(sample, rng):
        return sample

    sample = Numbers(3)[1]
    assert apply_transform(plain, sample, rng(), None) is sample


def test_a_broken_one_is_told_by_its_own_name_and_for_whom():
    with pytest.raises(DataError, match="Reading failed: OSError: gone") as caught:
        SampleTask(Numbers(2, broken=1), Sum(30), (), 0, 0)(0)
    assert "sample '1' (sample '0')" in str(caught.value)


def test_targets_are_looked_for_in_what_was_made_of_several():
    class Head:
        name, targets = "h", ("count",)

    def make(sample, rng, draw):
        return replace(sample, targets={"count": np.array(len(draw(2)))})

    make.others = 2
    examples = check_labelled(Numbers(3), make, [Head()], seed=0)
    assert [one.targets["count"] for one in examples["h"]] == [2]
