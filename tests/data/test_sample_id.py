import densefit as df
from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.sample_id import dataset_name


class Own:
    """A dataset, with an address as its repr."""

    classes = ["a", "b"]

    def __len__(self):
        return 0


class Subset:
    """A part of a dataset, as others write it."""

    def __init__(self, dataset):
        self.dataset = dataset


class Named:
    def __repr__(self):
        return "Named('here')"


def test_what_passes_a_dataset_through_has_its_name():
    assert dataset_name(df.Cached(Own(), memory="1MiB")) == "Own"
    assert dataset_name(df.Cached(Named(), memory="1MiB")) == "Named('here')"
    assert dataset_name(Subset(Own())) == "Subset of Own"
    assert dataset_name(Subset(Named())) == "Subset of Named('here')"
    assert dataset_name(RenamedClasses(Own(), {"a": "c"})) == "Own"


def test_a_name_never_fails_nor_ends():
    circle = Subset(None)
    circle.dataset = circle
    assert dataset_name(circle) == "Subset"
    assert dataset_name([1, 2]) == "a list of 2 samples"
    assert dataset_name(type("Long", (), {"__repr__": lambda self: "x" * 999})()) == "Long"
