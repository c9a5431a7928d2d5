"""A dataset that never has what a head learns is refused before the training."""

from types import SimpleNamespace

import numpy as np
import pytest

import densefit as df
from densefit.data.loader.label_check import check_labelled, stand_ins
from densefit.data.loader.loader import Loader
from densefit.data.sample import Sample
from densefit.data.targets_present import probe_indices, targets_in
from densefit.errors import DataError


class Data:
    """Every sample has boxes, those `at` some places a mask too; `bad` ones raise."""

    classes = ()

    def __init__(self, length=20, at=(), bad=()):
        self.length, self.at, self.bad, self.read = length, at, bad, []

    def __repr__(self):
        return "Data()"

    def __len__(self):
        return self.length

    def id_of(self, index):
        return f"d{index}"

    def __getitem__(self, index):
        self.read.append(index)
        if index in self.bad:
            raise OSError("cannot read")
        targets = {"boxes": np.zeros((0, 4), np.float32)}
        if index in self.at:
            targets["mask"] = np.zeros((8, 8), np.uint8)
        return Sample(self.id_of(index), np.zeros((8, 8, 3), np.uint8), targets)


def heads(*targets):
    return [SimpleNamespace(name="det", targets=("boxes",), labels=lambda size: []),
            SimpleNamespace(name="seg", targets=targets, labels=lambda size: [])]  # fmt: skip


def test_one_sample_is_enough_and_none_if_nothing_is_declared():
    data = Data(at=[0])
    check_labelled(data, None, heads("mask"), 0)
    assert data.read == [0]
    check_labelled(data, None, [SimpleNamespace(name="own")], 0)
    assert data.read == [0]


@pytest.mark.parametrize("at", [[19], [3], range(10, 20)])
def test_the_target_may_come_late(at):
    check_labelled(Data(at=at), None, heads("mask"), 0)


@pytest.mark.parametrize("length", [1, 3, 64])
def test_a_dataset_that_never_has_it_is_refused(length):
    data = Data(length)
    with pytest.raises(DataError) as caught:
        check_labelled(data, None, heads("mask"), 0)
    for said in ("'seg'", "'mask'", "['boxes']", "Data()", "masks=True"):
        assert said in str(caught.value)
    assert len(data.read) == length


class Annotated(Data):
    """Says which samples have a mask."""

    def targets_of(self, index):
        return ["boxes", "mask"] if index in self.at else ["boxes"]

    def __getitem__(self, index):
        return super().__getitem__(index)


class Maps:
    name, targets = "seg", ("mask",)

    def labels(self, size):
        return [SimpleNamespace(name="mask", shape=(8, 8), dtype="uint8")]

    def encode(self, sample):
        return {"mask": sample.targets["mask"]}


def test_what_a_look_does_not_show_may_come_later_and_is_told_if_it_does_not(caplog):
    """2 of 400 samples have a mask, where nobody looked."""
    data = Data(400, at=[202, 204])
    assert not {202, 204} & set(probe_indices(data, 64))
    with Loader(data, batch_size=50, heads=[Maps()], workers=0) as loader:
        assert "none of the 64 samples that were looked at has it, of 400" in caplog.text
        has = np.concatenate([batch.labelled["seg"] for batch in loader])
    assert np.flatnonzero(has).tolist() == [202, 204]
    assert "samples of a first epoch has labels" not in caplog.text
    with Loader(Data(100), batch_size=50, heads=[Maps()], workers=0) as loader:
        assert len(list(loader)) == 2
    assert "none of the 100 samples of a first epoch has labels for the head 'seg'" in caplog.text


def test_what_the_annotations_say_is_known_of_all_samples(caplog):
    data = Annotated(400, at=[202, 204])
    examples = check_labelled(data, None, [Maps()], 0)
    assert data.read == [202]
    assert [one.id for one in examples["seg"]] == ["d202"]
    assert targets_in(data) == {"boxes", "mask"}
    with pytest.raises(DataError, match="learns the target 'mask', and none of"):
        check_labelled(Annotated(400), None, [Maps()], 0)
    assert not caplog.text


def test_broken_samples_tell_nothing():
    check_labelled(Data(bad=[0], at=[19]), None, heads("mask"), 0)
    check_labelled(Data(bad=range(20)), None, heads("mask"), 0)
    with pytest.raises(DataError, match="none of 19 samples"):
        check_labelled(Data(bad=[0]), None, heads("mask"), 0)


def test_a_misspelt_target_is_told_the_nearest():
    with pytest.raises(DataError, match="did you mean 'mask'"):
        check_labelled(Data(at=[0]), None, heads("masc"), 0)
    with pytest.raises(DataError, match="fix: *let the dataset give it"):
        check_labelled(Data(at=[0]), None, heads("depth"), 0)


def test_a_transform_may_make_the_target():
    def paint(sample, rng):
        sample.targets["mask"] = np.zeros(sample.image.shape[:2], np.uint8)
        return sample

    check_labelled(Data(), paint, heads("mask"), 0)


def test_the_loader_looks_when_it_is_made():
    with pytest.raises(DataError, match="'seg' learns the target 'mask'"):
        Loader(Data(), batch_size=2, heads=heads("mask"))
    Loader(Data(), batch_size=2)  # to score or to predict: nothing is known of heads


class Apart:
    """Sample i has the targets `has[i]`, each with the value i + 1."""

    classes = ()

    def __init__(self, *has):
        self.has = has

    def __len__(self):
        return len(self.has)

    def id_of(self, index):
        return str(index)

    def __getitem__(self, index):
        targets = {name: np.array(1.0 + index, np.float32) for name in self.has[index]}
        return Sample(str(index), np.zeros((8, 8, 3), np.uint8), targets)


class Numbers:
    """Learns the targets `a` and `b`: together, or as terms by themselves."""

    name, targets = "own", ("a", "b")

    def __init__(self, apart=False):
        terms = {key: SimpleNamespace(targets=(key,), trains=None) for key in "ab"}
        self.terms = terms if apart else {}

    def labels(self, size):
        return [SimpleNamespace(name=key, shape=(), dtype="float32") for key in "ab"]

    def encode(self, sample):
        return {key: sample.targets[key] for key in "ab" if key in sample.targets}


@pytest.mark.parametrize(
    ("has", "apart", "expected"),
    [
        (("a", "b", "", "ab", "ab"), False, {"a": 4, "b": 4}),  # the first that trains the head
        (("a", "b", "", "ab"), True, {"a": 1, "b": 2}),
        (("", "a", "", "ab"), True, {"a": 4, "b": 4}),  # the one that has more
        (("a", "b"), False, {"a": 0, "b": 0}),  # nobody trains it
    ],
)
def test_what_stands_in_is_of_samples_that_have_it(has, apart, expected):
    head = Numbers(apart)
    found = stand_ins([head], check_labelled(Apart(*has), None, [head], 0), (8, 8))
    assert {name: float(value) for name, value in found["own"].items()} == expected


def test_labels_of_a_term_without_its_targets_are_stood_in_for():
    batch = next(Loader(Apart("a", "b", "", "ab"), batch_size=4, heads=[Numbers(apart=True)]))
    values = {name: array.tolist() for name, array in batch.labels.items()}
    assert values == {"own_a": [1, 1, 1, 4], "own_b": [2, 2, 2, 4]}
    assert {key: has.tolist() for key, has in batch.labelled.items()} == {
        "own": [True, True, False, True],
        "own/a": [True, False, False, True],
        "own/b": [False, True, False, True],
    }


class Rare:
    """A class of the picture for sample 1 alone, by names of its own."""

    classes = ("fox", "owl")

    def __len__(self):
        return 40

    def __getitem__(self, index):
        targets = {"label": np.array(1)} if index == 1 else {"depth": np.ones((8, 8), np.float32)}
        return Sample(str(index), np.zeros((8, 8, 3), np.uint8), targets)


def test_classes_of_a_rare_target_are_never_taken_by_number():
    """A look shows no label: names that do not fit may be those of something else."""
    head = df.head("classification", classes=["cat", "dog"])
    loader = Loader(Rare(), batch_size=1, heads=[head], workers=0)
    assert next(loader).ids == ["0"]
    with pytest.raises(DataError, match="lacks the classes 'fox', 'owl'"):
        next(loader)
    head = df.head("classification", classes=["owl", "fox"])
    batch = next(Loader(Rare(), batch_size=40, heads=[head], workers=0))
    assert np.flatnonzero(batch.labelled["classification"]).tolist() == [1]
    assert next(iter(batch.labels.values()))[1] == 0
