import pickle

import numpy as np
import pytest

from densefit.data.annotated import all_targets
from densefit.data.fingerprint import fingerprint
from densefit.data.sample import Sample
from densefit.data.subset import Subset
from densefit.data.wrapped import attribute_of
from densefit.errors import DataError


class Whole:
    classes = ("cat", "dog")
    order = "its own"
    faults = {3: DataError("broken"), 5: DataError("broken")}  # noqa: RUF012

    def __repr__(self):
        return "Whole()"

    def __len__(self):
        return 6

    def id_of(self, index):
        return f"image {index}"

    def targets_of(self, index):
        return ("mask",) if index % 2 else ("boxes",)

    def picture_file(self, index):
        return f"{index}.jpg"

    def annotations_of(self, index, size=None):
        return {"boxes": (index, size)}

    def objects_of(self, index):
        return []

    def __getitem__(self, index):
        image = np.full((2, 2, 3), index, np.uint8)
        return Sample(self.id_of(index), image, {"boxes": np.zeros((0, 4), np.float32)})


def test_a_subset_says_of_its_samples_what_the_dataset_says():
    part = Subset(Whole(), [5, 0, 3], "three")
    assert repr(part) == "Subset(Whole(), three)"
    assert [part.id_of(i) for i in range(len(part))] == ["image 5", "image 0", "image 3"]
    assert [part[i].image[0, 0, 0] for i in range(3)] == [5, 0, 3]
    assert part[-1].id == "image 3"
    assert part.picture_file(0) == "5.jpg"
    assert part.annotations_of(2, (4, 5)) == {"boxes": (3, (4, 5))}
    assert not hasattr(part, "size_of")
    assert part.classes == attribute_of(part, "classes") == ("cat", "dog")
    assert list(part.faults) == [0, 2]
    assert [set(names) for names in all_targets(part)] == [{"mask"}, {"boxes"}, {"mask"}]
    assert part.targets_of(1) == ("boxes",)
    assert fingerprint(part)["samples"] == 3
    with pytest.raises(IndexError):
        part[3]


def test_what_takes_an_index_takes_that_of_the_subset():
    class Annotated(Whole):
        def annotations_of(self, index, size=None):
            return {"label": np.array(index), "size": size}

        @property
        def size_of(self):  # a function, as wrappers have it
            return lambda index: (index, index)

    part = Subset(Annotated(), [5, 0, 3])
    assert part.annotations_of(0, (2, 2)) == {"label": 5, "size": (2, 2)}
    assert part.size_of(2) == (3, 3)
    assert not hasattr(Subset(Whole(), [0]), "annotations_of")


def test_what_is_of_the_whole_is_no_attribute():
    part = Subset(Whole(), [0])
    for name in ("order", "parts", "masks", "_hidden", "objects_of"):
        assert not hasattr(part, name)
    assert not hasattr(Subset([1, 2], [0]), "picture_file")


def test_the_repr_tells_subsets_apart():
    assert repr(Subset(Whole(), [0, 1])) == repr(Subset(Whole(), np.array([0, 1])))
    assert repr(Subset(Whole(), [0, 1])) != repr(Subset(Whole(), [0, 2]))


def test_it_goes_to_another_process():
    part = pickle.loads(pickle.dumps(Subset(Whole(), [2, 4])))
    assert part[1].id == "image 4"
