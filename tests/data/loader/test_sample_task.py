from dataclasses import replace

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import Sample
from densefit.data.transforms import Resize
from densefit.errors import ConfigError, DataError


class One:
    classes = []

    def __init__(self, sample):
        self.sample = sample

    def __len__(self):
        return 1

    def id_of(self, index):
        return "the one"

    def __getitem__(self, index):
        if isinstance(self.sample, Exception):
            raise self.sample
        return self.sample


class Head:
    name = "seg"

    def encode(self, sample):
        return {"label": sample.targets["mask"]}


@pytest.fixture
def sample():
    return Sample("the one", np.zeros((4, 6, 3), np.uint8), {"mask": np.ones((4, 6), np.uint8)})


def test_what_is_made(sample):
    sample.image[1, 2] = (7, 8, 9)
    made = SampleTask(One(sample), None, [Head()], 0, 0)(0)
    assert made.data.shape == (3, 4, 6)
    assert made.data.flags.c_contiguous
    np.testing.assert_array_equal(made.data[:, 1, 2], (7, 8, 9))
    assert (made.id, made.index) == ("the one", 0)
    assert made.geometry.size == (4, 6)
    np.testing.assert_array_equal(made.labels["seg"]["label"], sample.targets["mask"])


def test_the_original_survives_a_transform_that_writes_in_place(sample):
    def spoil(sample, rng):
        assert (sample.original["mask"] == 1).all()
        sample.targets["mask"][:] = 9
        return sample

    made = SampleTask(One(sample), spoil, [Head()], 0, 0)(0)
    assert (made.original["mask"] == 1).all()
    assert (made.labels["seg"]["label"] == 9).all()


def test_chance_depends_on_seed_epoch_and_index_alone(sample):
    draws = []

    def note(sample, rng):
        draws.append(rng.integers(1 << 30))
        return sample

    for seed, epoch, index in ((0, 0, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        SampleTask(One(sample), note, [], seed, epoch)(index)
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4


def test_any_error_gets_the_id_and_keeps_its_cause(sample):
    cause = OSError("disk on fire")
    with pytest.raises(DataError, match="Reading failed: OSError: disk on fire") as caught:
        SampleTask(One(cause), None, [], 0, 0)(0)
    assert "sample 'the one'" in str(caught.value)
    assert caught.value.__cause__ is cause

    def end(sample, rng):
        raise StopIteration

    with pytest.raises(DataError, match="The transform failed: StopIteration"):
        SampleTask(One(sample), end, [], 0, 0)(0)
    del sample.targets["mask"]
    with pytest.raises(DataError, match="Encoding for head 'seg' failed: KeyError: 'mask'"):
        SampleTask(One(sample), None, [Head()], 0, 0)(0)


@pytest.mark.parametrize("kind", [DataError, ConfigError])
def test_facts_of_our_own_errors_are_kept(kind):
    cause = kind("Bad file", expected="a", received="b", where="x.jpg", fix="mend it")
    with pytest.raises(DataError) as caught:
        SampleTask(One(cause), None, [], 0, 0)(0)
    error = caught.value
    assert (error.what, error.expected, error.received) == ("Bad file", "a", "b")
    assert error.fix == "mend it"
    assert error.where == "x.jpg (sample 'the one')"
    assert error.__cause__ is cause


@pytest.mark.parametrize("like", [((4, 6), "u1"), ((4, 6, 3), "f4"), ((4, 6, 4), "u1")])
def test_a_transform_must_leave_an_rgb_image(sample, like):
    image = np.zeros(*like)

    def change(sample, rng):
        sample.image = image
        return sample

    with pytest.raises(DataError, match=r"RGB image[\s\S]*sample 'the one'"):
        SampleTask(One(sample), change, [], 0, 0)(0)


def test_a_sample_that_comes_again_is_transformed_anew(sample):
    def paint(sample, rng):
        return replace(sample, image=rng.integers(0, 256, sample.image.shape, np.uint8))

    work = SampleTask(One(sample), paint, [], 0, 0)
    made = [work(visit) for visit in (0, 1, 2, 1)]
    assert [one.index for one in made] == [0, 0, 0, 0]
    assert (made[0].data != made[1].data).any()
    assert (made[1].data != made[2].data).any()
    np.testing.assert_array_equal(made[1].data, made[3].data)


def shrunk(sample, rng):
    """As a user writes it: targets are scaled, and where the picture lies is forgotten."""
    return Sample(sample.id, sample.image[::2, ::2], {"mask": sample.targets["mask"][::2, ::2]})


@pytest.mark.parametrize(
    "transform", [shrunk, lambda sample, rng: replace(sample, image=sample.image[:2])]
)
def test_a_transform_that_moves_the_picture_without_a_word_leaves_no_wrong_place(sample, transform):
    made = SampleTask(One(sample), transform, [Head()], 0, 0)(0)
    assert made.geometry.size == (4, 6)
    assert made.geometry.input_size == made.data.shape[1:]
    with pytest.raises(DataError, match=r"(?s)not known.*kept no track.*geometry\.then"):
        _ = made.geometry.matrix


def in_place(sample, rng):
    sample.image, sample.targets = sample.image[:2], {"mask": sample.targets["mask"][:2]}
    return sample


@pytest.mark.parametrize("transform", [shrunk, in_place])
def test_a_later_step_of_fixed_size_does_not_hide_it(sample, transform):
    made = SampleTask(
        One(sample), df.transforms.Compose([transform, Resize(4, 6)]), [Head()], 0, 0
    )(0)
    assert made.geometry.input_size == (4, 6)
    with pytest.raises(DataError, match=r"(?s)not known.*kept no track"):
        _ = made.geometry.matrix


def forgets(sample, rng):
    """As a user writes it: another picture of the same size, with the targets alone."""
    return Sample(sample.id, sample.image // 2, sample.targets)


def test_a_sample_made_without_a_geometry_has_the_one_from_before(sample):
    def made(*steps):
        return SampleTask(One(sample), df.transforms.Compose(steps), [Head()], 0, 0)(0).geometry

    flip = df.transform("random_flip", p=1.0)
    np.testing.assert_array_equal(made(flip, forgets).matrix, made(flip).matrix)
    np.testing.assert_array_equal(made(flip, forgets, flip).matrix, np.eye(2, 3))
    look = df.transform("random_perspective", p=1.0)
    assert made(look, forgets).is_other
    assert made(look, Resize(4, 6), forgets).is_other
    assert made(df.transform("random_crop", height=2, width=3), Resize(4, 6), forgets).cuts


def test_a_transform_that_moves_nothing_need_say_nothing(sample):
    def dimmed(sample, rng):
        return Sample(sample.id, sample.image // 2, sample.targets)

    made = SampleTask(One(sample), dimmed, [Head()], 0, 0)(0)
    np.testing.assert_array_equal(made.geometry.matrix, np.eye(2, 3))
